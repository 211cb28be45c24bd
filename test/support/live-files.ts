import { sha256 } from '../../src/domain/digest.js';
import type { Head } from '../../src/domain/head.js';
import { entries } from '../../src/domain/manifest.js';
import { keyOfBlob, keyOfNode } from '../../src/domain/moved.js';
import type { Digest, SnapshotId } from '../../src/domain/types.js';
import { namedSnapshots } from '../../src/engine/content.js';

type Get = (key: string) => Promise<Buffer | undefined>;

/** What a reader who follows the head finds: every blob by its public path, told by its hash. A node with other bytes than its name says throws. */
export async function liveFilesOf(head: Head, get: Get): Promise<Files> {
  const live = head.channels.live?.snapshot;
  return live ? await filesOf(head, live, get) : {};
}

type Files = Readonly<Record<string, 'whole' | 'broken'>>;

async function filesOf(head: Head, snapshot: SnapshotId, get: Get): Promise<Files> {
  const at = async (key: string) => (await get(key)) ?? Buffer.from('missing');
  const files: Record<string, 'whole' | 'broken'> = {};
  const node = async (digest: Digest) => {
    const bytes = await at(keyOfNode(head.moved, digest));
    if (sha256(bytes) !== digest) throw new Error(`manifest node ${digest} is missing or has other bytes`);
    return bytes;
  };
  for await (const { items } of entries(node, snapshot))
    for (const derivative of Object.values(items).flatMap((item) => item.derivatives))
      files[derivative.path] =
        sha256(await at(keyOfBlob(head.moved, derivative))) === derivative.sha256 ? 'whole' : 'broken';
  return files;
}

/** What is not there, or not itself, of all that the head names: nodes and blobs of every snapshot. Empty: it is whole. */
export async function flawsOf(head: Head | undefined, get: Get): Promise<readonly string[]> {
  const flaws = head ? namedSnapshots(head).map((snapshot) => flawsOfOne(head, snapshot, get)) : [];
  return (await Promise.all(flaws)).flat();
}

async function flawsOfOne(head: Head, snapshot: SnapshotId, get: Get): Promise<readonly string[]> {
  try {
    const files = Object.entries(await filesOf(head, snapshot, get));
    return files.flatMap(([file, is]) => (is === 'whole' ? [] : [`${file} of ${snapshot} is ${is}`]));
  } catch (error) {
    return [`${snapshot}: ${(error as Error).message}`];
  }
}
