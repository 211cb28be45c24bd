import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { previewNight } from '../../src/engine/preview.js';
import { retryNight } from '../../src/engine/retry.js';
import { openScratchState, openState } from '../../src/state/open.js';
import { liveTexts } from '../support/live-texts.js';
import { NightWorld } from '../support/night-world.js';

let world: NightWorld;

beforeEach(() => {
  world = new NightWorld({ groupBy: { kind: 'directory' } });
  for (const key of ['shoes/front.txt', 'shoes/back.txt', 'hats/front.txt']) world.put(key, `old ${key}`);
});

afterEach(() => world.close());

async function retry(request: Parameters<typeof retryNight>[1]) {
  const state = openState(path.join(world.root, 'work'));
  try {
    return await retryNight(await world.night(state), request);
  } finally {
    state.close();
  }
}

test('a group is published whole, or stays as it is; others do not wait for it', async () => {
  await world.run();
  world.nextDay();
  for (const key of ['shoes/front.txt', 'shoes/back.txt', 'shoes/new.txt', 'hats/front.txt'])
    world.put(key, `new ${key}`);
  world.broken.add('shoes/back.txt');
  const torn = await world.run();
  expect(torn).toMatchObject({ outcome: 'incomplete', items: { done: 1, carried: 2, failed: 1 } });
  expect(liveTexts(world.root)).toEqual({
    'hats/front.txt': 'new hats/front.txt',
    'shoes/front.txt': 'old shoes/front.txt',
    'shoes/back.txt': 'old shoes/back.txt',
  });
  expect(torn.findings).toContainEqual(
    expect.objectContaining({
      code: 'group-incomplete',
      key: 'shoes/front.txt',
      message: expect.stringContaining('shoes/back.txt'),
    }),
  );

  world.nextDay();
  world.broken.clear();
  world.put('shoes/back.txt', 'mended');
  const executed = new Map(world.executed);
  expect(await world.run()).toMatchObject({ outcome: 'published', items: { done: 1, reused: 2 } });
  expect(liveTexts(world.root)).toMatchObject({
    'shoes/front.txt': 'new shoes/front.txt',
    'shoes/back.txt': 'mended',
    'shoes/new.txt': 'new shoes/new.txt',
  });
  expect(world.executed.get('shoes/front.txt')).toBe(executed.get('shoes/front.txt'));
});

test('with nothing live yet a group is left out, and what left it out counts once', async () => {
  world.job = { ...world.job, gate: { tolerate: { count: 1 }, shrink: { share: 0.5 } } };
  world.broken.add('shoes/back.txt');
  expect(await world.run()).toMatchObject({ outcome: 'incomplete', items: { done: 1, failed: 2 } });
  expect(Object.keys(liveTexts(world.root))).toEqual(['hats/front.txt']);
});

test('what was removed stays removed, also from a group that waits', async () => {
  await world.run();
  world.nextDay();
  world.put('shoes/front.txt', 'no text');
  world.broken.add('shoes/front.txt');
  world.remove('shoes/back.txt');
  await world.run();
  expect(liveTexts(world.root)).toEqual({
    'hats/front.txt': 'old hats/front.txt',
    'shoes/front.txt': 'old shoes/front.txt',
  });
});

test('when the failing item is retried, those that wait for it come along', async () => {
  await world.run();
  world.nextDay();
  for (const key of ['shoes/front.txt', 'shoes/back.txt']) world.put(key, `new ${key}`);
  world.broken.add('shoes/back.txt');
  await world.run();
  world.broken.clear();
  const result = await retry({ items: (key) => key === 'shoes/back.txt' });
  expect(result).toMatchObject({ outcome: 'published', items: { done: 1, reused: 1 } });
  expect(liveTexts(world.root)).toMatchObject({ 'shoes/front.txt': 'new shoes/front.txt' });
});

test('a required asset that only waits for its group holds the night, as plan says once the culprit is known', async () => {
  world.job = { ...world.job, gate: { ...world.job.gate, required: ['shoes/front.txt'] } };
  world.broken.add('shoes/back.txt');
  expect((await world.run()).held?.map(({ rule }) => rule)).toEqual(['required']);
  const state = openScratchState(path.join(world.root, world.stateName));
  const { holds } = await previewNight(await world.night(state)).finally(() => state.close());
  expect(holds.map(({ rule }) => rule)).toEqual(['required']);
});
