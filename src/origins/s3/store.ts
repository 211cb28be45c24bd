import { GetObjectCommand, type GetObjectCommandOutput, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import pLimit, { type LimitFunction } from 'p-limit';
import { Fault } from '../../domain/faults.js';
import { mediaTypeOf } from '../../domain/media-types.js';
import type { Digest } from '../../domain/types.js';
import type { UploadMemory } from '../../domain/uploads.js';
import { type Clients, connect, type Limits } from './client.js';
import { placeOf, type S3Config } from './config.js';
import { dateOf } from './dated.js';
import { Places } from './places.js';
import { type AskQuickly, type Quick, quickly } from './quick.js';
import { signed } from './signed.js';
import { atStore, troubleOf, unlessAbsent } from './trouble.js';

/** Of 16 MiB each (`blobs.ts`): one large blob alone makes use of a line as well as several do. */
const partsAtOnce = 8;

/** A bucket and a prefix in it. Keys below are keys of the origin; the prefix is put before them here and nowhere else. */
export interface Store extends Clients {
  readonly place: string;
  readonly bucket: string;
  /** Empty, or ends in a slash. */
  readonly prefix: string;
  readonly singleWriter: boolean;
  readonly limits: Limits;
  readonly uploads: UploadMemory | undefined;
  readonly quickly: AskQuickly;
  readonly places: Places;
  /** Parts of large blobs that are in memory and on their way, of all uploads together. */
  readonly parts: LimitFunction;
  at(key: string): { readonly Bucket: string; readonly Key: string };
}

export function storeAt(config: S3Config, limits: Limits, uploads: UploadMemory | undefined): Store {
  const { bucket, singleWriter } = config;
  const prefix = config.prefix ? `${config.prefix}/` : '';
  const at = (key: string) => ({ Bucket: bucket, Key: `${prefix}${key}` });
  const known = { place: placeOf(config), bucket, prefix, singleWriter, limits, uploads, at };
  const clients = connect(config, limits);
  return { ...clients, quickly: quickly(clients.data), ...known, places: new Places(), parts: pLimit(partsAtOnce) };
}

/** What is stored under one key never changes. */
const immutable = 'public, max-age=31536000, immutable';

/** Header fields that readers get with a blob or a manifest node. */
export function headersFor(ext: string): { readonly ContentType: string; readonly CacheControl: string } {
  return { ContentType: mediaTypeOf(ext), CacheControl: immutable };
}

export interface Found {
  readonly bytes: number;
  readonly etag: string;
}

export async function look(store: Store, key: string): Promise<Found | undefined> {
  const seen = (await askQuickly(store, { method: 'HEAD', key, headers: {} }))?.headers;
  if (seen?.etag && seen['content-length']) return { bytes: Number(seen['content-length']), etag: seen.etag };
  const head = await unlessAbsent(store.data.send(new HeadObjectCommand(store.at(key))));
  return head && { bytes: head.ContentLength ?? 0, etag: head.ETag ?? '' };
}

/** Stores immutable bytes, whatever was there. */
export async function put(store: Store, key: string, { bytes, sha256 }: { bytes: Buffer; sha256: Digest }) {
  const ext = /\.(\w+)$/.exec(key)?.[1] ?? '';
  const { ContentType, CacheControl } = headersFor(ext);
  const headers = { 'content-type': ContentType, 'cache-control': CacheControl, 'x-amz-content-sha256': sha256 };
  if ((await askQuickly(store, { method: 'PUT', key, headers, body: bytes }))?.headers.etag) return;
  const command = new PutObjectCommand({ ...store.at(key), ContentType, CacheControl, Body: bytes });
  const { ETag } = await store.data.send(signed(command, sha256));
  if (ETag === undefined) throw notStored(store, key);
}

/** A store tells the ETag of what it has stored. Whoever says yes without one (the sign-in page of a network, a proxy) is none. */
function notStored({ place }: Store, key: string): Fault {
  return new Fault(
    'origin-unreachable',
    `origin ${place} took ${key} without telling its ETag: does a store answer there?`,
  );
}

/** Undefined: ask the SDK. Where nothing may be asked a second time, it is asked alone. */
export async function askQuickly(store: Store, request: Quick) {
  if (store.limits.attempts === 1) return undefined;
  return await store.quickly({ ...request, key: store.at(request.key).Key });
}

/** What `take` makes of an object, or undefined when it is not there. A body that breaks off is read again. */
export async function read<T>(
  store: Store,
  key: string,
  take: (object: GetObjectCommandOutput, date: number | undefined) => Promise<T>,
): Promise<T | undefined> {
  for (let attempt = 1; ; attempt++) {
    const command = new GetObjectCommand(store.at(key));
    const date = dateOf(command);
    const object = await unlessAbsent(store.data.send(command));
    if (!object) return undefined;
    try {
      return await take(object, date());
    } catch (error) {
      if (!troubleOf(error) || attempt >= store.limits.attempts) throw error;
    }
  }
}

export async function readWhole(store: Store, key: string): Promise<Buffer | undefined> {
  return await read(store, key, async ({ Body }) => Buffer.from((await Body?.transformToByteArray()) ?? []));
}

/** Wraps every call of the origin: what the store says becomes a fault. */
export function guarded<A extends readonly unknown[], T>(
  store: Store,
  call: (store: Store, ...args: A) => Promise<T>,
): (...args: A) => Promise<T> {
  return (...args) => atStore(store.place, () => call(store, ...args));
}

/** An ETag without its quotes: the form that some stores compare conditions with. */
export function bare(etag: string): string {
  return etag.replaceAll('"', '');
}
