import { formerSnapshot } from '../domain/find-snapshot.js';
import type { Head } from '../domain/head.js';
import { entries, lookup } from '../domain/manifest.js';
import type { AssetKey, SnapshotId } from '../domain/types.js';
import type { Origin } from '../origins/contract.js';
import { nodeLoader } from './base.js';

/** What plain web servers read is made before the head moves. */
export async function prepareTree(origin: Origin, snapshot: SnapshotId): Promise<void> {
  await origin.tree?.prepare(snapshot, entries(nodeLoader(origin), snapshot));
}

/** Public paths of these assets show their blobs again, as far as those are there. Returns how many had to be mended. */
export async function mendTree(origin: Origin, snapshot: SnapshotId, keys: Iterable<AssetKey>): Promise<number> {
  if (!origin.tree) return 0;
  const affected = await lookup(nodeLoader(origin), snapshot, keys);
  return affected.size === 0 ? 0 : await origin.tree.mend(snapshot, affected.values());
}

/** Plain web servers may still read the predecessor; older trees are gone, their blobs are not. */
export async function pruneTrees(origin: Origin, head: Head): Promise<void> {
  const kept = [head.channels.live?.snapshot, formerSnapshot(head)];
  await origin.tree?.prune(kept.filter((snapshot) => snapshot !== undefined));
}
