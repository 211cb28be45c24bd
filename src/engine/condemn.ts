import { isDeepStrictEqual } from 'node:util';
import { isWhereItLies, movedOf } from '../domain/collect.js';
import {
  type CondemnedList,
  condemnedMs,
  isBraked,
  listKey,
  listsInForce,
  listsKept,
  unnamedMs,
} from '../domain/condemned.js';
import { Fault } from '../domain/faults.js';
import { commit, type Head, type Retained, retainOnly, type Stamp, withLists, withMoved } from '../domain/head.js';
import type { Moved } from '../domain/moved.js';
import { originalKey } from '../domain/origin-keys.js';
import type { Digest } from '../domain/types.js';
import type { Condemning, Origin, Stored } from '../origins/contract.js';
import { type HeadParts, moveHead } from './move-head.js';
import { type CollectParts, everything, type Survey, survey } from './survey.js';

/** As many as one request deletes; before each, the head is read again. */
const batch = 1000;

/** What was read so long ago may no longer hold: a process can be stopped between two instructions for any time. */
const staleMs = 60_000;

export interface Condemned {
  /** What was deleted; when braked, what would have been condemned. */
  readonly objects: readonly Stored[];
  readonly surveyed: Survey;
  /** The origin stores so much that this collection may not condemn what it found. */
  readonly brakedOf?: number;
  readonly head: Head;
  /** Whether this collection made a commit. */
  readonly isMoved: boolean;
}

/** Collects where publishers cannot be kept out: `domain/condemned.ts` tells how. Nothing is deleted that the head does not condemn. */
export async function collectBeside(
  parts: CollectParts & { readonly condemning: Condemning },
  limits: Omit<Marking, 'stored'>,
): Promise<Condemned> {
  const stored = await everything(parts.origin);
  const marked = await mark(parts, { stored, ...limits });
  if (marked.braked) return { ...marked, objects: marked.braked, brakedOf: stored.length };
  const objects = await sweep(parts.origin, stored, marked.condemned);
  const named = new Set(marked.head.gc?.lists.map(({ list }) => list));
  await parts.condemning.pruneLists(named, marked.now - condemnedMs - unnamedMs);
  return { ...marked, objects };
}

/**
 * Deletes now, whatever its age, what `keysIn` says of the head as it is: condemned like all that is deleted here, so that
 * nobody who stores the same bytes later finds them taken away.
 */
export async function condemnBlobs(
  parts: HeadParts & { readonly condemning: Condemning },
  keysIn: (head: Head, condemned: ReadonlySet<string>) => Promise<readonly string[]>,
): Promise<void> {
  let keys: readonly string[] = [];
  await moveHead(parts, async (base, stamp, { at: now = stamp.now }) => {
    const lists = base.gc?.lists ?? [];
    keys = await keysIn(base, await keysOn(parts.condemning, lists));
    const inForce = await keysOn(parts.condemning, listsInForce(lists, now));
    const fresh = keys.filter((key) => !inForce.has(key));
    if (fresh.length === 0) return base;
    const list = await listOf(parts.condemning, fresh, { txn: stamp.txn, now });
    const moved = Object.entries(base.moved ?? {}).filter(([, to]) => !keys.includes(to));
    return withMoved(withLists(commit(base, 'retain', stamp), [...lists, list]), Object.fromEntries(moved));
  });
  if (keys.length > 0) await parts.origin.remove(keys);
}

interface Marked extends Pick<Condemned, 'head' | 'isMoved' | 'surveyed'> {
  /** By the origin's clock. */
  readonly now: number;
  /** The list that names it, by key. */
  readonly condemned: ReadonlyMap<string, Digest>;
  /** What it did not condemn because it is too much. */
  readonly braked?: readonly Stored[];
}

interface Marking {
  readonly stored: readonly Stored[];
  readonly maxDelete: number;
  readonly forgetLost: boolean;
}

