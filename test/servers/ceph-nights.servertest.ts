import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sha256 } from '../../src/domain/digest.js';
import { blobKey } from '../../src/domain/origin-keys.js';
import { usualLimits } from '../../src/origins/s3/client.js';
import { openStore } from '../../src/origins/s3/index.js';
import { signed } from '../../src/origins/s3/signed.js';
import { openEmptyState } from '../../src/state/open.js';
import { publisher } from '../contracts/origins/publisher.js';
import { startCutter } from '../support/cutter.js';
import { ask, publishNow } from '../support/project.js';
import { aWorld } from '../support/world.js';
import { aBucketWorld, aRivalOf, type BucketWorld, pictures, texts } from './bucket-world.js';
import { startCeph } from './ceph.js';
import { oneStore } from './store.js';

const ceph = oneStore(startCeph);
let at: BucketWorld;
const worlds: BucketWorld[] = [];

beforeEach(async () => {
  at = await aBucketWorld(ceph());
  worlds.push(at);
});
afterEach(async () => {
  for (const { world } of worlds.splice(0)) await world.end();
});

const whole = Array(pictures + texts).fill('whole');

test('a night publishes to Ceph what it publishes to a folder, and the next one writes nothing', async () => {
  const published = await at.night();
  expect([published.code, published.stderr]).toEqual([0, expect.not.stringContaining('Warning')]);
  const folder = await aWorld({ source: at.world.source });
  expect((await publishNow(folder)).result?.snapshot).toBe(published.result?.snapshot);
  await folder.end();
  expect(Object.values(await at.liveFiles())).toEqual(whole);
  const before = await at.bucket.keys();
  expect((await at.night()).result).toMatchObject({ outcome: 'unchanged', exit: 0 });
  expect(await at.bucket.keys()).toEqual(before);
  expect((await at.head())?.seq).toBe(1);
});

test('readers at Ceph are told types and how long each may be kept', async () => {
  await at.night();
  const keys = await at.bucket.keys();
  const headers = await Promise.all(keys.map(async (key) => [key.slice(0, 6), await at.bucket.headers(key)] as const));
  const forEver = { CacheControl: 'public, max-age=31536000, immutable' };
  expect(Object.fromEntries(headers.filter(([, { ContentType }]) => ContentType !== 'image/jpeg'))).toEqual({
    'site/h': {
      ContentType: 'application/json',
      CacheControl: 'public, max-age=0, s-maxage=5, stale-if-error=86400',
    },
    'site/m': { ContentType: 'application/json', ...forEver },
    'site/b': { ContentType: 'text/plain', ...forEver },
  });
  expect(headers).toContainEqual(['site/b', { ContentType: 'image/jpeg', ...forEver }]);
});

test('Ceph refuses unknown keys and wrong secrets with exit 77, and a bucket that is not there is 75', async () => {
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) {
    const refused = await at.night(['--now'], { env: { [name]: 'wrong' } });
    expect([refused.code, refused.result?.fault?.code]).toEqual([77, 'credentials-refused']);
  }
  await at.bucket.drop();
  const gone = await at.night();
  expect([gone.code, gone.result?.fault?.message]).toEqual([75, expect.stringContaining('NoSuchBucket')]);
});

test('verify, rollback, pin and snapshots work at Ceph', async () => {
  const first = await at.night();
  await at.world.write('texts/t0.txt', 'changed\n');
  await at.night();
  expect((await ask(at.world, 'verify', '--deep')).code).toBe(0);
  expect((await ask(at.world, 'rollback', '--reason', 'bad text', '--yes')).code).toBe(0);
  expect((await ask(at.world, 'pin', 'live', 'good')).code).toBe(0);
  expect((await ask(at.world, 'snapshots')).code).toBe(0);
  const live = { snapshot: first.result?.snapshot };
  expect(await at.head()).toMatchObject({ seq: 4, channels: { live }, pins: [{ name: 'good' }] });
});

describe('two publishers at once', () => {
  test('stopped before the same commit: one lands, the other rebases, and the changes of both are live', async () => {
    await at.night();
    const rival = await aRivalOf(at);
    worlds.push(rival);
    expect((await rival.night()).result).toMatchObject({ outcome: 'unchanged', derivatives: { made: 0 } });
    await at.world.write('texts/ours.txt', 'of ours');
    await rival.world.write('texts/theirs.txt', 'of theirs');
    const racers = await Promise.all([at, rival].map((one) => one.start(['--now'], { env: stopAt('head-ready') })));
    await Promise.all(racers.map((one) => one.stoppedAt('head-ready')));
    for (const one of racers) one.signal('SIGCONT');
    const ended = await Promise.all(racers.map((one) => one.ended));
    expect(ended.map(({ result }) => [result?.outcome, result?.exit])).toEqual(Array(2).fill(['published', 0]));
    expect(ended.flatMap(({ lines }) => lines).filter(({ type }) => type === 'rebased')).toHaveLength(1);
    expect((await at.head())?.commits.map(({ kind }) => kind)).toEqual(['publish', 'publish', 'publish']);
    const live = await at.liveFiles();
    expect(Object.keys(live)).toEqual(expect.arrayContaining(['texts/ours.txt', 'texts/theirs.txt']));
    expect(Object.values(live)).toEqual([...whole, 'whole', 'whole']);
  });

  test('with one change: the loser has nothing to add', async () => {
    await at.night();
    await at.world.write('texts/t0.txt', 'changed\n');
    const slow = await at.start(['--now'], { env: stopAt('head-ready') });
    await slow.stoppedAt('head-ready');
    const quick = await at.night(['--now'], { state: path.join(at.world.folder, 'other-state') });
    expect(quick.result).toMatchObject({ outcome: 'published', exit: 0 });
    slow.signal('SIGCONT');
    const { snapshot } = quick.result ?? {};
    expect((await slow.ended).result).toMatchObject({ outcome: 'unchanged', exit: 0, snapshot });
    expect((await at.head())?.seq).toBe(2);
  });
});

