import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { sha256 } from '../../../src/domain/digest.js';
import { blobKey, manifestKey } from '../../../src/domain/origin-keys.js';
import type { Origin } from '../../../src/origins/contract.js';
import { looking, usualLimits } from '../../../src/origins/s3/client.js';
import { openStore, s3 } from '../../../src/origins/s3/index.js';
import { signed } from '../../../src/origins/s3/signed.js';
import { openEmptyState } from '../../../src/state/open.js';
import { startCutter } from '../../support/cutter.js';
import { type Asked, type Kind, next, type S3d, startS3d, testCredentials } from '../../support/s3d/index.js';
import { publisher } from './publisher.js';

/** What only an origin in a bucket promises: signed bytes, uploads in parts, its troubles by name, conditions of writes. */
let s3d: S3d;
let scratch: string;
let state: ReturnType<typeof openEmptyState>;

beforeEach(async () => {
  s3d = await startS3d();
  scratch = await mkdtemp(path.join(tmpdir(), 'nightpress-s3-'));
  state = openEmptyState();
  vi.stubEnv('AWS_ACCESS_KEY_ID', testCredentials.accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', testCredentials.secretAccessKey);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  state.close();
  await rm(scratch, { recursive: true, force: true });
  await s3d.close();
});

interface HttpRequest {
  readonly protocol: string;
  readonly headers: Readonly<Record<string, string>>;
}

interface Opened {
  readonly endpoint?: string;
  readonly attempts?: number;
  readonly commitTimeoutMs?: number;
  readonly more?: object;
}

function open({ endpoint = s3d.endpoint, attempts = 1, more, ...limits }: Opened = {}): Origin {
  const config = { type: 's3', bucket: 'media', endpoint, region: 'eu-central-1', ...more };
  return openStore(config, { uploads: state.uploads }, { ...usualLimits, ...limits, attempts });
}

const of =
  (...kinds: readonly Kind[]) =>
  (asked: Asked) =>
    kinds.includes(asked.kind);
const headPut = (asked: Asked) => asked.kind === 'put' && asked.key === 'head.json';

describe('for who only looks', () => {
  const look = () =>
    openStore(
      { type: 's3', bucket: 'media', endpoint: s3d.endpoint, region: 'eu-central-1' },
      { uploads: state.uploads },
      looking(300),
    );

  test('silence is told once it has lasted, and not asked for again', async () => {
    s3d.hooks.push(() => ({ kind: 'late', until: new Promise(() => {}) }));
    const message = expect.stringMatching(/^no answer from origin s3:.*\/media\/ within 0.3 s$/);
    await expect(look().readHead()).rejects.toMatchObject({
      code: 'origin-unreachable',
      exit: 75,
      passes: true,
      message,
    });
    expect(s3d.log.length).toBeLessThanOrEqual(1);
  });

  test('an answer that may pass is asked for once more', async () => {
    s3d.hooks.push(next(of('get'), { kind: 'answer', status: 503, code: 'SlowDown' }));
    expect(await look().readHead()).toBeUndefined();
  });
});

describe('a blob of more than 16 MiB', () => {
  const bytes = Buffer.alloc(40 << 20, 'film ');
  const name = { sha256: sha256(bytes), ext: 'mp4' };

  async function film(content = bytes): Promise<string> {
    const file = path.join(scratch, randomUUID());
    await writeFile(file, content);
    return file;
  }

  test('goes in three parts, is whole, and is remembered no longer', async () => {
    await open().putBlob(name, await film());
    expect(s3d.count('put-part')).toBe(3);
    const stored = s3d.bucket().get(blobKey(name));
    expect(sha256(stored?.body ?? '')).toBe(name.sha256);
    expect(stored?.headers['content-type']).toBe('video/mp4');
    expect(state.uploads.all()).toEqual([]);
    await open().putBlob(name, await film());
    expect(s3d.count('put-part')).toBe(3);
  });

  test('has its parts on their way together', async () => {
    const ways: (() => void)[] = [];
    s3d.hooks.push(({ kind }) => {
      if (kind !== 'put-part') return undefined;
      const until = new Promise<void>((open) => ways.push(open));
      if (ways.length === 3) for (const open of ways) open();
      return { kind: 'late', until };
    });
    await open({ attempts: 2 }).putBlob(name, await film());
    expect(await open().hashBlob(name)).toBe(name.sha256);
  });

  test('that was cut off is gone on with: parts that the store has are not sent again', async () => {
    s3d.hooks.push((asked) => (asked.query.get('partNumber') === '3' ? { kind: 'drop' } : undefined));
    await expect(open().putBlob(name, await film())).rejects.toMatchObject({ code: 'origin-unreachable' });
    expect(s3d.bucket().keys()).toEqual([]);
    s3d.hooks.length = 0;
    s3d.log.length = 0;
    await open().putBlob(name, await film());
    expect([s3d.count('create-upload'), s3d.count('put-part')]).toEqual([0, 1]);
    expect(await open().hashBlob(name)).toBe(name.sha256);
  });

  test('whose store forgot the upload meanwhile is begun anew', async () => {
    s3d.hooks.push((asked) => (asked.query.get('partNumber') === '3' ? { kind: 'drop' } : undefined));
    await expect(open().putBlob(name, await film())).rejects.toThrow();
    s3d.hooks.length = 0;
    s3d.bucket().uploads.clear();
    await open().putBlob(name, await film());
    expect(await open().hashBlob(name)).toBe(name.sha256);
    expect(state.uploads.all()).toEqual([]);
  });

  test('that is not what it is named by leaves nothing, not even parts', async () => {
    const other = Buffer.from(bytes);
    other[other.length - 1] = 0;
    await expect(open().putBlob(name, await film(other))).rejects.toMatchObject({ code: 'EBADHASH' });
    expect([s3d.bucket().keys(), [...s3d.bucket().uploads], state.uploads.all()]).toEqual([[], [], []]);
  });

  test('whose last answer is lost is complete all the same', async () => {
    s3d.hooks.push(next(of('complete-upload'), { kind: 'drop-after' }));
    await open({ attempts: 3 }).putBlob(name, await film());
    expect(state.uploads.all()).toEqual([]);
  });

  test('is whole at a store that tells no ETag of what it completed, as Ceph 16', async () => {
    s3d.rules = { ...s3d.rules, quirks: ['no ETag of a completed upload'] };
    await open().putBlob(name, await film());
    expect(await open().hashBlob(name)).toBe(name.sha256);
    expect(state.uploads.all()).toEqual([]);
  });

  test('that nobody goes on with is given up, at its own place only', async () => {
    s3d.hooks.push(next(of('put-part'), { kind: 'drop' }));
    await expect(open().putBlob(name, await film())).rejects.toThrow();
    expect(await open({ more: { prefix: 'elsewhere' } }).partialUploads?.abandon()).toBe(0);
    expect(await open().partialUploads?.abandon()).toBe(1);
    expect([[...s3d.bucket().uploads], state.uploads.all()]).toEqual([[], []]);
  });
});

describe('trouble', () => {
  const answers = [
    [403, 'AccessDenied', 'credentials-refused'],
    [403, 'InvalidAccessKeyId', 'credentials-refused'],
    [403, 'SignatureDoesNotMatch', 'credentials-refused'],
    [400, 'ExpiredToken', 'credentials-refused'],
    [401, 'Unauthorized', 'credentials-refused'],
    [403, 'QuotaExceeded', 'origin-full'],
    [507, 'InsufficientStorage', 'origin-full'],
    [500, 'InternalError', 'origin-unreachable'],
    [503, 'SlowDown', 'origin-unreachable'],
    [404, 'NoSuchBucket', 'origin-unreachable'],
    [301, 'PermanentRedirect', 'origin-unreachable'],
  ] as const;

  test.each(answers)('%i %s is %s', async (status, code, fault) => {
    s3d.hooks.push(() => ({ kind: 'answer', status, code }));
    const bytes = Buffer.from('{}');
    for (const call of [() => open().readHead(), () => open().putManifest(sha256(bytes), bytes)]) {
      await expect(call()).rejects.toMatchObject({ code: fault, message: expect.stringContaining(code) });
    }
  });

  test('without any credentials, says where they were looked for and what to export', async () => {
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) vi.stubEnv(name, undefined);
    const nowhere = path.join(scratch, 'nowhere');
    for (const name of ['AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE']) vi.stubEnv(name, nowhere);
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
    await expect(open().readHead()).rejects.toMatchObject({
      code: 'credentials-refused',
      message: expect.stringMatching(
        /^no credentials for origin s3:\S+ were found: looked in the environment, in ~\/.aws/,
      ),
      hint: expect.stringMatching(/^export AWS_ACCESS_KEY_ID=/),
    });
  });

  test('in a bucket that does not exist, says so', async () => {
    await expect(open({ more: { bucket: 'absent' } }).readHead()).rejects.toMatchObject({
      message: expect.stringMatching(/^origin s3:\S+\/absent\/ does not exist \(NoSuchBucket, 404\)$/),
      hint: expect.stringMatching(/^make the bucket, or mend origin in the job file/),
    });
  });

  test('a store that is not there is origin-unreachable, at a commit too', async () => {
    const { head } = await publisher(open(), scratch).next('one');
    const away = open({ endpoint: 'http://127.0.0.1:1' });
    await expect(away.readHead()).rejects.toMatchObject({ code: 'origin-unreachable' });
    await expect(away.swapHead(head, undefined)).rejects.toMatchObject({ code: 'origin-unreachable' });
  });

  test('that passes is not noticed: answers of 503, cut connections and bodies that break off', async () => {
    const bytes = Buffer.from('{"entries":[],"nightpress":1}');
    s3d.hooks.push(
      next(of('put'), { kind: 'answer', status: 503, code: 'SlowDown' }),
      next(of('put'), { kind: 'drop-after' }),
    );
    await open({ attempts: 3 }).putManifest(sha256(bytes), bytes);
    const getNode = ({ kind, key }: Asked) => kind === 'get' && key.startsWith('m/');
    s3d.hooks.push(next(getNode, { kind: 'drop' }), next(getNode, { kind: 'truncate', bytes: 5 }));
    expect(await open({ attempts: 3 }).readManifest(sha256(bytes))).toEqual(bytes);
    s3d.hooks.push(next(getNode, { kind: 'truncate', bytes: 5 }));
    await expect(open().readManifest(sha256(bytes))).rejects.toMatchObject({ code: 'origin-unreachable' });
  });

  test('without any credentials is credentials-refused', async () => {
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) vi.stubEnv(name, undefined);
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
    vi.stubEnv('HOME', scratch);
    await expect(open().readHead()).rejects.toMatchObject({ code: 'credentials-refused' });
  });
});

