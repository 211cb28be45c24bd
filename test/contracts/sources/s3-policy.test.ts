import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Source } from '../../../src/sources/contract.js';
import { listing } from '../../../src/sources/listing/index.js';
import { openObjects } from '../../../src/sources/objects.js';
import { s3 } from '../../../src/sources/s3/index.js';
import { stageObject } from '../../../src/sources/stage-object.js';
import { startDripping } from '../../support/dripping.js';
import { bucketAt, oneS3d, putObject } from '../../support/s3-source.js';
import { type Asked, Bucket, type Hook, type Mishap, next } from '../../support/s3d/index.js';

/** What only a bucket can be: paged, odd in its names, replaced under our hands, cut, refused. */
const server = oneS3d();
let place: string;
let staged: string;
let now: number;

beforeEach(async () => {
  place = await mkdtemp(path.join(tmpdir(), 'nightpress-s3-'));
  staged = path.join(place, 'staged');
  now = Date.now() + 3_600_000;
  server().buckets.set('media', new Bucket());
  server().log.length = 0;
});

afterEach(async () => {
  server().hooks.length = 0;
  server().rules = { ...server().rules, pageSize: 1000 };
  await rm(place, { recursive: true, force: true });
});

const open = (more: object = {}): Source => s3.open({ type: 's3', ...bucketAt(server()), ...more }, () => now);
const put = (key: string, bytes: string | Buffer = key) => putObject(server(), key, bytes);
const sha256 = (bytes: string | Buffer) => createHash('sha256').update(bytes).digest('hex');
const hook = (one: Hook) => void server().hooks.push(one);
const isGet = ({ kind }: Asked) => kind === 'get';
const isList = ({ kind }: Asked) => kind === 'list';
const answer = (status: number, code: string): Mishap => ({ kind: 'answer', status, code });

describe('config', () => {
  const check = (config: object) => s3.check({ type: 's3', ...config }, '/srv/shop');

  test.each([
    [{}, ['bucket']],
    [{ bucket: 'a/b' }, ['bucket']],
    [{ bucket: 'media', prefix: 'library' }, ['prefix']],
    [{ bucket: 'media', prefix: '' }, ['prefix']],
    [{ bucket: 'media', endpoint: 'ftp://x' }, ['endpoint']],
    [{ bucket: 7, prefix: '/', region: '', forcePathStyle: 'yes' }, ['bucket', 'prefix', 'region', 'forcePathStyle']],
  ])('%j is refused at %j', (config, where) => {
    const checked = check(config);
    expect(checked.ok ? [] : checked.problems.map((problem) => problem.path.join('.'))).toEqual(where);
  });

  test('there is no place for credentials in a job file, and those that stand there are not repeated', () => {
    for (const more of [
      { credentials: { accessKeyId: 'x', secretAccessKey: 'hunter2' } },
      { sessionToken: 'hunter2' },
      { endpoint: 'https://me:hunter2@s3.example.com' },
      { endpoint: 'https://s3.example.com/?token=hunter2' },
    ]) {
      const bucket = { bucket: 'media', ...more };
      for (const checked of [
        check(bucket),
        listing.check({ type: 'listing', file: 'a.csv', ...bucket }, '/srv/shop'),
      ]) {
        expect(checked.ok).toBe(false);
        expect(JSON.stringify(checked)).not.toContain('hunter2');
      }
    }
  });
});

