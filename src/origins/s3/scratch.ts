import { DeleteObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { sha256 } from '../../domain/digest.js';
import { dateOf } from './dated.js';
import { signed } from './signed.js';
import { headersFor, read, type Store } from './store.js';
import { isDenied, mayPass, troubleOf, unlessAbsent } from './trouble.js';

export interface Answer {
  readonly status: number;
  /** In words: `412 PreconditionFailed`. */
  readonly said: string;
  /** By the store's clock; undefined: it does not tell. */
  readonly date?: number;
  readonly error?: unknown;
}

export interface Writing {
  readonly IfMatch?: string;
  readonly IfNoneMatch?: string;
  /** Instead of the right one. */
  readonly payloadHash?: ReturnType<typeof sha256>;
}

export interface Seen {
  readonly text: string;
  readonly etag: string;
  readonly contentType?: string;
  readonly cacheControl?: string;
}

/** As readers get pictures. */
export const headers = headersFor('avif');

/** Objects of our own in one folder of the store. */
export class Scratch {
  readonly #store: Store;
  readonly #folder: string;
  readonly #names = new Set<string>();

  constructor(store: Store, folder: string) {
    this.#store = store;
    this.#folder = folder;
  }

  /** Sent once, whatever comes of it; only no answer at all is thrown. */
  async put(name: string, text: string, { payloadHash, ...condition }: Writing = {}): Promise<Answer> {
    this.#names.add(name);
    const Body = Buffer.from(text);
    const command = new PutObjectCommand({ ...this.#at(name), ...condition, ...headers, Body });
    const date = dateOf(command);
    try {
      await this.#store.commits.send(signed(command, payloadHash ?? sha256(Body)));
      return { status: 200, said: 'success', date: date() };
    } catch (error) {
      const trouble = troubleOf(error);
      if (trouble?.status === undefined) throw error;
      return { status: trouble.status, said: `${trouble.status} ${trouble.name}`, date: date(), error };
    }
  }

  async get(name: string): Promise<Seen | undefined> {
    return await read(this.#store, this.#key(name), async ({ Body, ETag, ContentType, CacheControl }) => ({
      text: (await Body?.transformToString()) ?? '',
      etag: ETag ?? '',
      contentType: ContentType,
      cacheControl: CacheControl,
    }));
  }

  async list(): Promise<readonly string[]> {
    const { bucket: Bucket, prefix, data } = this.#store;
    const Prefix = `${prefix}${this.#folder}/`;
    const { Contents = [] } = await data.send(new ListObjectsV2Command({ Bucket, Prefix }));
    return Contents.map(({ Key = '' }) => Key.slice(Prefix.length));
  }

  async delete(name: string): Promise<void> {
    await unlessAbsent(this.#store.data.send(new DeleteObjectCommand(this.#at(name))));
    this.#names.delete(name);
  }

  async clear(): Promise<void> {
    const gone = await Promise.allSettled([...this.#names].map((name) => this.delete(name)));
    for (const one of gone) if (one.status === 'rejected') throw one.reason;
  }

  #key(name: string): string {
    return `${this.#folder}/${name}`;
  }

  #at(name: string) {
    return this.#store.at(this.#key(name));
  }
}

/** What the store said for good. Trouble that may pass, or that is about who asks, proves nothing and is thrown. */
export function settled(answer: Answer): Answer {
  const trouble = troubleOf(answer.error);
  if (trouble && (mayPass(trouble) || isDenied(trouble))) throw answer.error;
  return answer;
}

/** The same for a request that no store may refuse. */
export function done(answer: Answer): Answer {
  if (answer.status !== 200) throw answer.error;
  return answer;
}
