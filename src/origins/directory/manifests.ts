import { readFile } from 'node:fs/promises';
import { sha256 } from '../../domain/digest.js';
import { Fault } from '../../domain/faults.js';
import { manifestKey } from '../../domain/origin-keys.js';
import type { Digest } from '../../domain/types.js';
import { badHash } from '../bad-hash.js';
import { keepStored, save } from './blobs.js';
import type { Disk } from './disk.js';
import { onDisk, unlessAbsent } from './trouble.js';

export async function readManifest(disk: Disk, digest: Digest): Promise<Buffer | undefined> {
  const key = manifestKey(digest);
  const bytes = await onDisk(disk.root, () => unlessAbsent(readFile(disk.at(key))));
  if (!bytes) return undefined;
  const found = sha256(bytes);
  if (found === digest) return bytes;
  throw new Fault(
    'origin-corrupt',
    `manifest ${key} in ${disk.root} is damaged: its ${bytes.length} bytes have sha256 ${found}`,
  );
}

/** Unlike a blob, a node that is already there is compared: it is small, and a damaged one is mended in passing. */
export async function putManifest(disk: Disk, digest: Digest, bytes: Buffer): Promise<void> {
  const key = manifestKey(digest);
  const found = sha256(bytes);
  if (found !== digest) throw badHash(`manifest ${key}`, found);
  await onDisk(disk.root, async () => {
    const stored = await unlessAbsent(readFile(disk.at(key)));
    if (stored?.equals(bytes) && (await keepStored(disk.at(key), bytes.length))) return;
    await save(disk, disk.at(key), (file) => file.writeFile(bytes), true);
  });
}
