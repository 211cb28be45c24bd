import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { Fault } from '../domain/faults.js';
import { alsoMoved, firstHead, type Head, publishTo, stageIn, unstage, withRetained } from '../domain/head.js';
import { letGo } from '../domain/retention.js';
import type { AssetKey, RunId, SnapshotId, Window } from '../domain/types.js';
import type { HeadRead } from '../origins/contract.js';
import { type Candidate, refuseCollected, type Stand, storeCandidate } from './candidate.js';
import { mendAndTell } from './entrances.js';
import { wayProved } from './fitness.js';
import type { Night } from './night.js';
import { rebased, withoutWithdrawn } from './rebase.js';
import { mendTree, prepareTree } from './tree.js';
import type { Updates } from './validate.js';

const maxSwaps = 5;

export interface PublishInput {
  readonly run: RunId;
  readonly window: Window;
  /** The snapshot that `updates` were composed on. */
  readonly base: SnapshotId | undefined;
  /** The head that the run began with: blobs were validated after it. */
  readonly head: Head | undefined;
  /** The live snapshot, when `base` is what could be read of it; no snapshot to go back to, and none to be compared with. */
  readonly damaged?: SnapshotId;
  readonly updates: Updates;
  /** Listing of the bytes this run staged, by key. */
  readonly stagedListing: (key: AssetKey) => string | undefined;
  /** Rules that hold the snapshot; empty: it goes live. */
  readonly holds: readonly string[];
  /** Why rules were lifted beforehand; kept with the commit. */
  readonly reason?: string;
}

export interface Published {
  /** `same`: the live snapshot already says exactly this, and nothing was written. */
  readonly kind: 'same' | 'live' | 'staged';
  readonly head: Head | undefined;
  readonly snapshot: SnapshotId | undefined;
  /** Why it was staged. */
  readonly rules: readonly string[];
  /** What the state's view of the live snapshot is measured against from now on: see `settle`. */
  readonly settledOn: SnapshotId | undefined;
  /** Assets left as another publisher made them, because its look at the source was newer. */
  readonly yielded: ReadonlySet<AssetKey>;
}

/**
 * Writes manifest and head, in that order, and moves nothing else. Another publisher that came first is no failure:
 * what this run changed, less what was withdrawn meanwhile, is put on top of what is live now, and where both changed an
 * asset, the one whose source is still as it was staged wins. Whoever follows the head sees the old snapshot or the new one.
 */
export async function publish(night: Night, input: PublishInput): Promise<Published> {
  if (isIdle(input)) return await stay(night, input);
  let stand: Stand = input;
  let seen = input.head?.seq;
  for (let attempt = 1; attempt <= maxSwaps; attempt++) {
    const read = await night.origin.readHead();
    if (!read && seen !== undefined) throw headGone(night, seen);
    seen = read?.head.seq;
    stand = await withoutWithdrawn(night, input.run, { stand, head: read?.head });
    if (seen !== input.head?.seq || attempt > 1) await refuseCollected(night, stand.updates);
    stand = await rebased(night, input, { stand, live: read?.head.channels.live, attempt });
    const candidate = await storeCandidate(night, stand);
    const committed =
      candidate.snapshot === read?.head.channels.live?.snapshot
        ? await keep(night, input, read, candidate.snapshot)
        : await commit(night, input, read, candidate);
    if (committed) return await conclude(night, input, stand, committed);
  }
  throw new Fault('swap-lost', `the head of '${night.job.name}' was moved by others ${maxSwaps} times in a row`);
}

async function conclude(night: Night, input: PublishInput, stand: Stand, committed: Committed): Promise<Published> {
  await mendShown(night, input.run, { ...committed, base: stand.base });
  const yielded = new Set([...input.updates.keys()].filter((key) => !stand.updates.has(key)));
  // Where others moved the head, the next run compares from our base on: what they changed is new to us.
  const isAlone = stand.base === input.base;
  return { ...committed, yielded, settledOn: isAlone ? committed.head?.channels.live?.snapshot : input.base };
}

/** Nothing changed since the head was read and nothing is staged: there is nothing to look at once more. */
function isIdle({ updates, head, base }: PublishInput): boolean {
  return updates.size === 0 && base !== undefined && head?.channels.live?.snapshot === base && !head.channels.staged;
}

async function stay(night: Night, input: PublishInput): Promise<Published> {
  const { head, base: snapshot } = input;
  return await conclude(night, input, input, { kind: 'same', head, snapshot, rules: [] });
}

