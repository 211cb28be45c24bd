import { lstat, open, readdir, readFile, readlink, rename, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import { sha256 } from '../../domain/digest.js';
import { errno, Fault } from '../../domain/faults.js';
import type { Head } from '../../domain/head.js';
import { parseHead, serializeHead } from '../../domain/head-text.js';
import type { SnapshotId } from '../../domain/types.js';
import type { HeadRead, Swap } from '../contract.js';
import { type Disk, newFolder, replaceLink, syncFolder } from './disk.js';
import { unlessAbsent } from './trouble.js';

/** Readers that opened an older commit finish within so many others. */
const headsKept = 8;

export async function readHead(disk: Disk): Promise<HeadRead | undefined> {
  const text = await readHeadText(disk);
  if (text === undefined) return undefined;
  try {
    return { head: parseHead(text), version: sha256(text) };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    throw await withLive(disk, error.message, error);
  }
}

async function readHeadText(disk: Disk): Promise<string | undefined> {
  const text = await unlessAbsent(readFile(disk.at('now', 'head.json'), 'utf8'));
  if (text !== undefined) return text;
  const target = await unlessAbsent(readlink(disk.at('now')));
  if (target === undefined) return undefined;
  // Another process may have moved on between the two looks.
  const again = await unlessAbsent(readFile(disk.at('now', 'head.json'), 'utf8'));
  if (again !== undefined) return again;
  throw await withLive(disk, `${target} holds no head.json`);
}

async function withLive(disk: Disk, what: string, cause?: unknown): Promise<Fault> {
  const live = await liveSnapshot(disk);
  const shown = live ? `still shows snapshot ${live}` : 'shows nothing';
  return new Fault('origin-corrupt', `origin ${disk.root}: ${what}; live ${shown}`, { cause });
}

/** The snapshot that `live` leads to. */
export async function liveSnapshot(disk: Disk): Promise<SnapshotId | undefined> {
  const target = await unlessAbsent(readlink(disk.at('now', 'live')));
  return target === undefined ? undefined : (path.basename(target) as SnapshotId);
}

/**
 * One commit; the caller holds the lock. Everything that `heads/<seq>` says is durable before `now` leads there, and
 * `now` is renamed last: until then a reader finds the old commit, or before the first one nothing at all, because the
 * fixed links dangle. A crash before that leaves a `heads/<seq>` that the next commit replaces.
 */
export async function swapHead(disk: Disk, next: Head, base: string | undefined, withTree: boolean): Promise<Swap> {
  const read = await readHead(disk);
  if (read?.version !== base) return 'lost';
  if (next.seq !== (read?.head.seq ?? 0) + 1) {
    throw new Error(`commit ${next.seq} does not follow commit ${read?.head.seq ?? 0} of ${disk.root}`);
  }
  const live = withTree ? next.channels.live?.snapshot : undefined;
  const isShown = live !== undefined && (await unlessAbsent(lstat(disk.at('trees', live)))) !== undefined;
  // Another publisher pruned the tree meanwhile: it is made again when the caller comes back, as after any lost swap.
  if (live && !isShown && live !== read?.head.channels.live?.snapshot) return 'lost';
  await forgetOldHeads(disk, next.seq);
  await writeHead(disk, next, isShown ? live : undefined);
  await makeEntrances(disk, withTree);
  await replaceLink(disk, disk.at('now'), `heads/${next.seq}`);
  await syncFolder(disk.root);
  return 'landed';
}

/** What readers are given: names that never change, each leading through `now`. */
function entrances(withTree: boolean): readonly { readonly name: string; readonly target: string }[] {
  const head = { name: 'head.json', target: 'now/head.json' };
  return withTree ? [head, { name: 'live', target: 'now/live' }] : [head];
}

/** The caller holds the lock. */
export async function makeEntrances(disk: Disk, withTree: boolean): Promise<void> {
  for (const { name, target } of entrances(withTree)) await replaceLink(disk, disk.at(name), target);
  await syncFolder(disk.root);
}

export async function lostEntrances(disk: Disk, withTree: boolean): Promise<readonly string[]> {
  if ((await linkTarget(disk.at('now'))) === undefined) return []; // nothing to enter yet
  const lost: string[] = [];
  for (const { name, target } of entrances(withTree)) {
    if ((await linkTarget(disk.at(name))) !== target) lost.push(name);
  }
  return lost;
}

async function linkTarget(link: string): Promise<string | undefined> {
  try {
    return await readlink(link);
  } catch (error) {
    if (['ENOENT', 'EINVAL'].includes(errno(error) ?? '')) return undefined; // gone, or something else in its place
    throw error;
  }
}

async function writeHead(disk: Disk, head: Head, live: SnapshotId | undefined): Promise<void> {
  const scratch = await disk.scratch();
  await newFolder(scratch);
  const file = await open(path.join(scratch, 'head.json'), 'wx', 0o644);
  try {
    await file.writeFile(serializeHead(head));
    await file.chmod(0o644);
    await file.sync();
  } finally {
    await file.close();
  }
  if (live) await symlink(`../../trees/${live}`, path.join(scratch, 'live'));
  await syncFolder(scratch);
  await disk.ensure(disk.at('heads'));
  const target = disk.at('heads', String(head.seq));
  await rm(target, { recursive: true, force: true });
  await rename(scratch, target);
  await syncFolder(disk.at('heads'));
}

async function forgetOldHeads(disk: Disk, next: number): Promise<void> {
  const seqs = ((await unlessAbsent(readdir(disk.at('heads')))) ?? []).map(Number);
  for (const seq of seqs.filter((old) => old < next - headsKept)) {
    await rm(disk.at('heads', String(seq)), { recursive: true, force: true });
  }
}
