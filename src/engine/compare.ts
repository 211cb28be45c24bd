import { diffManifests } from '../domain/manifest.js';
import { type AssetDiff, type DiffTotals, describeChange, totalsOf } from '../domain/snapshot-diff.js';
import type { SnapshotId } from '../domain/types.js';
import type { Origin } from '../origins/contract.js';
import { nodeLoader } from './base.js';

export interface SnapshotDiff {
  readonly before: SnapshotId | undefined;
  readonly after: SnapshotId;
  /** Sorted by key. */
  readonly assets: readonly AssetDiff[];
  readonly totals: DiffTotals;
}

/** What going from one snapshot to another changes. Reads only the parts of the manifests that differ. */
export async function compareSnapshots(
  origin: Origin,
  before: SnapshotId | undefined,
  after: SnapshotId,
): Promise<SnapshotDiff> {
  const assets: AssetDiff[] = [];
  for await (const change of diffManifests(nodeLoader(origin), before, after)) assets.push(describeChange(change));
  assets.sort((a, b) => (a.key < b.key ? -1 : 1));
  return { before, after, assets, totals: totalsOf(assets) };
}
