import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Result } from '../../src/domain/result.js';
import { derivativesOf, flawsOf } from '../support/published.js';
import { age, aWorld, fill, pictureOf, type World } from '../support/world.js';

let world: World;

beforeEach(async () => {
  world = await aWorld();
  await fill(world, { pictures: 2, texts: 2 });
});

afterEach(() => world.end());

async function retry(...args: string[]) {
  return await world.run(args, { verb: 'retry' });
}

function attemptsAt(result: Result | undefined, key: string) {
  return world.run([key], { verb: 'explain' }).then(({ lines }) => {
    const story = lines[0] as unknown as { runs: { run: string; attempts: unknown[]; because: string }[] };
    return story.runs.find((one) => one.run === result?.run);
  });
}

test('a broken picture: published without it, tried again by hand, mended, live', async () => {
  await world.write('pictures/bad.jpg', 'this is no picture');
  const night = await world.run();
  expect(night).toMatchObject({
    code: 3,
    result: { outcome: 'incomplete', next: expect.arrayContaining(['nightpress retry night --failed']) },
  });

  const still = await retry();
  expect(still).toMatchObject({ code: 3, result: { items: { total: 5, failed: 1, unchanged: 4 } } });
  expect(await attemptsAt(still.result, 'pictures/bad.jpg')).toMatchObject({
    because: 'retried by hand',
    attempts: [{ outcome: 'refused' }],
  });

  await world.write('pictures/bad.jpg', await pictureOf('mended'));
  const mended = await retry('--failed');
  expect(mended).toMatchObject({
    code: 0,
    result: { outcome: 'published', items: { total: 5, done: 1, unchanged: 4 } },
  });
  const snapshot = mended.result?.snapshot;
  expect(snapshot && (await derivativesOf(world.origin, snapshot)).has('pictures/bad.jpg/16w.jpg')).toBe(true);
  expect(await flawsOf(world.origin)).toEqual([]);
  expect(mended.lines[0]).toMatchObject({ type: 'version' });
});

test('an unchanged asset is made again on demand, and the snapshot stays the same', async () => {
  await age(world);
  const night = await world.run();
  const again = await retry('--item', 'texts/t0.*', '--remake');
  expect(again).toMatchObject({
    code: 0,
    result: { outcome: 'unchanged', snapshot: night.result?.snapshot, items: { done: 1, unchanged: 3 } },
  });
  expect(await attemptsAt(again.result, 'texts/t0.txt')).toMatchObject({
    attempts: [{ number: 1, outcome: 'finished' }],
  });
});

test('a run that was killed is finished by run, not by retry', async () => {
  await world.run([], { env: { NIGHTPRESS_CRASH: 'blob-stored' } });
  const refused = await world.run(['--failed'], { verb: 'retry', plain: true });
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain('next: nightpress run night');
  expect(await world.run()).toMatchObject({ code: 0 });
});

test('what cannot be retried is said with what could be', async () => {
  await world.run();
  const unknown = await retry('--partition', 'nosuch');
  expect(unknown).toMatchObject({ code: 2, result: { outcome: 'failed', fault: { code: 'usage' } } });
  expect(unknown.result?.fault?.message).toMatch(/expected one of [0-9a-f]{12}(, [0-9a-f]{12})+/);
  expect((await retry('--failed')).result?.fault?.message).toContain('nothing to retry');
  const bad = await world.run(['--item', '['], { verb: 'retry', plain: true });
  expect(bad).toMatchObject({ code: 2, stderr: expect.stringContaining('expected globs') });
});
