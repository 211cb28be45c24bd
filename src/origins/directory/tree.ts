import { constants } from 'node:fs';
import { chmod, copyFile, link, lstat, open, readdir, rename, rm, utimes } from 'node:fs/promises';
import path from 'node:path';
import pLimit from 'p-limit';
import { errno, Fault } from '../../domain/faults.js';
import { blobKey } from '../../domain/origin-keys.js';
import { pathProblem } from '../../domain/paths.js';
import type { Derivative, Entry, SnapshotId } from '../../domain/types.js';
import { liveSnapshot } from './commit.js';
import { type Disk, newFolder, syncFolder } from './disk.js';
import { noBlob, whatIsShown } from './shown.js';
import { unlessAbsent } from './trouble.js';

/** A tree is built in `.tmp`; it gets its name when it is complete and durable, so a name in `trees` needs no marker. */
export async function prepareTree(disk: Disk, snapshot: SnapshotId, entries: AsyncIterable<Entry>): Promise<void> {
  const target = disk.at('trees', snapshot);
  await disk.ensure(disk.at('trees'));
  if (await unlessAbsent(lstat(target))) await completeTree(disk, target, entries);
  else await buildTree(disk, target, entries);
  await unlessAbsent(utimes(target, new Date(), new Date())); // see `pruneTrees`
  await syncFolder(disk.at('trees')); // also when it was there: who made it may have died before this
}

async function buildTree(disk: Disk, target: string, entries: AsyncIterable<Entry>): Promise<void> {
  const tree = await disk.scratch();
  try {
    const folders = new Set<string>(['']);
    await newFolder(tree);
    for await (const entry of entries) {
      const derivatives = derivativesOf(entry);
      for (const { path: publicPath } of derivatives) await makeFolders(tree, publicPath, folders);
      await allEnded(derivatives.map((derivative) => show(disk, tree, derivative)));
    }
    await syncFolders(tree, folders);
    await rename(tree, target);
  } catch (error) {
    await rm(tree, { recursive: true, force: true }).catch(() => undefined); // swept later; the first error is the one to tell
    const another = ['ENOTEMPTY', 'EEXIST'].includes(errno(error) ?? ''); // made the same tree meanwhile
    if (!another) throw error;
  }
}

/** Like `Promise.all`, but nothing is under way any more when it throws. */
async function allEnded(work: readonly Promise<void>[]): Promise<void> {
  await Promise.allSettled(work);
  await Promise.all(work);
}

/** A journal commits several at once: four of them take little longer than one, and there are as many as assets. */
const syncsAtOnce = 4;

async function syncFolders(tree: string, folders: Iterable<string>): Promise<void> {
  const limit = pLimit(syncsAtOnce);
  await limit.map(folders, (folder) => syncFolder(path.join(tree, folder)));
}

function derivativesOf(entry: Entry): readonly Derivative[] {
  const derivatives = Object.values(entry.items).flatMap((item) => item.derivatives);
  for (const { path: publicPath } of derivatives) {
    const problem = pathProblem(publicPath);
    if (problem)
      throw new Fault('origin-corrupt', `entry '${entry.key}' has the path '${publicPath}': expected ${problem}`);
  }
  return derivatives;
}

async function makeFolders(tree: string, publicPath: string, folders: Set<string>): Promise<void> {
  const folder = parentOf(publicPath);
  if (folders.has(folder)) return;
  await makeFolders(tree, folder, folders);
  await alone(publicPath, newFolder(path.join(tree, folder)));
  folders.add(folder);
}

/** With `/` only, and empty at the top, unlike `path.dirname`. */
function parentOf(publicPath: string): string {
  return publicPath.slice(0, Math.max(0, publicPath.lastIndexOf('/')));
}

