import { createHash } from 'node:crypto';
import { readdir, readFile, realpath } from 'node:fs/promises';
import path from 'node:path';
import type { Head } from '../../src/domain/head.js';
import { parseHead } from '../../src/domain/head-text.js';
import { entries } from '../../src/domain/manifest.js';
import { blobKey, manifestKey } from '../../src/domain/origin-keys.js';
import type { Derivative, SnapshotId } from '../../src/domain/types.js';

/** What readers of a directory origin can see, read as they read it: through the head, or through `live`. */

export async function readHead(origin: string): Promise<Head | undefined> {
  const text = await unlessAbsent(readFile(path.join(origin, 'head.json'), 'utf8'));
  return text === undefined ? undefined : parseHead(text);
}

export async function liveSnapshot(origin: string): Promise<SnapshotId | undefined> {
  return (await readHead(origin))?.channels.live?.snapshot;
}

/** Every derivative of a snapshot by public path. A node that is missing or has other bytes than its name says throws. */
export async function derivativesOf(origin: string, snapshot: SnapshotId): Promise<ReadonlyMap<string, Derivative>> {
  const load = async (digest: SnapshotId) => {
    const bytes = await readFile(path.join(origin, manifestKey(digest)));
    if (sha256(bytes) !== digest) throw new Error(`manifest node ${digest} has other bytes than its name says`);
    return bytes;
  };
  const all = new Map<string, Derivative>();
  for await (const entry of entries(load, snapshot)) {
    for (const item of Object.values(entry.items)) for (const one of item.derivatives) all.set(one.path, one);
  }
  return all;
}

/** What is wrong with the blobs of a snapshot: missing, or not the bytes of their name. */
export async function flawsOfBlobs(origin: string, derivatives: Iterable<Derivative>): Promise<readonly string[]> {
  const flaws: string[] = [];
  for (const derivative of derivatives) {
    const key = blobKey(derivative);
    const bytes = await unlessAbsent(readFile(path.join(origin, key)));
    if (!bytes) flaws.push(`blob ${key} of ${derivative.path} is missing`);
    else if (sha256(bytes) !== derivative.sha256) flaws.push(`blob ${key} of ${derivative.path} has other bytes`);
  }
  return flaws;
}

/** What differs between a tree and the snapshot it shows: every path, its bytes, and nothing else. */
export async function flawsOfTree(
  tree: string,
  derivatives: ReadonlyMap<string, Derivative>,
): Promise<readonly string[]> {
  const found = await readdir(tree, { recursive: true, withFileTypes: true });
  const files = new Set(
    found
      .filter((entry) => !entry.isDirectory())
      .map((entry) => path.relative(tree, path.join(folderOf(entry), entry.name))),
  );
  const flaws = [...files]
    .filter((file) => !derivatives.has(file))
    .map((file) => `${file} is in the tree, not in the snapshot`);
  for (const [file, derivative] of derivatives) {
    const bytes = await unlessAbsent(readFile(path.join(tree, file)));
    if (!bytes) flaws.push(`${file} is in the snapshot, not in the tree`);
    else if (sha256(bytes) !== derivative.sha256)
      flaws.push(`${file} in the tree has other bytes than the snapshot says`);
  }
  return flaws;
}

/** Head, manifest, blobs and `live`, all of one snapshot and whole. Empty: nothing is wrong. */
export async function flawsOf(origin: string): Promise<readonly string[]> {
  const snapshot = await liveSnapshot(origin);
  if (!snapshot) return [];
  const derivatives = await derivativesOf(origin, snapshot);
  const tree = await realpath(path.join(origin, 'live'));
  const wrongTree =
    path.basename(tree) === snapshot ? [] : [`head says ${snapshot}, live shows ${path.basename(tree)}`];
  const blobs = await flawsOfBlobs(origin, derivatives.values());
  return [...wrongTree, ...blobs, ...(await flawsOfTree(tree, derivatives))];
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export async function unlessAbsent<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

function folderOf(entry: { readonly parentPath?: string; readonly path?: string }): string {
  return entry.parentPath ?? entry.path ?? ''; // `parentPath` came with Node 20.12
}
