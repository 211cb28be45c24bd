import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { sha256 } from '../../domain/digest.js';
import { Fault } from '../../domain/faults.js';
import { blobKey } from '../../domain/origin-keys.js';
import type { Digest } from '../../domain/types.js';
import { badHash } from '../bad-hash.js';
import type { BlobName } from '../contract.js';
import { freeFor, liesAt } from './lists.js';
import { uploadInParts } from './multipart.js';
import { readExactly } from './part.js';
import { bare, look, put, read, type Store } from './store.js';
import { isConflict, isNotImplemented, troubleOf } from './trouble.js';

/** What fits into one part is sent in one request; beyond, in parts of this size. */
export const partBytes = 16 << 20;

/**
 * The bytes that are sent are the bytes that were hashed, and the store is told their hash: a file that changes meanwhile
 * is refused. What fits into one request is sent without asking whether it is there: that is one request instead of two,
 * and makes old bytes young, so that no collection takes them before they are published. What is sent in parts is kept
 * when it is there with the right size.
 */
export async function putBlob(store: Store, name: BlobName, from: string): Promise<void> {
  const key = await freeFor(store, blobKey(name));
  const file = await open(from, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw new TypeError(`${from} is no regular file: it cannot become blob ${name.sha256}`);
    if (stats.size <= partBytes) await putWhole(store, { key, name, file, size: stats.size });
    else await uploadInParts(store, { key, name, file, size: stats.size, partBytes });
  } finally {
    await file.close();
  }
}

interface Incoming {
  readonly key: string;
  readonly name: BlobName;
  readonly file: FileHandle;
  readonly size: number;
}

async function putWhole(store: Store, { key, name, file, size }: Incoming): Promise<void> {
  const bytes = await readExactly(file, 0, size);
  const found = sha256(bytes);
  if (found !== name.sha256) throw badHash(`blob ${name.sha256}`, found);
  await put(store, key, { bytes, sha256: name.sha256 });
}

export async function blobBytes(store: Store, name: BlobName): Promise<number | undefined> {
  return (await look(store, await freeFor(store, blobKey(name))))?.bytes;
}

export async function hashBlob(store: Store, name: BlobName): Promise<Digest | undefined> {
  return await read(store, await liesAt(store, blobKey(name)), async ({ Body }) => {
    const hash = createHash('sha256');
    for await (const chunk of Body as Readable) hash.update(chunk as Buffer);
    return hash.digest('hex') as Digest;
  });
}

/**
 * Deletes these bytes and no others: a request that arrives late must not take away the blob that was made again
 * meanwhile. A store that ignores the condition leaves that to chance. Where versions are kept, the bad bytes are, too.
 */
export async function condemnBlob(store: Store, name: BlobName): Promise<void> {
  const key = await liesAt(store, blobKey(name));
  const bad = await look(store, key);
  if (!bad) return;
  for (const etag of [bad.etag, bare(bad.etag)]) {
    if (await deleteIf(store, key, etag)) return;
    if ((await look(store, key))?.etag !== bad.etag) return; // it is gone, or another one is there
  }
  throw new Fault(
    'origin-unreachable',
    `bad blob ${key} of origin ${store.place} cannot be deleted: its ETag is not taken`,
  );
}

/** False: the condition was said not to hold, perhaps because the store wants its ETags in another form. */
async function deleteIf(store: Store, key: string, etag: string): Promise<boolean> {
  try {
    await store.data.send(new DeleteObjectCommand({ ...store.at(key), IfMatch: etag }));
    return true;
  } catch (error) {
    const trouble = troubleOf(error);
    if (trouble && isConflict(trouble)) return false;
    if (!trouble || !isNotImplemented(trouble)) throw error;
    await store.data.send(new DeleteObjectCommand(store.at(key)));
    return true;
  }
}
