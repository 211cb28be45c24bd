import { lstat, open } from 'node:fs/promises';
import path from 'node:path';
import { blobKey } from '../../domain/origin-keys.js';
import type { Derivative, Digest } from '../../domain/types.js';
import { pour } from './bytes.js';
import type { Disk } from './disk.js';
import { unlessAbsent } from './trouble.js';

export const noBlob = 'has no blob to show';

/**
 * Why a public path does not show its blob, in words that follow the path; undefined when it does. A hard link to the
 * blob does; another file of its size is a copy, which `deep` reads, because a copy may turn bad by itself.
 */
export async function whatIsShown(
  disk: Disk,
  tree: string,
  derivative: Derivative,
  deep: boolean,
): Promise<string | undefined> {
  const file = path.join(tree, derivative.path);
  const looks = [file, disk.at(blobKey(derivative))].map((at) => unlessAbsent(lstat(at, { bigint: true })));
  const [shown, blob] = await Promise.all(looks);
  if (!blob?.isFile()) return noBlob;
  if (!shown) return 'is missing';
  if (!shown.isFile()) return 'is no regular file';
  if (shown.ino === blob.ino && shown.dev === blob.dev) return undefined;
  if (shown.size !== blob.size) return `has ${shown.size} bytes, expected ${blob.size}`;
  if (!deep || (await hashOf(file)) === derivative.sha256) return undefined;
  return 'is another file than its blob, and has other content';
}

async function hashOf(file: string): Promise<Digest> {
  const handle = await open(file, 'r');
  try {
    return await pour(handle);
  } finally {
    await handle.close();
  }
}
