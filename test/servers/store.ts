import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll } from 'vitest';
import type { RealServer } from './processes.js';

export const storeCredentials = { accessKeyId: 'test:tester', secretAccessKey: 'testing' };

/** What the SDK's default chain finds first. */
export const storeEnvironment: Readonly<Record<string, string>> = {
  AWS_ACCESS_KEY_ID: storeCredentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: storeCredentials.secretAccessKey,
  AWS_EC2_METADATA_DISABLED: 'true',
};

/** One real store for the tests of a file, with its credentials in the environment. */
export function oneStore(start: () => Promise<RealServer>): () => RealServer {
  let store: RealServer | undefined;
  beforeAll(async () => {
    Object.assign(process.env, storeEnvironment);
    store = await start();
  });
  afterAll(async () => {
    await store?.end();
    for (const name of Object.keys(storeEnvironment)) delete process.env[name];
  });
  return () => {
    if (!store) throw new Error('the store is started before the first test');
    return store;
  };
}

export interface StoredObject {
  readonly key: string;
  readonly bytes: number;
}

/** A bucket of a real store, as its owner sees it: what tests put there, look at and damage without nightpress. */
export interface RealBucket {
  readonly name: string;
  readonly endpoint: string;
  put(key: string, bytes: Uint8Array | string, headers?: Readonly<Record<string, string | undefined>>): Promise<void>;
  get(key: string): Promise<Buffer | undefined>;
  /** Of its answers to readers. */
  headers(key: string): Promise<Readonly<Record<string, string | undefined>>>;
  delete(key: string): Promise<void>;
  keys(prefix?: string): Promise<string[]>;
  objects(prefix?: string): Promise<StoredObject[]>;
  uploads(): Promise<string[]>;
  /** Other bytes, the same size and headers. */
  damage(key: string): Promise<void>;
  drop(): Promise<void>;
}

let made = 0;

export async function aBucket({ port }: RealServer): Promise<RealBucket> {
  const endpoint = `http://127.0.0.1:${port}`;
  const client = new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: storeCredentials,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  const name = `media-${++made}`;
  const at = (Key: string) => ({ Bucket: name, Key });
  await client.send(new CreateBucketCommand({ Bucket: name }));
  const bucket: RealBucket = {
    name,
    endpoint,
    put: async (key, bytes, headers = {}) =>
      void (await client.send(new PutObjectCommand({ ...at(key), ...headers, Body: Buffer.from(bytes) }))),
    get: async (key) => {
      const object = await client.send(new GetObjectCommand(at(key))).catch(absent);
      return object && Buffer.from((await object.Body?.transformToByteArray()) ?? []);
    },
    headers: async (key) => {
      const { ContentType, CacheControl } = await client.send(new HeadObjectCommand(at(key)));
      return { ContentType, CacheControl };
    },
    delete: async (key) => void (await client.send(new DeleteObjectCommand(at(key)))),
    keys: async (prefix) => (await bucket.objects(prefix)).map(({ key }) => key),
    objects: (prefix) => objectsOf(client, name, prefix),
    uploads: async () => {
      const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: name }));
      return Uploads.map(({ Key = '' }) => Key);
    },
    damage: async (key) => {
      const bytes = await bucket.get(key);
      if (!bytes) throw new Error(`${key} is not there to be damaged`);
      for (const where of [0, bytes.length - 1]) bytes[where] = (bytes[where] ?? 0) ^ 1;
      await bucket.put(key, bytes, await bucket.headers(key));
    },
    drop: async () => {
      for (const key of await bucket.keys()) await bucket.delete(key);
      await client.send(new DeleteBucketCommand({ Bucket: name }));
    },
  };
  return bucket;
}

function absent(error: unknown): undefined {
  if (error instanceof Error && error.name === 'NoSuchKey') return undefined;
  throw error;
}

async function objectsOf(client: S3Client, name: string, prefix: string | undefined): Promise<StoredObject[]> {
  const objects: StoredObject[] = [];
  let token: string | undefined;
  do {
    const page = await client.send(
      new ListObjectsV2Command({ Bucket: name, Prefix: prefix, ContinuationToken: token, EncodingType: 'url' }),
    );
    for (const { Key = '', Size = 0 } of page.Contents ?? [])
      objects.push({ key: decodeURIComponent(Key.replaceAll('+', ' ')), bytes: Size });
    token = page.IsTruncated ? page.NextContinuationToken : undefined;
  } while (token !== undefined);
  return objects;
}