describe('the listing', () => {
  test('is one request a page, and none for any object', async () => {
    server().rules = { ...server().rules, pageSize: 10 };
    for (let index = 0; index < 95; index++) put(`${index}.jpg`);
    expect((await open().scan()).assets).toHaveLength(95);
    expect(server().log.map(({ kind }) => kind)).toEqual(Array(10).fill('list'));
  });

  test('folder markers and keys that can be no files are findings; those of tools nothing', async () => {
    for (const key of ['library/', 'library/a.jpg', 'library/sub/', 'library/.git/config', 'library/lost+found/x'])
      put(key, '');
    for (const key of ['library//b.jpg', 'library/../c.jpg', 'library/d/', 'library/./e']) put(key, 'x');
    const { assets, findings, unreadable } = await open({ prefix: 'library/' }).scan();
    expect(assets.map(({ key }) => key)).toEqual(['a.jpg']);
    expect(unreadable).toEqual([]);
    expect(findings.map(({ code, severity }) => `${code} ${severity}`).sort()).toEqual([
      'folder-marker notice',
      ...Array(4).fill('key-illegal error'),
    ]);
    for (const key of ['sub/', '/b.jpg', '../c.jpg', 'd/']) {
      expect(await open({ prefix: 'library/' }).list(key)).toBeUndefined();
      expect(await open({ prefix: 'library/' }).stage(key, staged)).toMatchObject({ ok: false });
    }
  });

  test('a key that is not UTF-8 is a finding, and costs nobody else', async () => {
    const key = (name: string) => `<Contents><Key>${name}</Key><Size>1</Size><ETag>"e"</ETag></Contents>`;
    const shown = `<ListBucketResult><EncodingType>url</EncodingType>${key('caf%E9')}${key('a+b%2B')}</ListBucketResult>`;
    const { assets, findings } = await whileListed(shown, (source) => source.scan());
    expect(assets.map((asset) => asset.key)).toEqual(['a b+']);
    expect(findings).toMatchObject([{ code: 'name-not-utf8', severity: 'error' }]);
    expect(findings[0]?.message).toContain('caf%E9');
  });

  test('an object that is listed twice, as by a bucket that changes meanwhile, is one asset', async () => {
    const row = (tag: string) => `<Contents><Key>a.jpg</Key><Size>1</Size><ETag>"${tag}"</ETag></Contents>`;
    const other = '<Contents><Key>b.jpg</Key><Size>1</Size><ETag>"e"</ETag></Contents>';
    const shown = `<ListBucketResult>${row('first')}${other}${row('second')}</ListBucketResult>`;
    const { assets } = await whileListed(shown, (source) => source.scan());
    expect(assets.map(({ key }) => key)).toEqual(['a.jpg', 'b.jpg']);
    expect(assets[0]?.listing).toContain('second');
  });

  test('a list that says it goes on, and not where, is not believed', async () => {
    const shown = '<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>';
    await expect(whileListed(shown, (source) => source.scan())).rejects.toMatchObject({ code: 'source-unreachable' });
  });

  test.each([
    ['<html><body>sign in</body></html>', 'no list'],
    ['', 'no list'],
    [
      '<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>x</NextContinuationToken></ListBucketResult>',
      'in circles',
    ],
  ])('%j is no empty library, and none without end', async (shown, problem) => {
    const failed = whileListed(shown, (source) => source.scan());
    await expect(failed).rejects.toMatchObject({
      code: 'source-unreachable',
      message: expect.stringContaining(problem),
    });
  });

  test.each([
    ['a page that is cut', { kind: 'truncate', bytes: 300 } as Mishap],
    ['a connection that is cut', { kind: 'drop' } as Mishap],
    ['a server in trouble', answer(503, 'SlowDown')],
  ])('%s is asked for again, and not for ever', async (_, mishap) => {
    for (let index = 0; index < 20; index++) put(`${index}.jpg`);
    hook(next(isList, mishap));
    expect((await open().scan()).assets).toHaveLength(20);
    hook((asked) => (isList(asked) ? mishap : undefined));
    await expect(open().scan()).rejects.toMatchObject({ code: 'source-unreachable', exit: 75 });
  });
});