describe('what is small', () => {
  const bytes = Buffer.from('{"entries":[],"nightpress":1}');
  const name = { sha256: sha256(bytes), ext: 'json' };
  const isOfSdk = ({ headers }: Asked) => headers['amz-sdk-invocation-id'] !== undefined;
  let seen: (readonly [string, boolean])[];
  let file: string;

  beforeEach(async () => {
    seen = [];
    s3d.hooks.push((asked) => void seen.push([asked.kind, isOfSdk(asked)]));
    file = path.join(scratch, 'small');
    await writeFile(file, bytes);
  });

  test('goes past the SDK once that has shown the way, and is stored alike', async () => {
    const origin = open({ attempts: 2, more: { prefix: 'site' } });
    await open({ attempts: 1, more: { prefix: 'site' } }).putBlob(name, file); // all the way through the SDK
    seen.length = 0;
    const first = s3d.bucket().get(`site/${blobKey(name)}`)?.headers;
    await origin.putBlob(name, file);
    expect(await origin.blobBytes(name)).toBe(bytes.length);
    const written = seen.filter(([kind]) => kind !== 'get'); // the look for a head comes first, and shows the way
    expect(written).toEqual([
      ['put', false],
      ['head', false],
    ]);
    expect(s3d.bucket().get(`site/${blobKey(name)}`)?.headers).toEqual(first);
  });

  test('is asked of the SDK where the short way fails, and what that says counts', async () => {
    const origin = open({ attempts: 2 });
    await origin.readHead();
    const isShort = (asked: Asked) => !isOfSdk(asked);
    for (const mishap of [{ kind: 'answer', status: 503 }, { kind: 'drop' }, { kind: 'drop-after' }] as const) {
      s3d.hooks.unshift(next(isShort, mishap));
      await origin.putBlob(name, file);
      s3d.hooks.unshift(next(isShort, mishap));
      expect(await origin.blobBytes(name)).toBe(bytes.length);
    }
    expect(await origin.blobBytes({ sha256: sha256('not there'), ext: 'txt' })).toBeUndefined();
    s3d.hooks.unshift(() => ({ kind: 'answer', status: 403, code: 'AccessDenied' }));
    await expect(origin.putBlob(name, file)).rejects.toMatchObject({ code: 'credentials-refused' });
  });

  test('is read past the SDK, too, and through it where the short way brings less or something else', async () => {
    const origin = open({ attempts: 2 });
    await origin.readHead();
    await origin.putManifest(name.sha256, bytes);
    seen.length = 0;
    expect(await origin.readManifest(name.sha256)).toEqual(bytes);
    expect(seen).toEqual([['get', false]]);
    const mishaps = [
      { kind: 'drop' },
      { kind: 'truncate', bytes: 5 },
      { kind: 'answer', status: 200 },
      { kind: 'answer', status: 503 },
    ] as const;
    for (const mishap of mishaps) {
      seen.length = 0;
      s3d.hooks.push(next((asked) => !isOfSdk(asked), mishap));
      expect(await origin.readManifest(name.sha256)).toEqual(bytes);
      expect(seen).toEqual([
        ['get', false],
        ['get', true],
      ]);
    }
    expect(await origin.readManifest(sha256('not there'))).toBeUndefined();
  });
});

