import { createHash, randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { firstHead, type Head, publishTo, serializeHead } from '../../src/domain/head.js';
import { updateManifest } from '../../src/domain/manifest-update.js';
import { blobKey, manifestKey } from '../../src/domain/origin-keys.js';
import type { Derivative, Digest, Entry, RunId, SnapshotId } from '../../src/domain/types.js';

/**
 * An origin written without a night: manifests by the domain's own code, blobs that are texts. For readers, whom it does
 * not concern how it came about.
 */
export interface AnOrigin {
  readonly folder: string;
  /** Publishes the entries over what is live; a snapshot of nothing but them. */
  publish(entries: readonly Entry[]): Promise<SnapshotId>;
  head(): Promise<Head>;
  writeHead(head: object): Promise<void>;
  /** A derivative whose bytes are this text, stored. */
  derivative(facts: Facts): Promise<Derivative>;
  end(): Promise<void>;
}

export type Facts = Pick<Derivative, 'path' | 'type' | 'ext' | 'variant'> & {
  readonly text: string;
  readonly width?: number;
  readonly height?: number;
};

export async function anOrigin(): Promise<AnOrigin> {
  const folder = await mkdtemp(path.join(tmpdir(), 'nightpress-origin-'));
  const at = (key: string) => path.join(folder, key);
  let head = firstHead({ origin: randomUUID(), job: 'catalog', now: 0 });
  const writeHead = async (next: object) => await writeFile(at('head.json'), serializeHead(next as Head));
  await mkdir(at('m'));
  return {
    folder,
    writeHead,
    head: async () => JSON.parse(await readFile(at('head.json'), 'utf8')),
    publish: async (entries) => {
      const { root, nodes } = await updateManifest(nothing, undefined, new Map(entries.map((one) => [one.key, one])));
      for (const [digest, bytes] of nodes) await writeFile(at(manifestKey(digest)), bytes);
      const run = '20261122T020000Z-0000' as RunId;
      head = publishTo(head, { snapshot: root, window: '2026-11-22T02:00', run, txn: randomUUID(), now: 0 });
      await writeHead(head);
      return root;
    },
    derivative: async ({ text, ...facts }) => {
      const sha256 = digestOf(text);
      const key = blobKey({ sha256, ext: facts.ext });
      await mkdir(path.dirname(at(key)), { recursive: true });
      await writeFile(at(key), text);
      return { ...facts, sha256, bytes: Buffer.byteLength(text) };
    },
    end: async () => await rm(folder, { recursive: true, force: true }),
  };
}

export function digestOf(text: string | Uint8Array): Digest {
  return createHash('sha256').update(text).digest('hex') as Digest;
}

export function entryOf(key: string, type: string, derivatives: readonly Derivative[], recipe = 'pictures'): Entry {
  const source = { sha256: digestOf(`source of ${key}`), bytes: 1, type };
  return { key, source, items: { [recipe]: { fingerprint: digestOf(key), derivatives } } };
}

/** A picture at these widths in avif, webp and jpeg. */
export async function aPicture(origin: AnOrigin, key: string, note = '', widths = [320, 640, 1280]): Promise<Entry> {
  const derivatives: Derivative[] = [];
  for (const ext of ['avif', 'webp', 'jpg']) {
    for (const width of widths) {
      const type = `image/${ext === 'jpg' ? 'jpeg' : ext}`;
      const [variant, height] = [`${width}w`, width / 2];
      const path = `${key}/${variant}.${ext}`;
      derivatives.push(await origin.derivative({ path, type, ext, variant, width, height, text: `${path} ${note}` }));
    }
  }
  return entryOf(key, 'image/jpeg', derivatives);
}

async function nothing(): Promise<never> {
  throw new Error('a manifest built from nothing reads nothing');
}
