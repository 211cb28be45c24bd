import { afterEach, expect, test } from 'vitest';
import { usualLimits } from '../../src/origins/s3/client.js';
import { openStore } from '../../src/origins/s3/index.js';
import { publisher } from '../contracts/origins/publisher.js';
import { ask } from '../support/project.js';
import { aBucketWorld, type BucketWorld, pictures, texts } from './bucket-world.js';
import { oneStore } from './store.js';
import { startSwift } from './swift.js';

const swift = oneStore(startSwift);
const worlds: BucketWorld[] = [];
afterEach(async () => {
  for (const { world } of worlds.splice(0)) await world.end();
});

/** A Swift is in one region only, and says so to requests signed for another. */
async function atSwift(more: object = {}): Promise<BucketWorld> {
  const at = await aBucketWorld(swift(), { region: 'us-east-1', ...more });
  worlds.push(at);
  return at;
}

const whole = Array(pictures + texts).fill('whole');

test('a store without conditional writes is refused with 13 and the way out, and no reader sees anything', async () => {
  const at = await atSwift();
  const refused = await at.night();
  expect([refused.code, refused.result?.outcome, refused.result?.fault?.code]).toEqual([13, 'failed', 'origin-unfit']);
  expect(refused.result?.fault?.message).toContain('singleWriter: true');
  expect(refused.result?.live).toBeNull();
  expect(await at.head()).toBeUndefined();
  const plain = await at.night(['--now'], { plain: true });
  expect([plain.code, plain.stdout + plain.stderr]).toEqual([13, expect.stringContaining('singleWriter: true')]);
  expect(await at.head()).toBeUndefined();
});

test('a live snapshot stays as it is when the job no longer says singleWriter', async () => {
  const at = await atSwift({ singleWriter: true });
  expect((await at.night()).code).toBe(0);
  const before = await at.head();
  const { name, endpoint } = at.bucket;
  const config = { type: 's3', bucket: name, prefix: 'site', endpoint, region: 'us-east-1' };
  const { publish } = publisher(openStore(config, {}, usualLimits), at.world.folder);
  await expect(publish('not alone')).rejects.toMatchObject({ code: 'origin-unfit' });
  expect(await at.head()).toEqual(before);
  expect(Object.values(await at.liveFiles())).toEqual(whole);
});

test('a single writer publishes, is killed before its commit, finishes, and rolls back', async () => {
  const at = await atSwift({ singleWriter: true });
  const first = await at.night();
  expect(first.result).toMatchObject({ outcome: 'published', exit: 0 });
  expect(Object.values(await at.liveFiles())).toEqual(whole);
  expect((await at.night()).result).toMatchObject({ outcome: 'unchanged', exit: 0 });
  await at.world.write('texts/t0.txt', 'changed\n');
  const killed = await at.night(['--now'], { env: { NIGHTPRESS_CRASH: 'head-ready' } });
  expect([killed.signal, (await at.head())?.seq]).toEqual(['SIGKILL', 1]);
  expect(await at.night()).toMatchObject({ code: 0 });
  expect((await at.head())?.channels.live?.snapshot).not.toBe(first.result?.snapshot);
  expect(Object.values(await at.liveFiles())).toEqual(whole);
  expect((await ask(at.world, 'verify', '--deep')).code).toBe(0);
  expect((await ask(at.world, 'rollback', '--reason', 'bad text', '--yes')).code).toBe(0);
  expect((await at.head())?.channels.live?.snapshot).toBe(first.result?.snapshot);
});

test('blobs are deleted in a store that wants Content-MD5', async () => {
  const at = await atSwift({ singleWriter: true });
  await at.night();
  const { name, endpoint } = at.bucket;
  const config = { type: 's3', bucket: name, prefix: 'site', endpoint, region: 'us-east-1' };
  const origin = openStore(config, {}, usualLimits);
  const keys: string[] = [];
  for await (const { key } of origin.listStored()) keys.push(key);
  await origin.remove(keys);
  expect(await at.bucket.keys()).toEqual(['site/head.json']);
});