describe('a commit', () => {
  test('is won by exactly one of 32', async () => {
    const { publish, next: nextHead } = publisher(open(), scratch);
    await publish('one');
    const rivals = await Promise.all(Array.from({ length: 32 }, (_, n) => nextHead(`rival ${n}`)));
    const swaps = await Promise.all(rivals.map(({ head, base }) => open().swapHead(head, base)));
    expect(swaps.filter((swap) => swap === 'landed')).toHaveLength(1);
    expect(swaps.filter((swap) => swap === 'lost')).toHaveLength(31);
  });

  test('is sent once: no answer, not even a 503, makes the SDK send it again', async () => {
    const { head, base } = await publisher(open(), scratch).next('one');
    s3d.hooks.push(next(headPut, { kind: 'answer', status: 503, code: 'SlowDown' }));
    expect(await open({ attempts: 5 }).swapHead(head, base)).toBe('unknown');
    expect(s3d.log.filter(({ kind, key }) => kind === 'put' && key === 'head.json')).toHaveLength(1);
  });

  test('lands at a store that wants the ETag without quotes, which is learned once', async () => {
    s3d.rules = { ...s3d.rules, etagForm: 'unquoted' };
    const origin = open();
    const { publish } = publisher(origin, scratch);
    for (const [night, puts] of [
      ['one', 1],
      ['two', 2],
      ['three', 1],
    ] as const) {
      s3d.log.length = 0;
      expect(await publish(night)).toBe('landed');
      expect(s3d.log.filter(({ kind, key }) => kind === 'put' && key === 'head.json')).toHaveLength(puts);
    }
  });

  test('is lost, in both forms of the ETag, when another one came first', async () => {
    s3d.rules = { ...s3d.rules, etagForm: 'unquoted' };
    const { publish, next: nextHead } = publisher(open(), scratch);
    await publish('one');
    const stale = await nextHead('stale');
    await publish('two');
    expect(await open().swapHead(stale.head, stale.base)).toBe('lost');
  });

  test('is lost to one of 32 where the losers are told 500, as Ceph 16 tells them', async () => {
    s3d.rules = { ...s3d.rules, etagForm: 'unquoted', quirks: ['a swap in the right form that loses is a 500'] };
    const { publish, next: nextHead } = publisher(open(), scratch);
    await publish('one');
    const rivals = await Promise.all(Array.from({ length: 32 }, (_, n) => nextHead(`rival ${n}`)));
    const swaps = await Promise.all(rivals.map(({ head, base }) => open().swapHead(head, base)));
    expect(s3d.log.filter(({ status }) => status === 500).length).toBeGreaterThan(0);
    expect(swaps.filter((swap) => swap === 'landed')).toHaveLength(1);
    expect(swaps.filter((swap) => swap === 'lost')).toHaveLength(31);
  });

  test('without an answer in time is unknown, and landed once it is in the head', async () => {
    const origin = open({ commitTimeoutMs: 200 });
    const { head, base } = await publisher(origin, scratch).next('one');
    const cutter = await startCutter(s3d.port);
    const never = new Promise<never>(() => undefined);
    const far = open({ endpoint: cutter.endpoint, commitTimeoutMs: 200 });
    cutter.next(/^PUT \/media\/head.json/, { kind: 'late', until: never });
    expect(await far.swapHead(head, base)).toBe('unknown');
    cutter.next(/^PUT \/media\/head.json/, { kind: 'reset' });
    expect(await far.swapHead(head, base)).toBe('unknown');
    const patient = open({ endpoint: cutter.endpoint, commitTimeoutMs: 3000 }); // a busy machine must have committed by then
    cutter.next(/^PUT \/media\/head.json/, { kind: 'slow', until: never });
    expect(await patient.swapHead(head, base)).toBe('landed');
    await cutter.close();
  });

  test('that can be neither answered nor read back is unknown', async () => {
    const { head, base } = await publisher(open(), scratch).next('one');
    s3d.hooks.push((asked) => (headPut(asked) || asked.kind === 'get' ? { kind: 'drop' } : undefined));
    expect(await open().swapHead(head, base)).toBe('unknown');
  });

  test('at a store without conditions is refused, and made all the same by a single writer', async () => {
    s3d.hooks.push(({ headers }) =>
      (headers['if-match'] ?? headers['if-none-match'])
        ? { kind: 'answer', status: 501, code: 'NotImplemented' }
        : undefined,
    );
    const { head, base } = await publisher(open(), scratch).next('one');
    const refused = open().swapHead(head, base);
    const message = expect.stringContaining('singleWriter: true');
    await expect(refused).rejects.toMatchObject({ code: 'origin-unfit', exit: 13, message });
    const alone = publisher(open({ more: { singleWriter: true } }), scratch);
    const stale = await alone.next('stale');
    expect([await alone.publish('one'), await alone.publish('two')]).toEqual(['landed', 'landed']);
    expect(await open({ more: { singleWriter: true } }).swapHead(stale.head, stale.base)).toBe('lost');
    s3d.hooks.push(next(headPut, { kind: 'answer', status: 501, code: 'NotImplemented' }));
    await expect(alone.publish('three')).rejects.toMatchObject({ code: 'origin-unreachable' });
  });
});

