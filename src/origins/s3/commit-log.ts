import { isBuiltOn, logKey, logVersion } from '../../domain/commit-log.js';
import { Fault } from '../../domain/faults.js';
import { type Head, landed } from '../../domain/head.js';
import type { HeadRead, Swap } from '../contract.js';
import { headKey, putHeadAt, readHeadAt, shortLived, withoutConditions } from './head-object.js';
import { headersFor, type Store } from './store.js';
import { isConflict, isNotImplemented, isRefusal, troubleOf } from './trouble.js';

/*
 * A commit by the log is one PUT of `log/<seq>.json` with `If-None-Match: *`, sent once: `domain/commit-log.ts` says why
 * that is enough. What came of it:
 *
 *   200, or the entry read back is ours
 *     head.json is beyond it, without our commit   lost: an old entry was created anew
 *     otherwise                                    head.json is put there: landed. Where that fails: `unknown`, for readers
 *                                                  do not see it yet; it has landed, and whoever looks next finds it
 *   another entry is there                         lost
 *   none is there                                  after a definite refusal lost, else `unknown`: the PUT may still land
 *   501                                            no conditional writes here: refused, with the way out
 */

/** The newest entry that can be reached from what readers are shown; `version` is its number. */
export async function readByLog(store: Store, shown: HeadRead | undefined): Promise<HeadRead | undefined> {
  const newest = await newestAfter(store, shown);
  return newest && { ...newest, version: logVersion(newest.head.seq) };
}

async function newestAfter(store: Store, from: HeadRead | undefined): Promise<HeadRead | undefined> {
  let newest = from;
  for (;;) {
    const next = await readEntry(store, (newest?.head.seq ?? 0) + 1);
    if (!next) return newest;
    if (newest && next.head.origin !== newest.head.origin) throw stray(store, next.head);
    newest = next;
  }
}

async function readEntry(store: Store, seq: number): Promise<HeadRead | undefined> {
  const entry = await readHeadAt(store, logKey(seq));
  if (entry && (entry.head.seq !== seq || entry.head.commitsBy !== 'log')) throw stray(store, entry.head, seq);
  return entry;
}

function stray({ place }: Store, { origin, seq }: Head, at = seq): Fault {
  return new Fault(
    'origin-corrupt',
    `${logKey(at)} in ${place} holds seq ${seq} of origin ${origin}: it was not made here`,
  );
}

export async function swapByLog(store: Store, next: Head, base: string | undefined): Promise<Swap> {
  if (!isBuiltOn(next, base)) return 'lost';
  const key = logKey(next.seq);
  // A single writer's store may keep no conditions, or refuse them; nobody else creates an entry.
  if (store.singleWriter && (await readHeadAt(store, key))) return 'lost';
  const condition = store.singleWriter ? {} : { IfNoneMatch: '*' };
  try {
    const cacheControl = headersFor('json').CacheControl;
    await putHeadAt(store, { client: store.commits, key, head: next, cacheControl, condition });
  } catch (error) {
    const created = await readBack(store, next, error);
    if (created !== 'ours') return created;
  }
  return await unlessTrouble(() => land(store, next));
}

async function readBack(store: Store, next: Head, error: unknown): Promise<'ours' | 'lost' | 'unknown'> {
  const trouble = troubleOf(error);
  if (!trouble) throw error;
  const isDefinite = isRefusal(trouble);
  if (isDefinite && !isConflict(trouble)) throw error;
  if (isNotImplemented(trouble)) throw withoutConditions(store, error);
  const entry = async () => (await readEntry(store, next.seq))?.head;
  const there = isDefinite ? await entry() : await unlessTrouble(entry);
  if (there === 'unknown') return there;
  if (there) return landed(there, txnOf(next)) ? 'ours' : 'lost';
  return isDefinite ? 'lost' : 'unknown';
}

/** The entry is there. Unless it is an old one that was deleted meanwhile, it is the newest, and readers are shown it. */
async function land(store: Store, next: Head): Promise<Swap> {
  const shown = await readHeadAt(store, headKey);
  if (shown && shown.head.seq >= next.seq && !landed(shown.head, txnOf(next))) return 'lost';
  await show(store, { head: next, version: '' });
  return 'landed';
}

/**
 * Shows readers the newest entry. Looked at right before and right after, because whoever was asleep in between may have
 * put an older one over a newer.
 */
export async function show(store: Store, from: HeadRead): Promise<void> {
  let newest = await newestAfter(store, from);
  for (let shown: HeadRead | undefined; newest && newest !== shown; newest = await newestAfter(store, shown)) {
    const { head } = newest;
    await putHeadAt(store, { client: store.data, key: headKey, head, cacheControl: shortLived });
    shown = newest;
  }
}

function txnOf({ commits }: Head): string {
  return commits.at(-1)?.txn ?? '';
}

/** Whatever the store says against it now, what was sent before stands. */
async function unlessTrouble<T>(work: () => Promise<T>): Promise<T | 'unknown'> {
  try {
    return await work();
  } catch (error) {
    if (!troubleOf(error) && !(error instanceof Fault)) throw error;
    return 'unknown';
  }
}
