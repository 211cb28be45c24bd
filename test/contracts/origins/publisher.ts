import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { sha256 } from '../../../src/domain/digest.js';
import { firstHead, type Head, publishTo } from '../../../src/domain/head.js';
import { updateManifest } from '../../../src/domain/manifest-update.js';
import type { Entry, RunId, SnapshotId } from '../../../src/domain/types.js';
import type { BlobName, Origin, OriginServices } from '../../../src/origins/contract.js';
import { holdLock } from '../../../src/state/lock.js';

export const services: OriginServices = { holdLock };

/** A publisher that keeps the order law, with one entry: `page.txt`, whose content is what it is given. */
export function publisher(origin: Origin, scratch: string, commitsBy?: Head['commitsBy']) {
  const put = async (content: string): Promise<BlobName> => {
    const name = { sha256: sha256(content), ext: 'txt' };
    const file = path.join(scratch, randomUUID());
    await writeFile(file, content);
    await origin.putBlob(name, file);
    await rm(file, { force: true });
    return name;
  };
  const store = async (content: string): Promise<SnapshotId> => {
    const name = await put(content);
    const { root, nodes } = await updateManifest(never, undefined, new Map([['page.txt', pageEntry(name)]]));
    for (const [digest, bytes] of nodes) await origin.putManifest(digest, bytes);
    await origin.tree?.prepare(root, pageEntries(name));
    return root;
  };
  const next = async (content: string): Promise<{ head: Head; base: string | undefined; txn: string }> => {
    const snapshot = await store(content);
    const read = await origin.readHead();
    const txn = randomUUID();
    const ground = read?.head ?? firstHead({ origin: 'an-origin', job: 'catalog', now: 0, commitsBy });
    const run = '20261122T020003Z-4f2a' as RunId;
    const head = publishTo(ground, { txn, now: ground.seq, snapshot, window: '2026-11-22T02:00', run });
    return { head, base: read?.version, txn };
  };
  const publish = async (content: string) => {
    const { head, base } = await next(content);
    return await origin.swapHead(head, base);
  };
  return { put, store, next, publish };
}

const never = () => Promise.reject(new Error('nothing is to be read'));

export function pageEntry(name: BlobName, publicPath: string = 'page.txt'): Entry {
  const derivative = { ...name, path: publicPath, bytes: 1, type: 'text/plain', variant: 'original' };
  return {
    key: publicPath,
    source: { sha256: name.sha256, bytes: 1, type: 'text/plain' },
    items: { rest: { fingerprint: name.sha256, derivatives: [derivative] } },
  };
}

export async function* pageEntries(...names: readonly BlobName[]): AsyncGenerator<Entry> {
  for (const [at, name] of names.entries()) yield pageEntry(name, at === 0 ? 'page.txt' : `page-${at}.txt`);
}
