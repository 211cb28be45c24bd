import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import pLimit from 'p-limit';
import { sha256 } from '../../domain/digest.js';
import { Fault } from '../../domain/faults.js';
import type { Digest } from '../../domain/types.js';
import type { UploadedPart } from '../../domain/uploads.js';
import { badHash } from '../bad-hash.js';
import type { BlobName } from '../contract.js';
import { type OpenFile, readExactly } from './part.js';
import { signed } from './signed.js';
import { askQuickly, headersFor, look, type Store } from './store.js';
import { troubleOf, unlessAbsent } from './trouble.js';

/*
 * An upload in parts:
 *
 *   create → its id is recorded → parts, several at once, each recorded when the store has it → complete → forgotten
 *
 * Nothing is to be seen under the key before it is complete. A run that was killed leaves the record; the same content
 * made again has the same key and the same parts, so the next run sends only those that are not recorded. A part counts
 * only while its own sha256 is that of the bytes at hand, and the whole is completed only when the hash over all bytes is
 * the blob's name. Rejected: asking the store which parts it has; it knows no sha256 of them.
 */
export interface LargeBlob {
  readonly key: string;
  readonly name: BlobName;
  readonly file: OpenFile;
  readonly partBytes: number;
}

export async function uploadInParts(store: Store, blob: LargeBlob): Promise<void> {
  const kept = (await look(store, blob.key))?.bytes === blob.file.size;
  const upload = kept ? undefined : await beginOrResume(store, blob);
  try {
    await send(store, blob, upload);
  } catch (error) {
    if (!upload?.isResumed || !isStale(error)) throw error;
    await abort(store, blob.key, upload.id); // the store forgot it or parts of it, as its life-cycle rules may say
    await uploadInParts(store, blob);
  }
}

async function send(store: Store, blob: LargeBlob, upload: Begun | undefined): Promise<void> {
  const { parts, whole } = await sendParts(store, blob, upload);
  if (whole !== blob.name.sha256) {
    if (upload) await abort(store, blob.key, upload.id);
    throw badHash(`blob ${blob.name.sha256}`, whole);
  }
  if (upload) await complete(store, blob, { ...upload, parts });
}

function isStale(error: unknown): boolean {
  return ['NoSuchUpload', 'InvalidPart'].includes(troubleOf(error)?.name ?? '');
}

interface Begun {
  readonly id: string;
  readonly parts: readonly UploadedPart[];
  readonly isResumed: boolean;
}

async function beginOrResume(store: Store, { key, name }: LargeBlob): Promise<Begun> {
  const open = store.uploads?.all().find((one) => one.place === store.place && one.key === key);
  if (open) return { id: open.upload, parts: open.parts, isResumed: true };
  const command = new CreateMultipartUploadCommand({ ...store.at(key), ...headersFor(name.ext) });
  const { UploadId: id } = await store.data.send(command);
  if (id === undefined) throw new Fault('origin-unreachable', `origin ${store.place} began an upload without an id`);
  store.uploads?.record({ upload: id, place: store.place, key });
  return { id, parts: [], isResumed: false };
}

/**
 * Reads the file once, and hashes what it sends. Without an upload it only hashes. A part is read when `store.parts` has a
 * place for it. Whatever was begun has ended when this resolves or throws.
 */
async function sendParts(store: Store, { key, file, partBytes }: LargeBlob, upload: Begun | undefined) {
  const hash = createHash('sha256');
  const inTurn = pLimit(1);
  const read = async (number: number) => {
    const from = (number - 1) * partBytes;
    return await readExactly(file, from, Math.min(partBytes, file.size - from));
  };
  const hashNext = async (reading: Promise<Buffer>) => {
    const bytes = await reading;
    await setImmediate(); // so that they are on their way first
    hash.update(bytes);
  };
  const parts: UploadedPart[] = [];
  const sendNext = async (number: number, bytes: Buffer) => {
    if (upload) parts[number - 1] = await sendPart(store, { key, upload, number, bytes });
  };
  let isFailing = false;
  const send = async (number: number) => {
    if (isFailing) return;
    try {
      const reading = read(number);
      await allEnded([inTurn(hashNext, reading), reading.then((bytes) => sendNext(number, bytes))]);
    } catch (error) {
      isFailing = true;
      throw error;
    }
  };
  const numbers = Array.from({ length: Math.ceil(file.size / partBytes) }, (_, index) => index + 1);
  await allEnded(numbers.map((number) => store.parts(send, number)));
  return { parts, whole: hash.digest('hex') as Digest };
}

/** Throws the first that was thrown, when nothing is on its way any more. */
async function allEnded(works: readonly Promise<void>[]): Promise<void> {
  for (const ended of await Promise.allSettled(works)) if (ended.status === 'rejected') throw ended.reason;
}

interface Part {
  readonly key: string;
  readonly upload: Begun;
  readonly number: number;
  readonly bytes: Buffer;
}

async function sendPart(store: Store, { key, upload, number, bytes }: Part): Promise<UploadedPart> {
  const digest = sha256(bytes);
  const sent = upload.parts.find((part) => part.number === number && part.sha256 === digest);
  if (sent) return sent;
  const etag = await etagOfPart(store, { key, upload, number, bytes }, digest);
  const part = { number, etag, sha256: digest };
  store.uploads?.recordPart(upload.id, part);
  return part;
}

async function etagOfPart(store: Store, { key, upload, number, bytes }: Part, digest: Digest): Promise<string> {
  const query = { partNumber: String(number), uploadId: upload.id };
  const headers = { 'x-amz-content-sha256': digest };
  const stored = await askQuickly(store, { method: 'PUT', key, query, headers, body: bytes });
  if (stored?.headers.etag) return stored.headers.etag;
  const command = new UploadPartCommand({ ...store.at(key), UploadId: upload.id, PartNumber: number, Body: bytes });
  return (await store.data.send(signed(command, digest))).ETag ?? '';
}

async function complete(store: Store, { key, file: { size } }: LargeBlob, { id, parts }: Begun): Promise<void> {
  const Parts = parts.map(({ number, etag }) => ({ PartNumber: number, ETag: etag }));
  const command = new CompleteMultipartUploadCommand({ ...store.at(key), UploadId: id, MultipartUpload: { Parts } });
  try {
    await store.data.send(command);
  } catch (error) {
    // Completed, and the answer was lost: tried again, there is no such upload any more.
    if (!isStale(error) || (await look(store, key))?.bytes !== size) throw error;
  }
  const stored = (await look(store, key))?.bytes;
  if (stored !== size) {
    throw new Fault('origin-corrupt', `origin ${store.place} has ${stored ?? 'no'} bytes of ${key}, expected ${size}`);
  }
  store.uploads?.forget(id);
}

async function abort(store: Store, key: string, id: string): Promise<void> {
  await unlessAbsent(store.data.send(new AbortMultipartUploadCommand({ ...store.at(key), UploadId: id })));
  store.uploads?.forget(id);
}

/** Gives up what earlier runs began and nobody went on with: its parts cost money, and no listing shows them. */
export async function abandonUploads(store: Store): Promise<number> {
  const left = (store.uploads?.all() ?? []).filter(({ place }) => place === store.place);
  for (const { key, upload } of left) await abort(store, key, upload);
  return left.length;
}
