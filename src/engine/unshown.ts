import { placesOf } from '../domain/condemned.js';
import type { Head } from '../domain/head.js';
import { blobKey } from '../domain/origin-keys.js';
import { blobsOf, keysOf } from '../domain/withdraw.js';
import type { BlobName, Origin } from '../origins/contract.js';
import { condemnBlobs } from './condemn.js';
import { everyEntry, namedSnapshots } from './content.js';
import type { HeadParts } from './move-head.js';

/**
 * Deletes, at once, those of these blobs that no snapshot of the head shows, under whatever key they may lie. Where others
 * cannot be kept out it moves the head, elsewhere it keeps them out meanwhile. From a channel nothing is deleted: runs of
 * live do it.
 */
export async function removeUnshown(parts: HeadParts, blobs: readonly BlobName[]): Promise<void> {
  const { condemning, exclusively } = parts.origin;
  if (blobs.length === 0) return;
  if (condemning) {
    const keysIn = async (head: Head, condemned: ReadonlySet<string>) => {
      const keys: string[] = [];
      for (const blob of await unshown(parts.origin, head, blobs)) {
        const places = placesOf(blobKey(blob), { moved: head.moved, condemned });
        const isStored = (await parts.origin.blobBytes(blob)) !== undefined;
        keys.push(...places.filter((place) => isStored || condemned.has(place)));
      }
      return keys;
    };
    await condemnBlobs({ ...parts, condemning }, keysIn);
  } else await exclusively?.(() => removeAlone(parts.origin, blobs));
}

/** The same where others are kept out already. */
export async function removeAlone(origin: Origin, blobs: readonly BlobName[]): Promise<void> {
  const head = (await origin.readHead())?.head;
  const keys = head ? (await unshown(origin, head, blobs)).flatMap((blob) => keysOf(head, blob)) : [];
  if (keys.length > 0) await origin.remove(keys);
}

async function unshown(origin: Origin, head: Head, blobs: readonly BlobName[]): Promise<readonly BlobName[]> {
  const left = new Map(blobs.map((blob) => [blobKey(blob), blob]));
  for await (const { items } of everyEntry(origin, namedSnapshots(head)))
    for (const blob of blobsOf(Object.values(items))) left.delete(blobKey(blob));
  return [...left.values()];
}
