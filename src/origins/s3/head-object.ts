import type { Readable } from 'node:stream';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { sha256 } from '../../domain/digest.js';
import { Fault } from '../../domain/faults.js';
import type { Head } from '../../domain/head.js';
import { parseHead, serializeHead } from '../../domain/head-text.js';
import type { HeadRead } from '../contract.js';
import { signed } from './signed.js';
import { read, type Store } from './store.js';

export const headKey = 'head.json';

/** The head that lies under `key`; `version` is its ETag. */
export async function readHeadAt(store: Store, key: string): Promise<HeadRead | undefined> {
  return await read(store, key, async ({ Body, ETag, ContentLength = 0 }, at) => {
    if (ContentLength > mostBytes) {
      (Body as Readable).destroy();
      throw tooLarge(store, key, ContentLength);
    }
    if (ETag === undefined) throw new Fault('origin-corrupt', `origin ${store.place} shows ${key} without an ETag`);
    const text = (await Body?.transformToString()) ?? '';
    return { head: parseHead(text), version: ETag, ...(at !== undefined && { at }) };
  });
}

/** Sixteen times what readers take; what is larger is not read into memory. */
const mostBytes = 256 << 20;

function tooLarge({ place }: Store, key: string, bytes: number): Fault {
  return new Fault('origin-corrupt', `${key} in ${place} has ${bytes} bytes: expected a head of at most ${mostBytes}`);
}

interface HeadPut {
  readonly client: S3Client;
  readonly key: string;
  readonly head: Head;
  readonly cacheControl: string;
  readonly condition?: { readonly IfMatch?: string; readonly IfNoneMatch?: string };
}

/** Throws what has the form of the store's trouble where the answer tells no ETag: then it is not known to be stored. */
export async function putHeadAt(store: Store, { client, key, head, cacheControl, condition }: HeadPut): Promise<void> {
  const text = Buffer.from(serializeHead(head));
  const command = new PutObjectCommand({
    ...store.at(key),
    ...condition,
    Body: text,
    ContentType: 'application/json',
    CacheControl: cacheControl,
  });
  const { ETag, $metadata } = await client.send(signed(command, sha256(text)));
  if (ETag === undefined) throw Object.assign(new Error('an answer without an ETag'), { $metadata });
}

/** An old head is safe to show while the origin is away; nobody may show one without asking for long. */
export const shortLived = 'public, max-age=0, s-maxage=5, stale-if-error=86400';

/** To a single writer, who asks for none, it was said of something else. */
export function withoutConditions({ place, singleWriter }: Store, error: unknown): unknown {
  if (singleWriter) return error;
  const message = `origin ${place} knows no conditional writes, so two publishers would overwrite each other: expected a store that does, or singleWriter: true`;
  return new Fault('origin-unfit', message, { cause: error });
}
