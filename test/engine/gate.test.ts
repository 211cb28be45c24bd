import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { previewNight } from '../../src/engine/preview.js';
import { openScratchState, openState } from '../../src/state/open.js';
import { liveTexts } from '../support/live-texts.js';
import { copyRecipe, NightWorld } from '../support/night-world.js';

let world: NightWorld;

beforeEach(() => {
  world = new NightWorld();
  for (let n = 0; n < 12; n++) world.put(`${n}.txt`, `text ${n} ${'.'.repeat(1000)}`);
});

afterEach(() => world.close());

const gate = (spec: Partial<NightWorld['job']['gate']>) => {
  world.job = { ...world.job, gate: { ...world.job.gate, ...spec } };
};
/** What `plan` says beforehand. */
async function forecast() {
  const state = openScratchState(path.join(world.root, world.stateName));
  try {
    return (await previewNight(await world.night(state))).holds.map(({ rule }) => rule);
  } finally {
    state.close();
  }
}
const rules = async () => (await world.run()).held?.map(({ rule }) => rule);

test('an item that shows an older version for too long holds the night, and says since when', async () => {
  gate({ maxStaleMs: 36 * 3_600_000 });
  world.now = Date.UTC(2040, 0, 1, 3);
  await world.run();
  world.nextDay();
  world.put('1.txt', 'cannot be made');
  world.broken.add('1.txt');
  expect(await world.run()).toMatchObject({ outcome: 'incomplete', items: { carried: 1 } });
  world.nextDay();
  world.put('2.txt', 'meanwhile');
  expect(await world.run()).toMatchObject({ outcome: 'incomplete' });
  world.now += 3_600_000;
  expect(await forecast()).toEqual([]); // a night that changes nothing has nothing to hold
  world.put('2.txt', 'later');
  expect(await forecast()).toEqual(['stale']); // not yet, but by the next opening
  world.now += 23 * 3_600_000;
  expect(await forecast()).toEqual(['stale']);
  const held = await world.run();
  expect(held).toMatchObject({
    outcome: 'held',
    held: [{ rule: 'stale', message: expect.stringContaining("'1.txt' (all) for 48 h") }],
  });
  expect(liveTexts(world.root)['2.txt']).toBe('meanwhile');
});

test('a required asset must never fail', async () => {
  gate({ required: ['1.*'] });
  world.broken.add('1.txt');
  expect(await rules()).toEqual(['required']);
  world.broken.clear();
  world.broken.add('2.txt');
  world.put('1.txt', 'works');
  world.put('2.txt', 'fails, but may');
  expect(await world.run()).toMatchObject({ outcome: 'incomplete' });
});

test('outputs that shrink to nothing hold the night', async () => {
  gate({ drift: 0.5 });
  await world.run();
  world.nextDay();
  for (let n = 0; n < 12; n++) world.put(`${n}.txt`, `small ${n}`);
  expect(await rules()).toEqual(['drift']);
});

test('a recipe may fail more often than others', async () => {
  gate({ tolerate: { count: 0 } });
  const tolerant = copyRecipe('odd', '{1,2}.txt', { tolerate: { count: 2 } });
  world.job = { ...world.job, recipes: [copyRecipe('all', '{3,4,5}.txt'), tolerant] };
  world.broken.add('1.txt').add('2.txt');
  expect(await world.run()).toMatchObject({ outcome: 'incomplete', items: { done: 3, failed: 2 } });
});

test('a rule that was approved for this window passes once, and says why', async () => {
  await world.run();
  world.nextDay();
  for (let n = 0; n < 10; n++) world.remove(`${n}.txt`);
  const held = await world.run();
  expect(held.held?.map(({ rule }) => rule)).toEqual(['shrink']);
  world.nextDay();
  const opens = world.of('run').at(-1)?.window.opens ?? 0;
  const state = openState(path.join(world.root, world.stateName));
  state.approve({ opens: opens + 86_400_000, rule: 'shrink', reason: 'spring cleaning', at: 0 });
  state.close();
  const published = await world.run();
  expect(published).toMatchObject({ outcome: 'published', findings: [{ code: 'approved', severity: 'notice' }] });
  expect(published.findings[0]?.message).toContain('spring cleaning');
  world.nextDay();
  for (let n = 0; n < 10; n++) world.put(`${n}.txt`, `back ${n}`);
  await world.run();
  world.nextDay();
  for (let n = 0; n < 10; n++) world.remove(`${n}.txt`);
  expect(await rules()).toEqual(['shrink']);
});
