import { Fault } from '../domain/faults.js';
import { updateManifest } from '../domain/manifest-update.js';
import type { Moved } from '../domain/moved.js';
import type { Derivative, Digest, Entry, SnapshotId } from '../domain/types.js';
import { liveLoader } from './base.js';
import type { Night } from './night.js';
import { notHeld, putPool } from './store.js';
import type { Updates } from './validate.js';

/** A run's changes, and the snapshot they stand on. */
export interface Stand {
  readonly base: SnapshotId | undefined;
  readonly updates: Updates;
}

/** A snapshot that is whole at the origin and that the next head may name. */
export interface Candidate {
  readonly snapshot: SnapshotId;
  /** Where the bytes lie that it has and its base does not, when not under the key of their name. */
  readonly moves: Moved;
}

/** Stores the manifest nodes of what this stand comes to. */
export async function storeCandidate(night: Night, { base, updates }: Stand): Promise<Candidate> {
  const { root, nodes } = await updateManifest(liveLoader(night.origin), base, updates);
  if (root === base) return { snapshot: root, moves: {} };
  night.emit({ type: 'manifest-ready', snapshot: root, nodes: nodes.size });
  const puts = putPool(night.origin, night.workers);
  await Promise.all([...nodes].map(([digest, bytes]) => puts(() => night.origin.putManifest(digest, bytes))));
  night.emit({ type: 'manifest-stored', snapshot: root });
  return { snapshot: root, moves: await movesOf(night, updates, nodes.keys()) };
}

async function movesOf(night: Night, updates: Updates, nodes: Iterable<Digest>): Promise<Moved> {
  const blobs = [...updates.values()].flatMap((entry) => (entry ? outputsOf(entry) : []));
  return (await night.origin.moves?.({ blobs, nodes })) ?? {};
}

/** Whoever moved the head may have been a collector, and what it let go may have been old enough to look forgotten. */
export async function refuseCollected(night: Night, updates: Updates): Promise<void> {
  const fresh = [...updates.values()].filter((entry) => entry !== undefined);
  const [lost] = await notHeld(night.origin, fresh, outputsOf);
  if (lost) throw new Fault('swap-lost', `blobs of '${lost.key}' were collected before they could be published`);
}

function outputsOf({ items }: Entry): readonly Derivative[] {
  return Object.values(items).flatMap((item) => item.derivatives);
}