test('bytes are sent whole, with the hash that we know of them in the signature, over https too', async () => {
  const sent: HttpRequest[] = [];
  const requestHandler = {
    handle: async (request: HttpRequest) => {
      sent.push(request);
      return { response: { statusCode: 200, headers: {}, body: Readable.from([]) } };
    },
  };
  const config = { region: 'eu-central-1', credentials: testCredentials, requestHandler };
  const client = new S3Client({ ...config, requestChecksumCalculation: 'WHEN_REQUIRED' });
  const command = new PutObjectCommand({ Bucket: 'media', Key: 'a', Body: Buffer.from('hello') });
  await client.send(signed(command, sha256('what we know'))); // the SDK does not look itself
  expect(sent[0]).toMatchObject({ protocol: 'https:', headers: { 'x-amz-content-sha256': sha256('what we know') } });
  const names = Object.keys(sent[0]?.headers ?? {});
  expect(names.filter((name) => /checksum|trailer|content-encoding|decoded/.test(name))).toEqual([]);
});

test('a damaged blob of another size is replaced by the good one', async () => {
  const name = { sha256: sha256('good'), ext: 'txt' };
  s3d.bucket().put(blobKey(name), { body: Buffer.from('cut off'), headers: {}, at: 0 });
  const file = path.join(scratch, 'good');
  await writeFile(file, 'good');
  await open().putBlob(name, file);
  expect(await open().hashBlob(name)).toBe(name.sha256);
});

