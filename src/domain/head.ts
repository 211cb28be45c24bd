import { channelNameProblem, stagedBeside } from './channels.js';
import type { CondemnedList } from './condemned.js';
import { Fault } from './faults.js';
import type { Channel, CommitKind, Head, Publication, Retained, Staged, Stamp } from './head-shape.js';
import { commitsKept } from './head-text.js';
import type { Moved } from './moved.js';
import type { SnapshotId } from './types.js';

export type * from './head-shape.js';
export { commitsKept, parseHead, serializeHead } from './head-text.js';

interface First extends Pick<Head, 'origin' | 'job' | 'commitsBy'> {
  readonly now: number;
}

/** The ground for the very first commit: never written itself, which its `seq` of 0 says. */
export function firstHead({ origin, job, now, commitsBy }: First): Head {
  const way = commitsBy && { commitsBy };
  return {
    nightpress: 1,
    origin,
    job,
    ...way,
    seq: 0,
    at: stamped(now),
    channels: {},
    retained: [],
    pins: [],
    commits: [],
  };
}

/**
 * Makes a snapshot live and retains it as the newest. Whatever was staged is gone: it was this, or this is newer.
 * A frozen head must be staged into instead; asking for more is a bug and throws.
 */
export function publishTo(head: Head, { snapshot, window, run, ...stamp }: Publication): Head {
  if (head.frozen)
    throw new Error(`head ${head.seq} is frozen (${head.frozen.reason}), nothing may be published to it`);
  return commit(withoutStaged(makeLive(head, { snapshot, window, run }, stamp)), 'publish', stamp);
}

/** Puts a snapshot beside the live one, in the place of what was staged before. Live and retained stay as they are. */
export function stageIn(
  head: Head,
  { snapshot, window, run, rules, ...stamp }: Publication & { readonly rules: readonly string[] },
): Head {
  const staged: Staged = { ...channelAt(head, { snapshot, window, run }, stamp), rules };
  return commit({ ...head, channels: { ...head.channels, staged } }, 'stage', stamp);
}

/** Takes back what is staged: a newer look at the source found nothing to publish over the live snapshot. */
export function unstage(head: Head, stamp: Stamp): Head {
  return commit(withoutStaged(head), 'unstage', stamp);
}

/**
 * Makes an older snapshot live again: a new commit, so `seq` grows and caches follow. With a `freeze` reason later
 * runs stage theirs until `unfreeze`. What is staged stays, unless it is this. Throws `snapshot-unknown` for a
 * snapshot that was never live or is forgotten; one that was let go is still whole and counts.
 */
export function rollBackTo(
  head: Head,
  { snapshot, freeze, ...stamp }: Stamp & { readonly snapshot: SnapshotId; readonly freeze?: string },
): Head {
  const entry = head.retained.find((retained) => retained.snapshot === snapshot);
  if (!entry) throw neverLive(head, snapshot);
  const published = entry.published ?? entry.seq;
  const live = makeLive(head, { ...entry, published }, stamp);
  const rolledBack = head.channels.staged?.snapshot === snapshot ? withoutStaged(live) : live;
  const frozen = freeze === undefined ? head.frozen : { reason: freeze, at: stamped(stamp.now) };
  return commit(frozen ? { ...rolledBack, frozen } : rolledBack, 'rollback', stamp);
}

/** Makes the snapshot of another channel live; that channel stays where it is. Throws `snapshot-unknown`. */
export function promoteFrom(head: Head, { channel, ...stamp }: Stamp & { readonly channel: string }): Head {
  if (head.frozen)
    throw new Error(`head ${head.seq} is frozen (${head.frozen.reason}), nothing may be published to it`);
  return commit(withoutStaged(makeLive(head, channelOf(head, channel), stamp)), 'promote', stamp);
}

/** What a channel beside `live` shows. Throws `snapshot-unknown`. */
export function channelOf(head: Head, channel: string): Channel {
  const made = channelNameProblem(channel) ? undefined : head.channels[channel]; // what a gate holds is no channel
  if (!made) throw unknownChannel(head, channel);
  return made;
}

/** Lets runs publish again. A staged snapshot that only the freeze held is held by no rule any more, but not yet live. */
export function unfreeze(head: Head, stamp: Stamp): Head {
  const { frozen: _, ...thawed } = head;
  const { staged } = head.channels;
  if (!staged) return commit(thawed, 'unfreeze', stamp);
  const rules = staged.rules.filter((rule) => rule !== 'frozen');
  return commit({ ...thawed, channels: { ...head.channels, staged: { ...staged, rules } } }, 'unfreeze', stamp);
}

/** Names a snapshot so that it stays. Throws `snapshot-unknown` when the head does not hold it, `usage` for a name in use. */
export function addPin(
  head: Head,
  { name, snapshot, ...stamp }: Stamp & { readonly name: string; readonly snapshot: SnapshotId },
): Head {
  const held = [...head.retained, ...Object.values(head.channels)].some((holder) => holder?.snapshot === snapshot);
  if (!held) throw unknownSnapshot(head, snapshot);
  const taken = head.pins.find((pin) => pin.name === name);
  if (taken) throw new Fault('usage', `pin '${name}' already names snapshot ${taken.snapshot}, expected a new name`);
  return commit({ ...head, pins: [...head.pins, { name, snapshot, at: stamped(stamp.now) }] }, 'pin', stamp);
}

