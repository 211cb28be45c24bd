import type { Head } from '../../domain/head.js';
import { entries } from '../../domain/manifest.js';
import { keyOfBlob } from '../../domain/moved.js';
import type { Derivative, SnapshotId } from '../../domain/types.js';
import { nodeLoader } from '../../engine/base.js';
import type { Origin } from '../../origins/contract.js';

/** One public path of a snapshot, and where its bytes lie at the origin. */
export interface Published {
  readonly path: string;
  readonly key: string;
  readonly derivative: Derivative;
}

/** Every public path of a snapshot, sorted by UTF-16 code units: the same snapshot gives the same list anywhere. */
export async function publishedIn(origin: Origin, head: Head, snapshot: SnapshotId): Promise<readonly Published[]> {
  const all: Published[] = [];
  for await (const entry of entries(nodeLoader(origin), snapshot)) {
    for (const { derivatives } of Object.values(entry.items)) {
      for (const derivative of derivatives) {
        all.push({ path: derivative.path, key: keyOfBlob(head.moved, derivative), derivative });
      }
    }
  }
  return all.sort((a, b) => (a.path < b.path ? -1 : 1));
}