test('what others put below the prefix is neither listed nor in the way', async () => {
  const origin = open({ more: { prefix: '/site/' } });
  await publisher(origin, scratch).publish('one');
  const object = { body: Buffer.from('x'), headers: {}, at: 0 };
  for (const key of ['site/b/readme.txt', 'site/m/x', manifestKey(sha256('x'))]) s3d.bucket().put(key, object);
  const keys: string[] = [];
  for await (const { key } of origin.listStored()) keys.push(key);
  expect(keys.map((key) => key.slice(0, 2))).toEqual(['b/', 'm/']);
  expect(s3d.bucket().keys()).toContain('site/head.json');
});

test('a deletion of a bad blob that arrives late does not take away the good one', async () => {
  const name = { sha256: sha256('good'), ext: 'txt' };
  const file = path.join(scratch, 'good');
  await writeFile(file, 'good');
  s3d.bucket().put(blobKey(name), { body: Buffer.from('bad!'), headers: {}, at: 0 });
  const way = new AbortController();
  s3d.hooks.push(next(of('delete'), { kind: 'late', cut: true, until: once(way.signal, 'abort') }));
  await open({ attempts: 2 }).condemnBlob(name);
  expect(await open().blobBytes(name)).toBeUndefined();
  await open().putBlob(name, file);
  way.abort();
  await expect.poll(() => s3d.log.find(({ kind }) => kind === 'delete')?.status).toBe(412);
  expect(await open().hashBlob(name)).toBe(name.sha256);
});

