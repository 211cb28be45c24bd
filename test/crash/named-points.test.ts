import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { crashPoints } from '../../src/engine/events.js';
import { checkpointed } from '../support/checkpoints.js';
import { flawsOf, liveSnapshot } from '../support/published.js';
import { until } from '../support/until.js';
import { aWorld, type Ended, executions, fill, pictureOf, type World } from '../support/world.js';

/**
 * One library through many nights. Every night a few files change and the run is killed at another point; a twin over
 * the same sources, which nobody disturbs, says what the night must end with.
 */
let world: World;
let twin: World;

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

beforeAll(async () => {
  world = await aWorld();
  twin = await aWorld({ source: world.source });
  await fill(world, { pictures: 8, texts: 6 });
});
afterAll(async () => {
  await world.end();
  await twin.end();
});

/** Six files rewritten, one added, one removed: all of it new work. */
async function changeSources(night: string): Promise<void> {
  for (let n = 0; n < 4; n++) await world.write(`pictures/p${n}.jpg`, await pictureOf(`${night} ${n}`));
  for (let n = 0; n < 2; n++) await world.write(`texts/t${n}.txt`, `${night} ${n}\n`);
  await world.write(`texts/added at ${night}.txt`, night);
  if (existsSync(path.join(world.source, 'texts/last.txt'))) await world.remove('texts/last.txt');
  else await world.write('texts/last.txt', 'comes and goes');
}

const noneIsLeft = (what: string) =>
  until(
    () => world.left().length === 0 || undefined,
    `no process is left ${what}: ${JSON.stringify(world.left())}`,
    3000,
  );

/** `run` alone, after whatever happened, ends the night as if nothing had. */
async function finishes(): Promise<Ended> {
  const safe = await checkpointed(world);
  const resumedAt = Date.now();
  const finish = await world.run();
  expect(finish.stderr).not.toContain('    at ');
  expect(finish.code).toBe(0);
  const again = [...(await executions(world, resumedAt)).keys()].filter((item) => safe.has(item));
  expect(again, 'items executed although a checkpoint held them').toEqual([]);
  const calm = await twin.run(['--now'], { workers: 1 });
  expect(calm.result?.outcome).toBe('published');
  expect(await liveSnapshot(world.origin)).toBe(calm.result?.snapshot);
  expect(await flawsOf(world.origin)).toEqual([]);
  await noneIsLeft('after the finish');
  for (const name of ['staging', 'outbox']) expect(existsSync(path.join(world.state, name)), name).toBe(false);
  return finish;
}

async function findsNothingMore(): Promise<void> {
  const second = await world.run(['--now']);
  expect(second.result).toMatchObject({ outcome: 'unchanged', derivatives: { made: 0 } });
}

/** Every named point of `crashPoints`; of those that surely come again and again, an early and a late one. */
const points = [
  'planned',
  'item-started:3',
  'blob-stored',
  'blob-stored:6',
  'checkpointed',
  'manifest-ready',
  'manifest-stored',
  'head-ready',
  'head-moved',
];

test('every named point is in the table', () => {
  expect(new Set(points.map((point) => point.split(':')[0]))).toEqual(new Set(crashPoints));
});

describe('a run killed by SIGKILL is finished by the next one, and costs only what was in flight', () => {
  test('in the very first night, before anything was live', async () => {
    const killed = await world.run([], { env: { NIGHTPRESS_CRASH: 'blob-stored:4' } });
    expect(killed.signal).toBe('SIGKILL');
    expect(await liveSnapshot(world.origin)).toBeUndefined();
    await noneIsLeft('after the kill');
    const finish = await finishes();
    expect(finish.lines).toContainEqual(expect.objectContaining({ type: 'run', resumed: true }));
    await findsNothingMore();
  });

  test.each(points)('at %s', async (point) => {
    const live = await liveSnapshot(world.origin);
    await changeSources(point);
    const killed = await world.run(['--now'], { env: { NIGHTPRESS_CRASH: point } });
    expect(killed.signal).toBe('SIGKILL');
    await noneIsLeft('after the kill');
    const shown = await liveSnapshot(world.origin);
    if (point === 'head-moved') expect(shown).not.toBe(live);
    else expect(shown).toBe(live);
    expect(await flawsOf(world.origin)).toEqual([]);
    const finish = await finishes();
    const run = killed.lines.find((line) => line.type === 'run')?.run;
    expect(finish.result).toMatchObject({ outcome: 'published', run });
  });

  test('three times in one night', async () => {
    await changeSources('three');
    for (const [at, point] of ['item-started:2', 'blob-stored:2', 'head-ready'].entries()) {
      const killed = await world.run(at === 0 ? ['--now'] : [], { env: { NIGHTPRESS_CRASH: point } });
      expect(killed.signal).toBe('SIGKILL');
    }
    await finishes();
    await findsNothingMore();
  });
});