async function mark(parts: CollectParts & { readonly condemning: Condemning }, marking: Marking): Promise<Marked> {
  let decided: Omit<Marked, 'head' | 'isMoved'> | undefined;
  let before: Head | undefined;
  const head = await moveHead(parts, async (base, stamp, { at: now = stamp.now }) => {
    before = base;
    const surveyed = await survey(parts, { head: base, stored: marking.stored, now });
    const lists = await listsIn(parts.condemning, { head: base, now, forgetLost: marking.forgetLost });
    const inForce = new Set(listsInForce(base.gc?.lists ?? [], now));
    const listed = new Map(
      lists.flatMap(({ list, keys }) => (inForce.has(list) ? keys.map((key) => [key, list.list] as const) : [])),
    );
    refuseLie(listed, { reachable: surveyed.reachable, moved: base.moved });
    const fresh = surveyed.objects.filter(({ key }) => !listed.has(key));
    const isTooMuch = isBraked(fresh.length, marking.stored.length, marking.maxDelete);
    decided = { now, surveyed, condemned: listed, ...(isTooMuch && { braked: fresh }) };
    const old = lists.map(({ list }) => list);
    const { retained, moved = {} } = base;
    if (isTooMuch) return marked(base, { retained, moved, lists: old, stamp }); // what it names must still be found
    const keys = fresh.map(({ key }) => key);
    const added = keys.length > 0 ? [await listOf(parts.condemning, keys, { txn: stamp.txn, now })] : [];
    for (const { list } of added) for (const key of keys) listed.set(key, list);
    const kept = { retained: surveyed.kept, moved: movedOf(moved, surveyed.reachable) };
    return marked(base, { ...kept, lists: [...old, ...added], stamp });
  });
  if (!decided || !before) throw new Error('a head was moved by nobody');
  return { ...decided, head, isMoved: head !== before };
}

/** Lists never name what the head needs, so one that does was not made for this head. */
function refuseLie(
  listed: Marked['condemned'],
  { reachable, moved }: Pick<Survey, 'reachable'> & Pick<Head, 'moved'>,
): void {
  for (const [key, list] of listed) {
    if (!reachable.has(originalKey(key)) || !isWhereItLies(key, moved)) continue;
    const message = `${listKey(list)}, which the head names, condemns ${key}, which a snapshot of the head needs: nothing was deleted`;
    throw new Fault('origin-corrupt', message);
  }
}

interface Decision {
  readonly retained: readonly Retained[];
  readonly moved: Moved;
  readonly lists: readonly CondemnedList[];
  readonly stamp: Stamp;
}

/** The same head when it says all this already. */
function marked(base: Head, { retained, moved, lists, stamp }: Decision): Head {
  const said = [base.retained, base.moved ?? {}, base.gc?.lists ?? []];
  if (isDeepStrictEqual([retained, moved, lists], said)) return base;
  return withMoved(withLists(retainOnly(base, { ...stamp, retained }), lists), moved);
}

async function listOf(
  condemning: Condemning,
  keys: readonly string[],
  { txn, now }: Pick<Stamp, 'txn' | 'now'>,
): Promise<CondemnedList> {
  const list = await condemning.putList({ txn, keys });
  return { list, at: new Date(now).toISOString(), objects: keys.length };
}

interface KnownList {
  readonly list: CondemnedList;
  readonly keys: readonly string[];
}

interface Listing extends Pick<Marking, 'forgetLost'> {
  readonly head: Head;
  readonly now: number;
}

/** Lists whose time is over go, and where a person asks for it lost ones: nobody deletes by a list that the head does not name. */
async function listsIn(condemning: Condemning, { head, now, forgetLost }: Listing): Promise<readonly KnownList[]> {
  const known: KnownList[] = [];
  for (const list of listsKept(head.gc?.lists ?? [], now)) {
    const keys = await condemning.readList(list.list);
    if (keys || !forgetLost) known.push({ list, keys: keys ?? [] });
  }
  return known;
}

/** What these lists condemn: it lies there for nobody, and goes with the next collection. */
export async function keysOn(
  condemning: Condemning | undefined,
  lists: readonly CondemnedList[],
): Promise<ReadonlySet<string>> {
  const keys = await Promise.all(lists.map(({ list }) => condemning?.readList(list)));
  return new Set(keys.flatMap((some) => some ?? []));
}

/** Deletes what the head condemns at the very moment, batch by batch; returns it. */
async function sweep(
  origin: Origin,
  stored: readonly Stored[],
  condemned: Marked['condemned'],
): Promise<readonly Stored[]> {
  const doomed = stored.filter(({ key }) => condemned.has(key));
  const swept: Stored[] = [];
  for (let at = 0; at < doomed.length; at += batch) {
    const lists = await listsNamed(origin);
    const still = doomed.slice(at, at + batch).filter(({ key }) => lists.has(condemned.get(key)));
    await origin.remove(still.map(({ key }) => key));
    swept.push(...still);
  }
  return swept;
}

async function listsNamed(origin: Origin): Promise<ReadonlySet<Digest | undefined>> {
  for (;;) {
    const began = performance.now();
    const head = (await origin.readHead())?.head;
    if (performance.now() - began < staleMs) return new Set(head?.gc?.lists.map(({ list }) => list));
  }
}
