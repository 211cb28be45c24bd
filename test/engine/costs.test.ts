import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { explainAsset } from '../../src/engine/explain.js';
import { openState } from '../../src/state/open.js';
import { copyRecipe, NightWorld } from '../support/night-world.js';

let world: NightWorld;

beforeEach(() => {
  world = new NightWorld();
});

afterEach(() => world.close());

const predicted = () => world.of('planned').at(-1)?.predictedSeconds ?? 0;

test('the night after knows what the items of the night before really took', async () => {
  for (let n = 0; n < 6; n++) world.put(`${n}.txt`, `content ${n}`);
  world.onExecute = () => {
    world.now += 7000; // two at once: each takes seven seconds, or fourteen by the clock
  };
  await world.run();
  expect(predicted()).toBeLessThan(1);
  world.nextDay();
  world.put('new.txt', 'more content');
  await world.run();
  expect(predicted()).toBeGreaterThanOrEqual(7);
  expect(predicted()).toBeLessThan(15);
});

test('a run that was stopped and goes on is learned once, as a whole', async () => {
  for (let n = 0; n < 4; n++) world.put(`${n}.txt`, `content ${n}`);
  let executed = 0;
  world.onExecute = () => {
    world.now += 1000;
    if (++executed === 2) world.stop.abort();
  };
  expect(await world.run()).toMatchObject({ outcome: 'interrupted' });
  expect(await world.run()).toMatchObject({ outcome: 'published', items: { done: 4 } });
  const state = openState(path.join(world.root, world.stateName));
  const ratios = state.costs().flatMap((row) => row.ratios);
  state.close();
  expect(ratios).toHaveLength(4);
});

test('urgent assets and recipes are worked first', async () => {
  world.job = {
    ...world.job,
    recipes: [copyRecipe('all', '**/*.txt'), copyRecipe('notes', '**/*.md', { priority: 5 })],
    priorities: [
      { glob: 'front/**', priority: 9 },
      { glob: 'archive/**', priority: -1 },
    ],
  };
  for (const key of ['archive/a.md', 'front/b.txt', 'c.txt', 'd.md']) world.put(key, `content of ${key}`);
  world.workers = 1; // two begin together, in either order
  const order: string[] = [];
  world.onExecute = ({ input }) => order.push(input.key);
  await world.run();
  expect(order).toEqual(['front/b.txt', 'd.md', 'c.txt', 'archive/a.md']);
});

test('what waits in a run that is live is expected when all before it has been worked', async () => {
  for (let n = 0; n < 9; n++) world.put(`${n}.txt`, `content ${n}`);
  world.put('large.txt', 'x'.repeat(5_000_000));
  let executed = 0;
  world.onExecute = () => {
    world.now += 10_000;
    if (++executed === 6) world.stop.abort();
  };
  await world.run();
  const state = openState(path.join(world.root, world.stateName));
  const night = await world.night(state);
  const waiting = state
    .items(state.openRun()?.id ?? expect.fail('no open run'))
    .filter((item) => item.state !== 'ended');
  const stories = await Promise.all(waiting.map(({ key }) => explainAsset(night, key, true)));
  const asleep = await explainAsset(night, waiting[0]?.key ?? '', false);
  state.close();
  const made = stories.map(({ expected }) => expected?.madeAt ?? 0).sort((a, b) => a - b);
  expect(made[0]).toBeGreaterThan(world.now);
  expect(new Set(made).size).toBe(waiting.length);
  expect(stories.map(({ expected }) => expected?.nightAt)).toEqual(waiting.map(() => made.at(-1)));
  expect(asleep.expected).toBeUndefined();
  expect(asleep.nextTry?.opens).toBeGreaterThan(world.now);
});