/** Throws `usage` for a name that no pin has. */
export function removePin(head: Head, { name, ...stamp }: Stamp & { readonly name: string }): Head {
  const pins = head.pins.filter((pin) => pin.name !== name);
  if (pins.length < head.pins.length) return commit({ ...head, pins }, 'unpin', stamp);
  const known = head.pins.map((pin) => `'${pin.name}'`).join(', ') || 'there is no pin';
  throw new Fault('usage', `no pin is named '${name}', expected one of: ${known}`);
}

/** Replaces what is retained as part of the commit that made `head`; makes none of its own. */
export function withRetained(head: Head, retained: readonly Retained[]): Head {
  const live = head.channels.live?.snapshot;
  if (live !== undefined && !retained.some(({ snapshot, droppedAt }) => snapshot === live && droppedAt === undefined)) {
    throw new Error(`the live snapshot ${live} of head ${head.seq} must stay retained`);
  }
  return { ...head, retained };
}

/** A commit that changes only what is retained. */
export function retainOnly(
  head: Head,
  { retained, ...stamp }: Stamp & { readonly retained: readonly Retained[] },
): Head {
  return commit(withRetained(head, retained), 'retain', stamp);
}

/** Says where the bytes lie that the commit which made `head` names; makes none of its own. */
export function withMoved(head: Head, moved: Moved): Head {
  const { moved: _, ...others } = head;
  const said = Object.entries(moved).filter(([from, to]) => from !== to);
  return said.length > 0 ? { ...others, moved: Object.fromEntries(said) } : others;
}

/** The same, beside what `head` says already. */
export function alsoMoved(head: Head, moves: Moved | undefined): Head {
  return moves ? withMoved(head, { ...head.moved, ...moves }) : head;
}

/** What a collection decided, as part of the commit that made `head`. */
export function withLists(head: Head, lists: readonly CondemnedList[]): Head {
  const { gc: _, ...others } = head;
  return lists.length > 0 ? { ...others, gc: { lists } } : others;
}

/** A commit that changes nothing else: whatever was sent before and is still on its way comes too late for this head. */
export function fence(head: Head, stamp: Stamp): Head {
  return commit(head, 'fence', stamp);
}

/** Whether the commit `txn` is in this head. False means "never" only while at most `commitsKept` commits came after. */
export function landed(head: Head, txn: string): boolean {
  return head.commits.some((made) => made.txn === txn);
}

/** The head after one more commit of this kind. */
export function commit(head: Head, kind: CommitKind, { txn, now, reason }: Stamp): Head {
  const seq = head.seq + 1;
  const made = { seq, txn, kind, ...(reason !== undefined && { reason }) };
  return { ...head, seq, at: stamped(now), commits: [...head.commits, made].slice(-commitsKept) };
}

type Made = Pick<Channel, 'snapshot' | 'window' | 'run' | 'published' | 'was'>;

/** The next commit of `head` puts this snapshot somewhere. */
function channelAt(head: Head, { snapshot, window, run }: Made, { now }: Stamp): Channel {
  return { snapshot, seq: head.seq + 1, at: stamped(now), window, run };
}

function makeLive(head: Head, made: Made, stamp: Stamp): Head {
  const { was } = head.retained.find(({ snapshot }) => snapshot === made.snapshot) ?? made;
  const { published } = made;
  const live: Channel = { ...channelAt(head, made, stamp), ...(published && { published }), ...(was && { was }) };
  const others = head.retained.filter(({ snapshot }) => snapshot !== live.snapshot);
  return { ...head, channels: { ...head.channels, live }, retained: [...others, live] };
}

function withoutStaged(head: Head): Head {
  const { staged: _, ...channels } = head.channels;
  return { ...head, channels };
}

function unknownSnapshot(head: Head, snapshot: SnapshotId): Fault {
  return new Fault(
    'snapshot-unknown',
    `snapshot ${snapshot} is not held at the origin of '${head.job}' (seq ${head.seq})`,
  );
}

function unknownChannel(head: Head, channel: string): Fault {
  if (Object.hasOwn(head.channels, stagedBeside(channel))) {
    const why = `channel '${channel}' of '${head.job}' shows nothing of its own yet: what it has is held by its gate`;
    return new Fault('snapshot-unknown', why, { hint: `nightpress status {job} --channel ${channel}` });
  }
  const others = Object.keys(head.channels).filter((name) => !channelNameProblem(name));
  const known = others.length > 0 ? `one of: ${others.map((name) => `'${name}'`).join(', ')}` : 'a run on one first';
  return new Fault('snapshot-unknown', `no channel '${channel}' at the origin of '${head.job}', expected ${known}`);
}

function neverLive(head: Head, snapshot: SnapshotId): Fault {
  return new Fault(
    'snapshot-unknown',
    `snapshot ${snapshot} was never live at the origin of '${head.job}': expected one that was`,
  );
}

export function stamped(now: number): string {
  return new Date(now).toISOString();
}
