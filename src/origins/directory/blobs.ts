import { constants } from 'node:fs';
import { type FileHandle, lstat, open, rename, rm, stat, utimes } from 'node:fs/promises';
import path from 'node:path';
import { errno } from '../../domain/faults.js';
import { blobKey } from '../../domain/origin-keys.js';
import type { Digest } from '../../domain/types.js';
import { badHash } from '../bad-hash.js';
import type { BlobName } from '../contract.js';
import { pour } from './bytes.js';
import { type Disk, syncFolder } from './disk.js';
import { onDisk, unlessAbsent } from './trouble.js';

/** A blob on its way in: an open file whose bytes are to get a name. */
interface Incoming {
  readonly name: BlobName;
  readonly from: string;
  readonly source: FileHandle;
  readonly target: string;
}

export async function putBlob(disk: Disk, name: BlobName, from: string): Promise<void> {
  const target = disk.at(blobKey(name));
  const source = await open(from, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stats = await source.stat();
    if (!stats.isFile()) throw new TypeError(`${from} is no regular file: it cannot become blob ${name.sha256}`);
    await onDisk(disk.root, async () => {
      await disk.ensure(disk.root);
      const { dev } = await stat(disk.root);
      const incoming = { name, from, source, target };
      // A file with other names could be written through them.
      const moved = stats.dev === dev && stats.nlink === 1 && (await moveIn(disk, incoming));
      if (!moved) await copyIn(disk, incoming);
    });
  } finally {
    await source.close();
  }
}

/**
 * Gives the file its name at the origin, without a second write. Its bytes must not change any more: whoever wrote it
 * has ended or said that it is finished. False when the file system has no way from there to here.
 */
async function moveIn(disk: Disk, { name, from, source, target }: Incoming): Promise<boolean> {
  const found = await pour(source);
  if (found !== name.sha256) throw badHash(`blob ${name.sha256}`, found);
  await disk.ensure(path.dirname(target));
  if (await keepStored(target, (await source.stat()).size)) return true;
  await finish(source);
  try {
    await rename(from, target);
  } catch (error) {
    if (errno(error) === 'EXDEV') return false;
    throw error;
  }
  await syncFolder(path.dirname(target));
  return true;
}

async function copyIn(disk: Disk, { name, source, target }: Incoming): Promise<void> {
  const write = async (file: FileHandle) => {
    const found = await pour(source, file);
    if (found !== name.sha256) throw badHash(`blob ${name.sha256}`, found);
  };
  await save(disk, target, write);
}

/**
 * Saves a new immutable file: temporary file, fsync, rename, fsync of the folder. What `write` throws leaves nothing.
 * A file of the same name and size that is already there stays as it is, unless it is to be `replaced`.
 */
export async function save(
  disk: Disk,
  target: string,
  write: (file: FileHandle) => Promise<void>,
  replace: boolean = false,
): Promise<void> {
  const scratch = await disk.scratch();
  const file = await open(scratch, 'wx', 0o600);
  try {
    await write(file);
    await disk.ensure(path.dirname(target));
    if (replace || !(await keepStored(target, (await file.stat()).size))) {
      await finish(file);
      await rename(scratch, target);
      await syncFolder(path.dirname(target));
    }
  } finally {
    await file.close();
    await rm(scratch, { force: true });
  }
}

async function finish(file: FileHandle): Promise<void> {
  await file.chmod(0o444);
  await file.utimes(new Date(), new Date()); // `collect` spares what is young, and a checkpoint may be older than this
  await file.sync();
}

/** True when a file of this size is already stored. It is young again, and durable even if who stored it died early. */
export async function keepStored(target: string, bytes: number): Promise<boolean> {
  const stored = await unlessAbsent(lstat(target));
  if (!stored?.isFile() || stored.size !== bytes) return false;
  const touched = await unlessAbsent(utimes(target, new Date(), new Date()).then(() => true));
  await syncFolder(path.dirname(target));
  return touched ?? false;
}

export async function blobBytes(disk: Disk, name: BlobName): Promise<number | undefined> {
  const stored = await onDisk(disk.root, () => unlessAbsent(lstat(disk.at(blobKey(name)))));
  return stored?.isFile() ? stored.size : undefined;
}

export async function hashBlob(disk: Disk, name: BlobName): Promise<Digest | undefined> {
  return await onDisk(disk.root, async () => {
    const file = await unlessAbsent(open(disk.at(blobKey(name)), 'r'));
    if (!file) return undefined;
    try {
      return await pour(file);
    } finally {
      await file.close();
    }
  });
}

/** Trees may still show the bad blob: `tree.mend` and `tree.prepare` put the one made again in its place. */
export async function condemnBlob(disk: Disk, name: BlobName): Promise<void> {
  const blob = disk.at(blobKey(name));
  await onDisk(disk.root, async () => {
    await disk.ensure(disk.at('.condemned'));
    const scratch = path.basename(await disk.scratch()); // a name of its own: the same blob may turn bad twice
    await unlessAbsent(rename(blob, disk.at('.condemned', `${name.sha256}~${scratch}`)));
    await unlessAbsent(syncFolder(path.dirname(blob)));
    await syncFolder(disk.at('.condemned'));
  });
}
