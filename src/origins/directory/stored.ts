import { lstat, readdir, unlink } from 'node:fs/promises';
import path from 'node:path';
import { parseKey } from '../../domain/origin-keys.js';
import type { Stored } from '../contract.js';
import { type Disk, syncFolder } from './disk.js';
import { onDisk, unlessAbsent } from './trouble.js';

/** Blobs and manifest nodes; other files that somebody put between them are not ours and not listed. */
export async function* listStored(disk: Disk): AsyncGenerator<Stored> {
  const shards = await namesIn(disk, 'b');
  for (const folder of ['m', ...shards.map((shard) => `b/${shard}`)]) {
    const names = await namesIn(disk, folder);
    const looked = await onDisk(disk.root, () => Promise.all(names.map((name) => look(disk, `${folder}/${name}`))));
    yield* looked.filter((stored) => stored !== undefined);
  }
}

async function namesIn(disk: Disk, folder: string): Promise<readonly string[]> {
  return (await onDisk(disk.root, () => unlessAbsent(readdir(disk.at(folder))))) ?? [];
}

async function look(disk: Disk, key: string): Promise<Stored | undefined> {
  const named = parseKey(key);
  const stats = await unlessAbsent(lstat(disk.at(key)));
  return named && stats?.isFile() ? { ...named, key, bytes: stats.size, at: stats.mtimeMs } : undefined;
}

/** Throws on a key that is none before anything is deleted. */
export async function remove(disk: Disk, keys: readonly string[]): Promise<void> {
  const strange = keys.find((key) => !parseKey(key));
  if (strange !== undefined) throw new TypeError(`'${strange}' is no key of a blob or manifest: nothing was deleted`);
  await onDisk(disk.root, async () => {
    for (const key of keys) await unlessAbsent(unlink(disk.at(key)));
    for (const folder of new Set(keys.map((key) => path.dirname(key)))) await unlessAbsent(syncFolder(disk.at(folder)));
  });
}