const notLinkable = ['EMLINK', 'EXDEV', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP'];

async function show(disk: Disk, tree: string, derivative: Derivative): Promise<void> {
  const blob = disk.at(blobKey(derivative));
  const target = path.join(tree, derivative.path);
  try {
    await alone(derivative.path, link(blob, target));
  } catch (error) {
    if (errno(error) === 'ENOENT') throw missing(disk, derivative, error);
    if (!notLinkable.includes(errno(error) ?? '')) throw error;
    await copy(blob, target);
  }
}

function missing(disk: Disk, derivative: Derivative, cause: unknown): Fault {
  return new Fault('origin-corrupt', `blob ${blobKey(derivative)} of '${derivative.path}' is missing in ${disk.root}`, {
    cause,
  });
}

/** The plan found no collision; a file system that folds case or composes accents may see one. */
async function alone(publicPath: string, made: Promise<void>): Promise<void> {
  try {
    await made;
  } catch (error) {
    if (errno(error) !== 'EEXIST') throw error;
    const taken = `public path '${publicPath}' is taken by one that this file system takes for the same`;
    throw new Fault('run-failed', taken, { cause: error, hint: 'rename an asset or change recipes.<name>.path' });
  }
}

async function copy(blob: string, target: string): Promise<void> {
  await copyFile(blob, target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  await chmod(target, 0o444);
  const file = await open(target, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** What `prepare` finds already made may show what was condemned since, or what somebody else put there. */
async function completeTree(disk: Disk, tree: string, entries: AsyncIterable<Entry>): Promise<void> {
  for await (const entry of entries) {
    for (const { derivative } of await misshown(disk, tree, entry)) await showAgain(disk, tree, derivative);
  }
}

/** Like `completeTree`, but a path whose blob is missing waits until there is one. */
export async function mendTree(disk: Disk, snapshot: SnapshotId, entries: Iterable<Entry>): Promise<number> {
  const tree = disk.at('trees', snapshot);
  if (!(await unlessAbsent(lstat(tree)))) return 0;
  let mended = 0;
  for (const entry of entries) {
    const mendable = (await misshown(disk, tree, entry)).filter(({ wrong }) => wrong !== noBlob);
    for (const { derivative } of mendable) await showAgain(disk, tree, derivative);
    mended += mendable.length;
  }
  return mended;
}

async function misshown(disk: Disk, tree: string, entry: Entry) {
  const looks = derivativesOf(entry).map(async (derivative) => {
    return { derivative, wrong: await whatIsShown(disk, tree, derivative, true) };
  });
  return (await Promise.all(looks)).filter(({ wrong }) => wrong !== undefined);
}

async function showAgain(disk: Disk, tree: string, derivative: Derivative): Promise<void> {
  const target = path.join(tree, derivative.path);
  const scratch = await disk.scratch();
  await show(disk, path.dirname(scratch), { ...derivative, path: path.basename(scratch) });
  await disk.ensure(path.dirname(target));
  await rename(scratch, target);
  await rm(scratch, { force: true }); // renaming one link over another of the same file does nothing
  await syncFolder(path.dirname(target));
}

/**
 * Takes away trees that nobody is to see; the caller holds the lock. Kept beside `keep`: the live one, whoever made it
 * so, and those prepared since the last commit, which another publisher is about to make live.
 */
export async function pruneTrees(disk: Disk, keep: readonly SnapshotId[]): Promise<readonly string[]> {
  const names = (await unlessAbsent(readdir(disk.at('trees')))) ?? [];
  const kept = new Set<string | undefined>([...keep, await liveSnapshot(disk)]);
  const committed = (await unlessAbsent(lstat(disk.at('now'))))?.mtimeMs ?? 0;
  const pruned: string[] = [];
  for (const name of names.filter((tree) => !kept.has(tree))) {
    const stats = await lstat(disk.at('trees', name));
    if (stats.mtimeMs > committed) continue;
    const scratch = await disk.scratch(); // renamed first: half a tree must not bear a name
    await rename(disk.at('trees', name), scratch);
    pruned.push(scratch);
  }
  return pruned;
}
