import { readFile, realpath } from 'node:fs/promises';
import path from 'node:path';
import type { Head } from '../../src/domain/head.js';
import type { Derivative, SnapshotId } from '../../src/domain/types.js';
import { derivativesOf, flawsOfBlobs, flawsOfTree, readHead, sha256, unlessAbsent } from './published.js';

/**
 * A reader in a process of its own: follows the head, and `live` both ways a web server may, again and again until its
 * stdin ends. Prints a line for every look that saw something that must not be, and at the end what it looked at.
 */
interface Seen {
  looks: number;
  readonly snapshots: Set<string>;
  blobs: number;
  /** Looks that were slower than two publishes: a tree is kept for the live snapshot and its predecessor only. */
  outrun: number;
  seq: number;
}

type Published = ReadonlyMap<string, Derivative>;

const origin = process.argv[2] ?? '';
const seen: Seen = { looks: 0, snapshots: new Set(), blobs: 0, outrun: 0, seq: 0 };

function object(flaws: readonly string[], where: string): void {
  for (const flaw of flaws) process.stdout.write(`${JSON.stringify({ type: 'violation', where, flaw })}\n`);
}

/** Once there was a head, there always is one. */
async function headNow(): Promise<Head | undefined> {
  const head = await readHead(origin);
  if (!head && seen.seq > 0) object(['it is gone'], 'head');
  return head;
}

/** The head, its manifest to the last node, every blob of it. */
async function followHead(): Promise<Head | undefined> {
  const head = await headNow();
  if (!head) return undefined;
  if (head.seq < seen.seq) object([`seq ${head.seq} after ${seen.seq}`], 'head');
  seen.seq = Math.max(seen.seq, head.seq);
  const snapshot = head.channels.live?.snapshot;
  if (!snapshot) return head;
  const published = await derivativesOf(origin, snapshot);
  object(await flawsOfBlobs(origin, published.values()), 'head');
  seen.snapshots.add(snapshot);
  seen.blobs += published.size;
  return head;
}

/** A server that resolves `live` once, as one that is reloaded does: what it sees then is one snapshot, whole. */
async function followTree(): Promise<void> {
  const before = await headNow();
  const tree = await unlessAbsent(realpath(path.join(origin, 'live')));
  if (!tree && seen.seq > 0) object(['it is gone'], 'live');
  if (!tree) return;
  try {
    object(await flawsOfTree(tree, await derivativesOf(origin, path.basename(tree) as SnapshotId)), 'tree');
  } catch (error) {
    if (!(await isOutrun(before))) object([String(error)], 'tree');
  }
}

/** A server that goes through `live` for every file: each file is whole, and of the snapshot before or after a switch. */
async function followPaths(): Promise<void> {
  const before = await headNow();
  const was = await publishedBy(before);
  const found = new Map<string, string | undefined>();
  for (const file of was.keys()) {
    const bytes = await unlessAbsent(readFile(path.join(origin, 'live', file)));
    found.set(file, bytes && sha256(bytes));
  }
  const is = await publishedBy(await headNow());
  if (await isOutrun(before)) return;
  const wrong = [...found].filter(([file, hash]) => hash !== was.get(file)?.sha256 && hash !== is.get(file)?.sha256);
  object(
    wrong.map(([file, hash]) => `${file} is ${hash ?? 'missing'}, in neither snapshot`),
    'paths',
  );
}

async function publishedBy(head: Head | undefined): Promise<Published> {
  const snapshot = head?.channels.live?.snapshot;
  return snapshot ? await derivativesOf(origin, snapshot) : new Map();
}

async function isOutrun(before: Head | undefined): Promise<boolean> {
  const now = await headNow();
  const outrun = (now?.seq ?? 0) > (before?.seq ?? 0) + 1;
  if (outrun) seen.outrun++;
  return outrun;
}

let asked = false;
process.stdin.resume().once('end', () => {
  asked = true;
});

while (!asked) {
  try {
    await followHead();
    await followTree();
    await followPaths();
  } catch (error) {
    object([String(error)], 'look');
  }
  seen.looks++;
  await new Promise((resolve) => setTimeout(resolve, 100)); // leaves the machine to those who are watched
}
const { looks, blobs, outrun, snapshots } = seen;
process.stdout.write(`${JSON.stringify({ type: 'seen', looks, blobs, outrun, snapshots: snapshots.size })}\n`);
