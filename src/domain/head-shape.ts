import type { CondemnedList } from './condemned.js';
import type { Moved } from './moved.js';
import type { AssetKey, Digest, RunId, SnapshotId } from './types.js';

/**
 * The head: the one small mutable object at an origin.
 *
 * Invariants: `seq` only grows, by one per commit; `commits` holds the last 32 commits, newest last; a commit landed
 * when its `txn` is among them; the live snapshot is retained and was not let go; while `frozen` is set, nothing but
 * a rollback and a takedown move `live`; no snapshot named here shows content that is `withdrawn`. Everything that changes
 * what must be kept (publish, stage, retain, pin, freeze, collect, withdraw) is one commit here, so all of it serialises on
 * one compare-and-swap (`head.ts`). Rejected: a second pointer for the staged snapshot or for retention; two commit points
 * tear.
 */
export interface Head {
  readonly nightpress: 1;
  /** Identity of the origin, made with its first commit; a state that remembers another uuid refuses to publish. */
  readonly origin: string;
  readonly job: string;
  /** Commits here are entries of a log (`commit-log.ts`), for ever: all publishers of an origin must go one way. */
  readonly commitsBy?: 'log';
  readonly seq: number;
  /** When this head was written, RFC 3339 UTC. Never compared for order. */
  readonly at: string;
  readonly channels: Channels;
  readonly frozen?: { readonly reason: string; readonly at: string };
  /** Snapshots whose blobs are kept, each once, ordered by when it was last made live: the live one is the last. */
  readonly retained: readonly Retained[];
  readonly pins: readonly Pin[];
  /** Where bytes lie that are not under the key of their name; nothing that this head names lies anywhere else. */
  readonly moved?: Moved;
  /** What collections of an origin that cannot keep publishers out have condemned: see `condemned.ts`. */
  readonly gc?: { readonly lists: readonly CondemnedList[] };
  /** Content that was taken down and must not come back, in the order of the takedowns: see `withdraw.ts`. */
  readonly withdrawn?: readonly Withdrawal[];
  readonly commits: readonly Commit[];
}

/** What is live, what waits to be, and other lines of snapshots by their names: see `channels.ts`. */
export interface Channels {
  readonly live?: Channel;
  readonly staged?: Staged;
  readonly [name: string]: Channel | Staged | undefined;
}

export interface Channel {
  readonly snapshot: SnapshotId;
  /** The seq of the commit that put it here. */
  readonly seq: number;
  readonly at: string;
  /** Window label and run that made it, for people. */
  readonly window: string;
  readonly run: RunId;
  /** Where a rollback put it here: the seq of the commit that had published it, its place in time. */
  readonly published?: number;
  /** Snapshots in whose place a takedown put this one. */
  readonly was?: readonly Former[];
}

/** A snapshot that was kept until content of it was withdrawn: people may still call the one in its place by its names. */
export interface Former {
  readonly snapshot: SnapshotId;
  /** Of the commit that had put it there; none where only a pin named it. */
  readonly seq?: number;
}

/** A snapshot waiting for `publish --override` or `unfreeze`. */
export interface Staged extends Channel {
  /** Gate rules that hold it, or `frozen`. */
  readonly rules: readonly string[];
}

/** A snapshot that is or was live: `seq` and `at` of the last time it was put there, window and run that made it. */
export interface Retained extends Channel {
  /** Set when retention let it go; its blobs live on for the grace. */
  readonly droppedAt?: string;
}

export interface Pin {
  readonly name: string;
  readonly snapshot: SnapshotId;
  readonly at: string;
  readonly was?: readonly Former[];
}

/** One content that was taken down, under one of the keys that showed it. */
export interface Withdrawal {
  readonly key: AssetKey;
  /** sha256 of the source: what must not be published again. */
  readonly source: Digest;
  /** Fingerprints of what was made of it: derivatives of it may be carried under a newer source. */
  readonly items: readonly Digest[];
  /** What nothing else showed, and so is deleted at once. */
  readonly blobs: readonly {
    readonly sha256: Digest;
    readonly ext: string;
    /** Where it lay, when not under the key of its name. */
    readonly key?: string;
  }[];
  /** Public paths that showed it, where plain web servers are shown a tree. */
  readonly paths?: readonly string[];
  readonly reason: string;
  readonly at: string;
  /** Of the commit that took it down. */
  readonly seq: number;
  /** When its blobs were gone from the origin; until then somebody has to delete them. */
  readonly erasedAt?: string;
}

export interface Commit {
  readonly seq: number;
  readonly txn: string;
  readonly kind: CommitKind;
  /** Why a person made it, in their words. */
  readonly reason?: string;
}

export const commitKinds = [
  'publish',
  'stage',
  'unstage',
  'rollback',
  'unfreeze',
  'promote',
  'pin',
  'unpin',
  'retain',
  'fence',
  'withdraw',
  'erase',
  'lift',
] as const;

export type CommitKind = (typeof commitKinds)[number];

/** What every commit brings: `txn`, by which its maker recognises it, and the time for people to read. */
export interface Stamp {
  readonly txn: string;
  readonly now: number;
  /** Of a person's commit, where one was given. */
  readonly reason?: string;
}

/** A snapshot, and the window and run that made it. */
export interface Publication extends Stamp {
  readonly snapshot: SnapshotId;
  readonly window: string;
  readonly run: RunId;
}
