import { randomBytes } from 'node:crypto';
import { chmod, lstat, mkdir, open, readdir, readlink, rename, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import { errno } from '../../domain/faults.js';
import { unlessAbsent } from './trouble.js';

/**
 * The folder of an origin:
 *
 *   head.json → now/head.json      fixed links, for whoever reads: a web server needs nothing but them
 *   live → now/live
 *   now → heads/<seq>              the one mutable thing
 *   heads/<seq>/head.json          a commit; the last few stay, for readers that are in the middle of one
 *   heads/<seq>/live → ../../trees/<snapshot>
 *   trees/<snapshot>/<public path> hard links to blobs; complete, because it gets its name when it is
 *   b/<aa>/<sha256>.<ext>          blobs, mode 0444; the modification time says when they were last stored
 *   m/<sha256>.json                manifest nodes, mode 0444
 *   .lock.db                       holds the kernel lock under which `now` moves and things are deleted
 *   .tmp/                          files and trees that have no name yet
 *   .condemned/                    blobs found bad; a link count above 1 says that a tree still shows one
 *
 * Invariants: a name outside `.tmp` never stands for half a thing: content is written and fsynced in `.tmp`, then
 * renamed, then the folder is fsynced. Blobs and nodes never change; `head.json` and `live` switch together, because
 * both lead through `now`. What a dead process left in `.tmp` is deleted a day later, when it is surely dead: process
 * ids mean nothing across containers that share a volume.
 *
 * Rejected: `head.json` as a file beside a `live` link (two commit points tear); write-file-atomic (it does not fsync
 * the folder).
 */
export interface Disk {
  readonly root: string;
  /** A path inside the origin. */
  at(...names: readonly string[]): string;
  /** A new path in `.tmp` where nothing is yet. */
  scratch(): Promise<string>;
  /** Makes sure that a folder exists, mode 0755 whatever the umask, and that a power cut does not take it away. */
  ensure(folder: string): Promise<void>;
}

const privateFolders = new Set(['.tmp', '.condemned']);
const leftoverAgeMs = 24 * 3_600_000;

export function diskAt(root: string): Disk {
  const at = (...names: readonly string[]) => path.join(root, ...names);
  const ensured = new Map<string, Promise<void>>();
  const ensure = (folder: string): Promise<void> => {
    const known = ensured.get(folder);
    if (known) return known;
    const made = makeFolder(folder, root);
    ensured.set(folder, made);
    made.catch(() => ensured.delete(folder)); // the caller gets the error; the next one tries again
    return made;
  };
  let swept: Promise<void> | undefined;
  return {
    root,
    at,
    ensure,
    async scratch() {
      await ensure(at('.tmp'));
      swept ??= sweep(at('.tmp'), at('.condemned')).catch(() => undefined); // leftovers cost space, never correctness
      await swept;
      return at('.tmp', `${process.pid}-${randomBytes(8).toString('hex')}`);
    },
  };
}

async function makeFolder(folder: string, root: string): Promise<void> {
  const parent = path.dirname(folder);
  if (parent !== folder && !(await unlessAbsent(lstat(parent)))) await makeFolder(parent, root);
  const mode = privateFolders.has(path.basename(folder)) ? 0o700 : 0o755;
  try {
    await newFolder(folder, mode);
  } catch (error) {
    if (errno(error) !== 'EEXIST') throw error;
    if (!folder.startsWith(root + path.sep)) return; // the user's own folder: nothing of ours to make durable
  }
  await syncFolder(parent); // also when it was there: who made it may have died before this
}

/** Makes a folder that is not there yet, with this mode whatever the umask. Not durable. */
export async function newFolder(folder: string, mode: number = 0o755): Promise<void> {
  await mkdir(folder, mode);
  await chmod(folder, mode);
}

/** Makes the names in a folder durable. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Puts a symlink at `link`, in the place of the one there, in one step. Not durable until its folder is synced.
 * Anything but a symlink in its place is the user's own: refused by the system, not replaced.
 */
export async function replaceLink(disk: Disk, link: string, target: string): Promise<void> {
  if ((await unlessAbsent(readlink(link))) === target) return;
  const scratch = await disk.scratch();
  await symlink(target, scratch);
  await rename(scratch, link);
}

async function sweep(scratch: string, condemned: string): Promise<void> {
  for (const name of await readdir(scratch)) {
    const left = await unlessAbsent(lstat(path.join(scratch, name)));
    if (left && isOld(left.mtimeMs)) await rm(path.join(scratch, name), { recursive: true, force: true });
  }
  for (const name of (await unlessAbsent(readdir(condemned))) ?? []) {
    const bad = await unlessAbsent(lstat(path.join(condemned, name)));
    if (bad && bad.nlink === 1 && isOld(bad.ctimeMs)) await rm(path.join(condemned, name), { force: true });
  }
}

function isOld(at: number): boolean {
  return at < Date.now() - leftoverAgeMs;
}