test('runs killed at any point leave the old snapshot or the new one, whole, and run alone finishes', async () => {
  await at.night();
  for (const point of ['blob-stored:3', 'manifest-stored', 'head-ready', 'head-moved']) {
    const old = await at.head();
    for (const name of ['t0', 't1', 't2']) await at.world.write(`texts/${name}.txt`, `${name}, changed for ${point}\n`);
    const killed = await at.night(['--now'], { env: { NIGHTPRESS_CRASH: point } });
    expect([point, killed.signal]).toEqual([point, 'SIGKILL']);
    expect([point, ...Object.values(await at.liveFiles())]).toEqual([point, ...whole]);
    expect((await at.head())?.seq).toBe((old?.seq ?? 0) + (point === 'head-moved' ? 1 : 0));
    expect([point, (await at.night()).code]).toEqual([point, 0]);
  }
  // Whether the commit of the one killed at head-ready was sent is known to nobody: it is fenced off.
  const kinds = (await at.head())?.commits.map(({ kind }) => kind);
  expect(kinds).toEqual(['publish', 'publish', 'publish', 'fence', 'publish', 'publish']);
  const folder = await aWorld({ source: at.world.source });
  const { snapshot } = (await publishNow(folder)).result ?? {};
  await folder.end();
  expect((await at.head())?.channels.live?.snapshot).toBe(snapshot);
  expect(Object.values(await at.liveFiles())).toEqual(whole);
});

const stopAt = (point: string) => ({ NIGHTPRESS_STOP: point });

describe('Ceph itself', () => {
  const limits = { ...usualLimits, attempts: 1 };
  const config = (endpoint = at.bucket.endpoint) => {
    return { type: 's3', bucket: at.bucket.name, prefix: 'site', endpoint, region: 'eu-central-1' };
  };

  test('lets exactly one of 32 commits land, whatever it tells the others', async () => {
    const { publish, next } = publisher(openStore(config(), {}, limits), at.world.folder);
    for (let round = 0; round < 3; round++) {
      const rivals = await Promise.all(Array.from({ length: 32 }, (_, n) => next(`${round} ${n}`)));
      const swap = ({ head, base }: (typeof rivals)[number]) => openStore(config(), {}, limits).swapHead(head, base);
      const swaps = await Promise.all(rivals.map(swap));
      expect(swaps.filter((one) => one === 'landed')).toHaveLength(1);
      expect(swaps.filter((one) => one === 'lost')).toHaveLength(31);
    }
    expect(await publish('after them')).toBe('landed');
  });

  test('refuses other bytes than those whose hash was signed', async () => {
    const client = new S3Client({
      endpoint: at.bucket.endpoint,
      region: 'eu-central-1',
      requestChecksumCalculation: 'WHEN_REQUIRED',
    });
    const command = new PutObjectCommand({ Bucket: at.bucket.name, Key: 'a', Body: Buffer.from('other bytes') });
    const refused = client.send(signed(command, sha256('the bytes')));
    await expect(refused).rejects.toMatchObject({ name: 'XAmzContentSHA256Mismatch' });
    expect(await at.bucket.keys()).toEqual([]);
  });

  test('lists, and deletes, more objects than a page or a request holds', async () => {
    const keys = Array.from({ length: 1100 }, (_, n) => blobKey({ sha256: sha256(`blob ${n}`), ext: 'txt' })).sort();
    for (let from = 0; from < keys.length; from += 50)
      await Promise.all(keys.slice(from, from + 50).map((key) => at.bucket.put(`site/${key}`, 'x')));
    const origin = openStore(config(), {}, limits);
    const listed: string[] = [];
    for await (const { key } of origin.listStored()) listed.push(key);
    expect(listed).toEqual(keys);
    await origin.remove(keys);
    expect(await at.bucket.keys()).toEqual([]);
  });

  test('completes an upload in parts that broke off, from the parts it has', async () => {
    const state = openEmptyState();
    const bytes = Buffer.alloc(40 << 20, 'film ');
    const name = { sha256: sha256(bytes), ext: 'mp4' };
    const film = path.join(at.world.folder, randomUUID());
    await writeFile(film, bytes);
    const cutter = await startCutter(ceph().port);
    cutter.next(/^PUT .*partNumber=3/, { kind: 'reset' });
    const origin = openStore(config(cutter.endpoint), state, limits);
    await expect(origin.putBlob(name, film)).rejects.toMatchObject({ code: 'origin-unreachable' });
    expect([state.uploads.all()[0]?.parts.length, (await at.bucket.uploads()).length]).toEqual([2, 1]);
    for (const part of [1, 2]) cutter.next(new RegExp(`^PUT .*partNumber=${part}`), { kind: 'reset' });
    await origin.putBlob(name, film);
    expect([cutter.made, await origin.hashBlob(name), state.uploads.all()]).toEqual([1, name.sha256, []]);
    expect(await at.bucket.uploads()).toEqual([]);
    await cutter.close();
    state.close();
  });
});