test('more objects than a page or a request holds are listed, and deleted, all of them', async () => {
  const object = { body: Buffer.from('x'), headers: {}, at: 0 };
  const keys = Array.from({ length: 2500 }, (_, n) => blobKey({ sha256: sha256(`blob ${n}`), ext: 'txt' })).sort();
  for (const key of keys) s3d.bucket().put(`site/${key}`, object);
  const origin = open({ more: { prefix: 'site' } });
  const listed: string[] = [];
  for await (const { key } of origin.listStored()) listed.push(key);
  expect(listed).toEqual(keys);
  await origin.remove(keys);
  expect(s3d.bucket().keys()).toEqual([]);
  expect(s3d.count('delete-many')).toBe(3);
});

describe('the job file', () => {
  test('is told every problem at once', () => {
    const result = s3.check(
      { type: 's3', bucket: 'Bad_Bucket', prefix: 'a//b', endpoint: 'ftp://x', region: '', forcePathStyle: 'yes' },
      '/',
    );
    const paths = result.ok ? [] : result.problems.map((problem) => problem.path.join('.'));
    expect(paths).toEqual(['bucket', 'prefix', 'endpoint', 'region', 'forcePathStyle']);
  });

  test('holds no credentials, and those that stand there are not repeated', () => {
    const base = { type: 's3', bucket: 'media', region: 'eu-central-1' };
    for (const more of [
      { secretAccessKey: 'hunter2' },
      { credentials: { accessKeyId: 'x', secretAccessKey: 'hunter2' } },
      { endpoint: 'https://me:hunter2@s3.example.com' },
      { baseUrl: 'https://me:hunter2@cdn.example.com' },
    ]) {
      const result = s3.check({ ...base, ...more }, '/');
      expect(result.ok).toBe(false);
      expect(JSON.stringify(result)).not.toContain('hunter2');
    }
  });

  test('names a place by endpoint, bucket and prefix', () => {
    const place = (more: object) => {
      const result = s3.check({ type: 's3', bucket: 'media', region: 'eu-central-1', ...more }, '/');
      return result.ok && result.place;
    };
    const endpoint = 'https://s3.example.com';
    expect(place({ prefix: 'a/b/', endpoint })).toBe(
      place({ prefix: '/a/b', endpoint: `${endpoint}/`, region: 'auto' }),
    );
    const places = [{}, { prefix: 'a' }, { endpoint }, { bucket: 'other' }].map(place);
    expect(new Set(places).size).toBe(4);
  });
});