/** Somebody deleted it. To make a new one would hide that, and what it kept. */
function headGone(night: Night, seq: number): Fault {
  const message = `the origin of '${night.job.name}' is gone: it was seq ${seq} a moment ago, and now there is no head`;
  return new Fault('origin-rewound', message);
}

type Committed = Omit<Published, 'yielded' | 'settledOn'>;

interface Shown extends Pick<Published, 'kind' | 'snapshot'> {
  readonly base: SnapshotId | undefined;
}

async function mendShown(night: Night, run: RunId, { kind, snapshot, base }: Shown): Promise<void> {
  const live = kind === 'same' ? snapshot : base;
  if (live && kind !== 'live') await mendLive(night, run, live);
  if (kind === 'same') await mendAndTell(night);
}

/** The live snapshot stays, but blobs of it may have been made again: its tree still shows the ones they replace. */
async function mendLive(night: Night, run: RunId, live: SnapshotId): Promise<void> {
  await mendTree(
    night.origin,
    live,
    night.state.items(run).map((row) => row.key),
  );
}

/** The live snapshot is what it should be. A staged one, then, is older news and must not go live any more. */
async function keep(
  night: Night,
  input: PublishInput,
  read: HeadRead | undefined,
  snapshot: SnapshotId,
): Promise<Committed | undefined> {
  const same = { kind: 'same', snapshot, rules: [] } as const;
  if (!read?.head.channels.staged) return { ...same, head: read?.head };
  const next = unstage(read.head, { txn: randomUUID(), now: night.clock() });
  return (await swap(night, input, { next, read, snapshot })) ? { ...same, head: next } : undefined;
}

/** One swap; undefined: another commit came first. */
async function commit(
  night: Night,
  input: PublishInput,
  read: HeadRead | undefined,
  { snapshot, moves }: Candidate,
): Promise<Committed | undefined> {
  const rules = read?.head.frozen ? [...input.holds, 'frozen'] : input.holds;
  const channel = rules.length > 0 ? 'staged' : 'live';
  const staged = read?.head.channels.staged;
  if (channel === 'staged' && staged?.snapshot === snapshot && isDeepStrictEqual(staged.rules, rules)) {
    return { kind: 'staged', head: read?.head, snapshot, rules };
  }
  if (channel === 'live') await prepareTree(night.origin, snapshot);
  const next = alsoMoved(nextHead(night, input, { read, snapshot, rules, txn: randomUUID() }), moves);
  if (!(await swap(night, input, { next, read, snapshot }))) return undefined;
  night.emit({ type: 'head-moved', seq: next.seq, snapshot, channel });
  return { kind: channel, head: next, snapshot, rules };
}

interface Swap {
  readonly next: Head;
  readonly read: HeadRead | undefined;
  readonly snapshot: SnapshotId;
}

/** False: another commit came first. */
async function swap(night: Night, input: PublishInput, { next, read, snapshot }: Swap): Promise<boolean> {
  const { txn = '' } = next.commits.at(-1) ?? {};
  night.state.beginSwap({ txn, run: input.run, seq: next.seq, snapshot, at: night.clock() });
  night.emit({ type: 'head-ready', seq: next.seq, snapshot });
  const fate = await orForget(night, txn, night.origin.swapHead(next, read?.version));
  if (fate === 'unknown') throw new Fault('swap-unknown', `the origin did not say whether seq ${next.seq} landed`);
  if (fate === 'lost') night.state.endSwap(txn);
  return fate === 'landed';
}

/** Where swaps may land late, one that throws was refused for good: there is nothing to settle. */
async function orForget<T>(night: Night, txn: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (night.origin.lateSwaps) night.state.endSwap(txn);
    throw error;
  }
}

interface Next {
  readonly read: HeadRead | undefined;
  readonly snapshot: SnapshotId;
  readonly rules: readonly string[];
  readonly txn: string;
}

function nextHead(night: Night, input: PublishInput, { read, snapshot, rules, txn }: Next): Head {
  const now = night.clock();
  const head = read?.head ?? firstHead({ origin: randomUUID(), job: night.job.name, now, commitsBy: wayProved(night) });
  const commit = { txn, now, snapshot, window: input.window.label, run: input.run };
  if (rules.length > 0) return stageIn(head, { ...commit, rules });
  const published = publishTo(head, { ...commit, reason: input.reason });
  const retained = letGo(published.retained, night.job.keep, { head: published, now: read?.at ?? now });
  return withRetained(
    published,
    retained.filter((entry) => entry.snapshot !== input.damaged),
  );
}
