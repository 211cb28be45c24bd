import { type Asset, open, ReadError, type Reader } from 'nightpress/client';
import { parseHead } from '../../src/domain/head-text.js';
import { entries } from '../../src/domain/manifest.js';
import { keyOfBlob, keyOfNode, type Moved } from '../../src/domain/moved.js';
import type { Derivative, Digest, Entry } from '../../src/domain/types.js';
import { sha256 } from '../support/published.js';
import { type Random, randomFrom } from '../support/random-sources.js';
import { twins } from './edge-sources.js';

/**
 * A pinned reader behind caches, in a process of its own, for `startWatching`. `client URL seed` reads with
 * `nightpress/client`; `raw URL URL seed` with nothing but fetch, each object from the other cache than the one before.
 *
 * A look: the head; the manifest to its last node; some blobs. All of it must be there and hash to its name, and assets
 * that were always written together must be of one night. An older head than the one seen is refused: the reader stays.
 */
export interface SeenAtEdge {
  readonly looks: number;
  /** Different snapshots, each of which was whole. */
  readonly snapshots: number;
  readonly nodes: number;
  readonly blobs: number;
  /** Heads older than one seen before: a cache kept them, the reader did not take them. */
  readonly refused: number;
}

const seen = { looks: 0, nodes: 0, blobs: 0, refused: 0 };
const snapshots = new Set<string>();
const blobsPerLook = 8;

function object(where: string, flaw: string): void {
  process.stdout.write(`${JSON.stringify({ type: 'violation', where, flaw })}\n`);
}

/** One look; the `seq` that it took. */
type Look = () => Promise<number>;

function withClient(base: string, random: Random): Look {
  let reader: Reader | undefined;
  const counting = async (url: string, init: RequestInit) => {
    if (url.includes('/m/')) seen.nodes++;
    return await fetch(url, init);
  };
  return async () => {
    reader = reader ? await refreshed(reader) : await open(base, { fetch: counting });
    const assets: Asset[] = [];
    for await (const asset of reader.assets()) assets.push(asset);
    judge(reader.snapshot, assets);
    for (const asset of some(assets, random)) {
      const derivative = asset.derivative();
      if (!derivative) continue;
      if (sha256(Buffer.from(await asset.bytes())) !== derivative.sha256)
        object('client', `${asset.key} is not itself`);
      seen.blobs++;
    }
    return reader.seq;
  };
}

async function refreshed(reader: Reader): Promise<Reader> {
  try {
    return await reader.refresh();
  } catch (error) {
    if (!(error instanceof ReadError) || error.code !== 'rewound') throw error;
    seen.refused++;
    return reader;
  }
}

function withFetch(bases: readonly string[], random: Random): Look {
  let [asked, heads] = [0, 0];
  let [seq, snapshot] = [0, ''];
  let moved: Moved | undefined;
  const get = async (key: string, turn = asked++) => {
    const url = `${bases[turn % bases.length]}/${key}`;
    const answer = await fetch(url);
    if (answer.status !== 200) throw new Error(`${url} answers ${answer.status}`);
    return Buffer.from(await answer.arrayBuffer());
  };
  const node = async (digest: Digest) => {
    seen.nodes++;
    return await named(digest, keyOfNode(moved, digest));
  };
  const named = async (digest: Digest, key: string) => {
    const bytes = await get(key);
    if (sha256(bytes) !== digest) throw new Error(`${key} has other bytes than its name says`);
    return bytes;
  };
  return async () => {
    const head = parseHead((await get('head.json', heads++)).toString());
    if (head.seq < seq) seen.refused++;
    else {
      [seq, snapshot] = [head.seq, head.channels.live?.snapshot ?? snapshot];
      moved = head.moved;
    }
    const all: { readonly key: string; readonly entry: Entry }[] = [];
    for await (const entry of entries(node, snapshot as Digest)) all.push({ key: entry.key, entry });
    judge(snapshot, all);
    for (const { entry } of some(all, random)) {
      const derivatives = Object.values(entry.items).flatMap((item): readonly Derivative[] => item.derivatives);
      for (const one of derivatives) await named(one.sha256, keyOfBlob(moved, one));
      seen.blobs += derivatives.length;
    }
    return seq;
  };
}

function judge(snapshot: string, all: readonly { readonly key: string; readonly entry: Entry }[]): void {
  snapshots.add(snapshot);
  const nights = new Set(twins.map((twin) => all.find(({ key }) => key === twin)?.entry.source.sha256));
  if (nights.size !== 1 || nights.has(undefined)) object('twins', `${snapshot} mixes nights`);
}

function some<T>(all: readonly T[], random: Random): readonly T[] {
  return Array.from({ length: blobsPerLook }, () => all[random.below(all.length)]).flatMap((one) => one ?? []);
}

const [how, ...words] = process.argv.slice(2);
const random = randomFrom(Number(words.pop()));
const look = how === 'client' ? withClient(words[0] ?? '', random) : withFetch(words, random);

let asked = false;
process.stdin.resume().once('end', () => {
  asked = true;
});
let newest = 0;
while (!asked) {
  try {
    const seq = await look();
    if (seq < newest) object('head', `seq ${seq} after ${newest}`);
    newest = Math.max(newest, seq);
  } catch (error) {
    object('look', String(error));
  }
  seen.looks++;
  await new Promise((resolve) => setTimeout(resolve, 100)); // leaves the machine to those who are watched
}
process.stdout.write(`${JSON.stringify({ type: 'seen', ...seen, snapshots: snapshots.size })}\n`);
