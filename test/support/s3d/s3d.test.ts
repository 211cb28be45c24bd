import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { next, type S3d, startS3d, testCredentials } from './index.js';

/** The store that the other tests trust: what it keeps of S3's promises, and that its faults are the ones asked for. */
let s3d: S3d;
let client: S3Client;
const Bucket = 'media';

beforeEach(async () => {
  s3d = await startS3d({ versions: true });
  client = clientOf();
});

afterEach(async () => {
  client.destroy();
  await s3d.close();
});

function clientOf(credentials = testCredentials): S3Client {
  return new S3Client({
    endpoint: s3d.endpoint,
    region: 'eu-central-1',
    credentials,
    maxAttempts: 1,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
}

async function put(Key: string, Body: string, more: Partial<PutObjectCommandInput> = {}) {
  return await client.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));
}

async function status(work: Promise<unknown>): Promise<unknown> {
  return await work.then(
    () => 200,
    (error) => error.$metadata?.httpStatusCode ?? error.name,
  );
}

async function content(Key: string): Promise<string | undefined> {
  return await (await client.send(new GetObjectCommand({ Bucket, Key }))).Body?.transformToString();
}

test('an object comes back with its bytes, headers, version and time by the clock of the store', async () => {
  s3d.rules = { ...s3d.rules, clock: () => Date.UTC(2026, 10, 22, 2) };
  const key = 'odd keys/ü %25+&.txt';
  await put(key, 'hello', { ContentType: 'text/plain', CacheControl: 'no-cache', Metadata: { txn: 'one' } });
  expect(await content(key)).toBe('hello');
  expect(await client.send(new HeadObjectCommand({ Bucket, Key: key }))).toMatchObject({
    ContentLength: 5,
    ContentType: 'text/plain',
    CacheControl: 'no-cache',
    Metadata: { txn: 'one' },
    VersionId: 'v1',
    ETag: `"${createHash('md5').update('hello').digest('hex')}"`,
    LastModified: new Date(Date.UTC(2026, 10, 22, 2)),
  });
  expect(await status(client.send(new GetObjectCommand({ Bucket, Key: 'gone' })))).toBe(404);
});

test('a wrong key, a wrong secret and bytes that are not the signed ones are refused', async () => {
  expect(
    await status(
      clientOf({ ...testCredentials, secretAccessKey: 'x' }).send(new HeadObjectCommand({ Bucket, Key: 'a' })),
    ),
  ).toBe(403);
  const wrong = clientOf({ ...testCredentials, accessKeyId: 'x' }).send(new GetObjectCommand({ Bucket, Key: 'a' }));
  await expect(wrong).rejects.toMatchObject({ name: 'InvalidAccessKeyId' });
  client.middlewareStack.add(
    (go) => async (args) => {
      (args.request as { headers: Record<string, string> }).headers['x-amz-content-sha256'] = '0'.repeat(64);
      return await go(args);
    },
    { step: 'build' },
  );
  await expect(put('a', 'hello')).rejects.toMatchObject({ name: 'XAmzContentSHA256Mismatch' });
  expect(s3d.bucket().keys()).toEqual([]);
});

test('conditions are kept, or ignored as the tier says', async () => {
  const { ETag } = await put('head', 'one', { IfNoneMatch: '*' });
  expect(await status(put('head', 'two', { IfNoneMatch: '*' }))).toBe(412);
  expect(await status(put('head', 'two', { IfMatch: '"other"' }))).toBe(412);
  expect(await status(put('gone', 'two', { IfMatch: ETag }))).toBe(404);
  expect(await status(put('head', 'two', { IfMatch: ETag }))).toBe(200);
  const races = await Promise.all(Array.from({ length: 20 }, () => status(put('race', 'x', { IfNoneMatch: '*' }))));
  expect(races.filter((one) => one === 200)).toHaveLength(1);
  s3d.rules = { ...s3d.rules, tier: 'B' };
  expect(await status(put('head', 'three', { IfMatch: '"other"' }))).toBe(200);
  expect(await status(put('head', 'three', { IfNoneMatch: '*' }))).toBe(412);
  s3d.rules = { ...s3d.rules, tier: 'C' };
  expect(await status(put('head', 'four', { IfNoneMatch: '*' }))).toBe(200);
});

test('a store of the unquoted kind matches an ETag only without its quotes', async () => {
  s3d.rules = { ...s3d.rules, etagForm: 'unquoted' };
  const { ETag = '' } = await put('head', 'one');
  expect(await status(put('head', 'two', { IfMatch: ETag }))).toBe(412);
  expect(await status(put('head', 'two', { IfMatch: ETag.replaceAll('"', '') }))).toBe(200);
});

test('a store that looks and then writes lets several win at once, and one after the other only one', async () => {
  s3d.rules = { ...s3d.rules, racyMs: 250 };
  const races = await Promise.all(Array.from({ length: 8 }, () => status(put('race', 'x', { IfNoneMatch: '*' }))));
  expect(races.filter((one) => one === 200).length).toBeGreaterThan(1);
  expect(await status(put('race', 'y', { IfNoneMatch: '*' }))).toBe(412);
});