describe('bytes', () => {
  test('an object replaced between its listing and its bytes is taken as it is now, with its own listing', async () => {
    put('a.jpg', 'old');
    hook(replacing('a.jpg', ['new one']));
    const result = await open().stage('a.jpg', staged);
    expect(result).toMatchObject({ ok: true, sha256: sha256('new one'), asset: { bytes: 7 } });
    expect(result.ok && result.asset).toEqual(await open().list('a.jpg'));
    expect(server().log.map(({ status }) => status)).toContain(412);
  });

  test('an object replaced again and again is a finding that may pass', async () => {
    put('a.jpg', 'old');
    hook(replacing('a.jpg', ['1', '2', '3', '4', '5']));
    const result = await open().stage('a.jpg', staged);
    expect(result).toMatchObject({ ok: false, finding: { code: 'changed-while-read', class: 'transient' } });
    expect(existsSync(staged)).toBe(false);
  });

  const long = Buffer.alloc(3_000_000, 'nightpress ');

  test.each([
    ['cut in its body', { kind: 'truncate', bytes: 1_500_000 } as Mishap],
    ['cut before its answer', { kind: 'drop' } as Mishap],
    ['answered with 500', answer(500, 'InternalError')],
    ['answered with 429', answer(429, 'TooManyRequests')],
  ])('a transfer %s is tried again, then is a finding that may pass, and no half copy stays', async (_, mishap) => {
    put('a.jpg', long);
    hook(next(isGet, mishap));
    expect(await open().stage('a.jpg', staged)).toMatchObject({ ok: true, sha256: sha256(long) });
    expect(long.equals(await readFile(staged))).toBe(true);
    await rm(staged);
    hook((asked) => (isGet(asked) ? mishap : undefined));
    const finding = { code: 'transfer-broken', class: 'transient', key: 'a.jpg' };
    expect(await open().stage('a.jpg', staged)).toMatchObject({ ok: false, finding });
    expect(existsSync(staged)).toBe(false);
  });

  test('a server that falls silent is given up, and the run does not hang', async () => {
    put('a.jpg', long);
    const objects = openObjects(bucketAt(server()), { stallMs: 100 });
    const never = new Promise(() => undefined);
    hook((asked) => (isGet(asked) ? { kind: 'late', until: never } : undefined));
    const order = { objects, name: 'a.jpg', key: 'a.jpg', file: staged, others: () => [] };
    expect(await stageObject(order)).toMatchObject({ ok: false, finding: { code: 'transfer-broken' } });
  });

  test.each([
    ['is given up, for all its bytes', 100, undefined, 'less than'],
    ['is left when nobody waits for it any more', 60_000, AbortSignal.timeout(0), 'waited for no longer'],
  ])('a transfer that comes byte by byte %s', async (_, stallMs, leave, why) => {
    const dripping = await startDripping();
    const objects = openObjects(bucketAt(dripping), { stallMs });
    const order = { objects, name: 'a.txt', key: 'a.txt', file: staged, others: () => [], leave };
    const finding = { code: 'transfer-broken', class: 'transient', message: expect.stringContaining(why) };
    expect(await stageObject(order)).toMatchObject({ ok: false, finding });
    expect(existsSync(staged)).toBe(false);
    await dripping.close();
  });

  test('a body that is whole for its answer and not for its listing is not believed', async () => {
    const key = '<Contents><Key>a.jpg</Key><Size>9</Size><ETag>"e"</ETag></Contents>';
    const shown = `<ListBucketResult><EncodingType>url</EncodingType>${key}</ListBucketResult>`;
    const result = await whileListed(shown, (source) => source.stage('a.jpg', staged));
    expect(result).toMatchObject({ ok: false, finding: { code: 'transfer-broken', class: 'transient' } });
    expect(existsSync(staged)).toBe(false);
  });

  test('a Git LFS pointer is a finding, whoever uploaded it', async () => {
    put('a.jpg', `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 12345\n`);
    expect(await open().stage('a.jpg', staged)).toMatchObject({ ok: false, finding: { code: 'git-lfs-pointer' } });
    expect(existsSync(staged)).toBe(false);
  });

  test('an archived object is its own trouble', async () => {
    put('a.jpg');
    hook((asked) => (isGet(asked) ? answer(403, 'InvalidObjectState') : undefined));
    expect(await open().stage('a.jpg', staged)).toMatchObject({
      ok: false,
      finding: { code: 'object-archived', class: 'input' },
    });
  });

  test('one object that may not be read is its own trouble while others may', async () => {
    for (const key of ['a.jpg', 'b.jpg']) put(key);
    hook((asked) => (isGet(asked) && asked.key === 'a.jpg' ? answer(403, 'AccessDenied') : undefined));
    expect(await open().stage('a.jpg', staged)).toMatchObject({ ok: false, finding: { code: 'unreadable' } });
    expect(await open().stage('b.jpg', staged)).toMatchObject({ ok: true });
  });

  test('credentials that may read no object are refused', async () => {
    for (const key of ['a.jpg', 'b.jpg']) put(key);
    hook((asked) => (isGet(asked) ? answer(403, 'AccessDenied') : undefined));
    await expect(open().stage('a.jpg', staged)).rejects.toMatchObject({ code: 'credentials-refused', exit: 77 });
    expect(existsSync(staged)).toBe(false);
  });
});

