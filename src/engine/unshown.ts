import type { Head } from '../domain/head.js';
import { blobsOf, keysOf } from '../domain/withdraw.js';
import type { BlobName, Origin } from '../origins/contract.js';
import { condemnBlobs } from './condemn.js';
import type { HeadParts } from './move-head.js';
import { everyEntry, namedSnapshots } from './takedown.js';

/** Deletes, at once, those of these blobs that no snapshot of the head shows. It may move the head. */
export async function removeUnshown(parts: HeadParts, head: Head, blobs: readonly BlobName[]): Promise<void> {
  const { condemning } = parts.origin;
  if (condemning) return await condemnBlobs({ ...parts, condemning }, (now) => keysUnshown(parts.origin, now, blobs));
  const keys = await keysUnshown(parts.origin, head, blobs);
  if (keys.length > 0) await parts.origin.remove(keys);
}

async function keysUnshown(origin: Origin, head: Head, blobs: readonly BlobName[]): Promise<readonly string[]> {
  const left = new Map(blobs.map((blob) => [blob.sha256, blob]));
  if (left.size === 0) return [];
  for await (const { items } of everyEntry(origin, namedSnapshots(head)))
    for (const { sha256 } of blobsOf(Object.values(items))) left.delete(sha256);
  return [...left.values()].flatMap((blob) => keysOf(head, blob));
}