test('a listing has every key once, in order, whatever the pages', async () => {
  s3d.rules = { ...s3d.rules, pageSize: 7 };
  const keys = Array.from({ length: 30 }, (_, n) => `p/${n % 3}/${String(n).padStart(2, '0')} ü`).sort();
  for (const key of [...keys, 'other']) await put(key, 'x');
  const seen: string[] = [];
  for (let token: string | undefined, first = true; first || token; first = false) {
    const page = await client.send(
      new ListObjectsV2Command({ Bucket, Prefix: 'p/', ContinuationToken: token, EncodingType: 'url' }),
    );
    seen.push(...(page.Contents ?? []).map(({ Key = '' }) => decodeURIComponent(Key)));
    token = page.NextContinuationToken;
  }
  expect(seen).toEqual(keys);
  const after = await client.send(new ListObjectsV2Command({ Bucket, Prefix: 'p/', StartAfter: keys[27] }));
  expect(after.Contents?.map(({ Key }) => Key)).toEqual(keys.slice(28));
  const groups = await client.send(new ListObjectsV2Command({ Bucket, Prefix: 'p/', Delimiter: '/' }));
  expect(groups.CommonPrefixes?.map(({ Prefix }) => Prefix)).toEqual(['p/0/', 'p/1/', 'p/2/']);
});

test('many keys are deleted at once, and those that are gone are no error', async () => {
  for (const key of ['a', 'b&c', 'd']) await put(key, 'x');
  const Objects = ['a', 'b&c', 'never'].map((Key) => ({ Key }));
  await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
  expect(s3d.bucket().keys()).toEqual(['d']);
});

test('an upload in parts is nothing until it is complete, and keeps conditions then', async () => {
  const { UploadId } = await client.send(
    new CreateMultipartUploadCommand({ Bucket, Key: 'film', ContentType: 'video/mp4' }),
  );
  const bodies = [Buffer.alloc(5 << 20, 'a'), Buffer.from('end')];
  const Parts = [];
  for (const [at, Body] of bodies.entries()) {
    const part = { Bucket, Key: 'film', UploadId, PartNumber: at + 1 };
    Parts.push({ PartNumber: at + 1, ETag: (await client.send(new UploadPartCommand({ ...part, Body }))).ETag });
  }
  const listed = await client.send(new ListPartsCommand({ Bucket, Key: 'film', UploadId }));
  expect(listed.Parts?.map(({ Size }) => Size)).toEqual([5 << 20, 3]);
  expect(s3d.bucket().keys()).toEqual([]);
  const complete = { Bucket, Key: 'film', UploadId, MultipartUpload: { Parts }, IfNoneMatch: '*' };
  await client.send(new CompleteMultipartUploadCommand(complete));
  const film = await client.send(new HeadObjectCommand({ Bucket, Key: 'film' }));
  expect(film).toMatchObject({ ContentLength: (5 << 20) + 3, ContentType: 'video/mp4' });
  expect(film.ETag).toMatch(/-2"$/);
  expect(await status(client.send(new CompleteMultipartUploadCommand(complete)))).toBe(404);
});

test('each fault is the one asked for', async () => {
  const puts = ({ kind }: { kind: string }) => kind === 'put';
  s3d.hooks.push(next(puts, { kind: 'drop' }));
  expect(await status(put('dropped', 'x'))).not.toBe(200);
  expect(s3d.bucket().get('dropped')).toBeUndefined();
  s3d.hooks.push(next(puts, { kind: 'drop-after' }));
  expect(await status(put('lost', 'x'))).not.toBe(200);
  expect(s3d.bucket().get('lost')).toBeDefined();
  s3d.hooks.push(next(puts, { kind: 'answer', status: 503, code: 'SlowDown' }));
  expect(await status(put('refused', 'x'))).toBe(503);
  expect(s3d.bucket().get('refused')).toBeUndefined();
  s3d.hooks.push(next(puts, { kind: 'answer-after', status: 500 }));
  expect(await status(put('done', 'x'))).toBe(500);
  await put('lost', 'newer');
  s3d.hooks.push(next(({ kind }) => kind === 'get', { kind: 'stale' }));
  expect([await content('lost'), await content('lost')]).toEqual(['x', 'newer']);
  s3d.hooks.push(next(({ kind }) => kind === 'get', { kind: 'truncate', bytes: 2 }));
  await expect(content('lost')).rejects.toThrow();
  expect(s3d.count('put')).toBe(5);
});

test('a late write lands after its client has gone', async () => {
  const gate = new AbortController();
  const until = once(gate.signal, 'abort');
  s3d.hooks.push(next(({ kind }) => kind === 'put', { kind: 'late', until }));
  const gone = new AbortController();
  const late = client.send(new PutObjectCommand({ Bucket, Key: 'late', Body: 'x' }), { abortSignal: gone.signal });
  await expect.poll(() => s3d.count('put')).toBe(1);
  gone.abort();
  await expect(late).rejects.toThrow();
  expect(s3d.bucket().get('late')).toBeUndefined();
  gate.abort();
  await expect.poll(() => s3d.bucket().get('late')).toBeDefined();
});