describe('the bucket as a whole', () => {
  const calls: readonly (readonly [string, (source: Source) => Promise<unknown>])[] = [
    ['scan', (source) => source.scan()],
    ['list', (source) => source.list('a.jpg')],
    ['stage', (source) => source.stage('a.jpg', staged)],
  ];

  test.each(calls)('%s: credentials that are wrong are refused, and the source is named', async (_, call) => {
    put('a.jpg');
    const before = process.env.AWS_SECRET_ACCESS_KEY;
    process.env.AWS_SECRET_ACCESS_KEY = 'wrong';
    try {
      const failed = call(open());
      await expect(failed).rejects.toMatchObject({ code: 'credentials-refused', exit: 77 });
      await expect(failed).rejects.toMatchObject({ hint: expect.stringContaining('of the source') });
      await expect(failed).rejects.toThrow(/bucket media at http.* refused us: SignatureDoesNotMatch/);
    } finally {
      process.env.AWS_SECRET_ACCESS_KEY = before;
    }
  });

  test.each([
    [{ AWS_USE_DUALSTACK_ENDPOINT: 'true' }, { code: 'source-unreachable', passes: false }],
    [{ AWS_SESSION_TOKEN: 'of\ntwo lines' }, { code: 'credentials-refused' }],
  ])('%j in the environment is a fault, and nothing to wait for', async (variables, fault) => {
    for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
    await expect(open().scan()).rejects.toMatchObject(fault);
    vi.unstubAllEnvs();
  });

  test.each(calls)('%s: a server that is not there is unreachable', async (_, call) => {
    const failed = call(open({ endpoint: 'http://127.0.0.1:1' }));
    await expect(failed).rejects.toMatchObject({ code: 'source-unreachable', exit: 75 });
  });

  test.each(calls)('%s: a bucket that is not there is unreachable and named', async (_, call) => {
    await expect(call(open({ bucket: 'absent' }))).rejects.toThrow(/bucket absent at .*NoSuchBucket/);
  });
});

/** Writes the next of `texts` over an object whenever its bytes are asked for, before they are. */
function replacing(key: string, texts: readonly string[]): Hook {
  const left = [...texts];
  return (asked) => {
    const text = isGet(asked) && asked.key === key ? left.shift() : undefined;
    if (text !== undefined) put(key, text);
    return undefined;
  };
}

/** A bucket that a server of another make shows. */
async function whileListed<T>(xml: string, call: (source: Source) => Promise<T>): Promise<T> {
  const { createServer } = await import('node:http');
  const other = createServer(({ url }, response) => {
    const isObject = url?.startsWith('/media/a.jpg') === true;
    response.setHeader('content-type', 'application/xml').end(isObject ? 'short' : xml);
  });
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as { port: number };
  try {
    return await call(open({ endpoint: `http://127.0.0.1:${port}` }));
  } finally {
    other.closeAllConnections();
    await new Promise((resolve) => other.close(resolve));
  }
}
