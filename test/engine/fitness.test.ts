import { afterEach, beforeEach, expect, test } from 'vitest';
import { endBucket, originAt, startBucket } from '../support/bucket-nights.js';
import { NightWorld } from '../support/night-world.js';
import { next, type S3d } from '../support/s3d/index.js';

/** Whether a night begins at all at a store that would lose commits. */
let s3d: S3d;
let world: NightWorld;

beforeEach(async () => {
  s3d = await startBucket();
  const origin = originAt(s3d.endpoint);
  world = new NightWorld({ origin });
  world.put('a.txt', 'content of a');
});

afterEach(async () => {
  world.close();
  await endBucket(s3d);
});

const probes = () => s3d.log.filter(({ key }) => key.startsWith('site/tmp/probe/')).length;

async function changedNight(days: number): Promise<string> {
  for (let day = 0; day < days; day++) world.nextDay();
  world.put('a.txt', `content of day ${world.now}`);
  return (await world.run()).outcome;
}

test('a store that was proved is trusted for thirty days, then it may be another one', async () => {
  expect(await changedNight(0)).toBe('published');
  const once = probes();
  expect(await changedNight(29)).toBe('published');
  expect(probes()).toBe(once);
  s3d.rules = { ...s3d.rules, tier: 'B' };
  const message = expect.stringMatching(/tier B: .*begun with compare and swap.*\(swap stale: /);
  await expect(changedNight(2)).rejects.toMatchObject({ code: 'origin-unfit', exit: 13, message });
});

test('a store that only creates is proved for its log, not for a head that is swapped', async () => {
  s3d.rules = { ...s3d.rules, tier: 'B' };
  expect(await changedNight(0)).toBe('published');
  const once = probes();
  expect(await changedNight(29)).toBe('published');
  expect(probes()).toBe(once);
  const { commitsBy: _, ...swapped } = JSON.parse(s3d.bucket().get('site/head.json')?.body.toString() ?? '');
  s3d.bucket().put('site/head.json', { body: Buffer.from(JSON.stringify(swapped)), headers: {}, at: 0 });
  await expect(changedNight(1)).rejects.toMatchObject({ code: 'origin-unfit' });
  expect(probes()).toBeGreaterThan(once);
});

test('a log is no longer trusted to a store that overwrites what is there', async () => {
  s3d.rules = { ...s3d.rules, tier: 'B' };
  expect(await changedNight(0)).toBe('published');
  s3d.rules = { ...s3d.rules, tier: 'C' };
  await expect(changedNight(31)).rejects.toMatchObject({ code: 'origin-unfit' });
});

test('a store that only loses races is found out before the night begins', async () => {
  s3d.rules = { ...s3d.rules, racyMs: 250 };
  await expect(world.run()).rejects.toMatchObject({
    code: 'origin-unfit',
    message: expect.stringMatching(/tier C: .*\(create race: \d of 8 at once were answered with success\)$/),
  });
  expect(world.executed.size).toBe(0);
  expect(s3d.bucket().keys()).toEqual([]);
});

test('an answer that never comes says nothing of the store: unreachable, and the next night tries again', async () => {
  s3d.hooks.push(next(({ key }) => key.endsWith('/create-1'), { kind: 'drop' }));
  await expect(world.run()).rejects.toMatchObject({ code: 'origin-unreachable' });
  expect((await world.run()).outcome).toBe('published');
});

test('a run on a channel is held to the same', async () => {
  world.job = { ...world.job, channel: 'preview' };
  s3d.rules = { ...s3d.rules, tier: 'C' };
  await expect(world.run()).rejects.toMatchObject({ code: 'origin-unfit' });
});

test('a night with nothing to do tries nothing', async () => {
  expect((await world.run()).outcome).toBe('published');
  const once = probes();
  s3d.rules = { ...s3d.rules, tier: 'C' };
  expect((await world.run()).exit).toBe(0);
  expect(probes()).toBe(once);
});
