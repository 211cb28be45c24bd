import { cpSync, rmSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { purgeReference } from '../../src/domain/edges.js';
import type { Head } from '../../src/domain/head.js';
import type { Result } from '../../src/domain/result.js';
import { rollBack } from '../../src/engine/move-head.js';
import { retryNight } from '../../src/engine/retry.js';
import { openState } from '../../src/state/open.js';
import { aFakeEdge, type FakeEdge } from '../support/fake-edge.js';
import { Killed, NightWorld } from '../support/night-world.js';

let world: NightWorld;
let cdn: FakeEdge;
let varnish: FakeEdge;

beforeEach(() => {
  world = new NightWorld();
  [cdn, varnish] = [aFakeEdge('cdn'), aFakeEdge('varnish')];
  world.edges = [cdn, varnish];
  world.put('a.txt', 'one');
});
afterEach(() => world.close());

const told = () => [cdn.told.length, varnish.told.length];

async function liveHead(): Promise<Head> {
  const state = openState(`${world.root}/other`);
  const head = (await (await world.night(state)).origin.readHead())?.head;
  state.close();
  if (!head) throw new Error('nothing is live');
  return head;
}

/** What a cache serves that has seen this head. */
const serving = (head: Pick<Head, 'origin' | 'seq'>) => ({
  url: 'https://cdn.example/head.json',
  text: JSON.stringify(head),
});

test('when another snapshot goes live every edge is told of the head, once', async () => {
  const result = await world.run();
  const { origin } = await liveHead();
  const stale = { keys: ['head.json'], reference: purgeReference({ origin, seq: 1 }) };
  expect([cdn.told, varnish.told]).toEqual([[stale], [stale]]);
  expect(result).toMatchObject({
    outcome: 'published',
    exit: 0,
    edges: [
      { name: 'cdn', told: true },
      { name: 'varnish', told: true },
    ],
  });
  expect(result.findings).toEqual([]);
});

test('a night without changes and a call with nothing to do tell nobody', async () => {
  await world.run();
  expect((await world.run()).edges).toBeUndefined();
  world.nextDay();
  const result = await world.run();
  expect([result.outcome, result.edges, told()]).toEqual(['unchanged', undefined, [1, 1]]);
});

test('a snapshot that is only staged is no news for edges', async () => {
  for (const key of ['b.txt', 'c.txt', 'd.txt']) world.put(key, key);
  await world.run();
  world.nextDay();
  for (const key of ['b.txt', 'c.txt', 'd.txt']) world.remove(key);
  expect([(await world.run()).outcome, told()]).toEqual(['held', [1, 1]]);
});

test('edges are told of what goes live at an origin that was rewound and adopted', async () => {
  await world.run();
  const backup = path.join(world.root, 'backup');
  cpSync(path.join(world.root, 'public'), backup, { recursive: true, verbatimSymlinks: true });
  for (const text of ['two', 'three', 'four']) {
    world.nextDay();
    world.put('a.txt', text);
    await world.run();
  }
  rmSync(path.join(world.root, 'public'), { recursive: true });
  cpSync(backup, path.join(world.root, 'public'), { recursive: true, verbatimSymlinks: true });
  world.nextDay();
  world.put('a.txt', 'five');
  const result = await world.run({ adopt: true });
  expect(result).toMatchObject({ outcome: 'published', live: { seq: 2 } });
  expect(told()).toEqual([5, 5]);
});

test('a run killed after the head moved tells edges when it goes on', async () => {
  world.onEvent = ({ type }) => {
    if (type === 'head-moved') throw new Killed();
  };
  await expect(world.run()).rejects.toThrow(Killed);
  expect(told()).toEqual([0, 0]);
  world.onEvent = () => undefined;
  const result = await world.run();
  expect([result.outcome, result.edges?.map((edge) => edge.told), told()]).toEqual(['published', [true, true], [1, 1]]);
});

test('an edge that cannot be told is a finding of a published night; the next call tells it, and no other', async () => {
  cdn.trouble = 'POST https://api.example/purge: ECONNREFUSED';
  const result = await world.run();
  expect(result).toMatchObject({
    outcome: 'published',
    exit: 0,
    edges: [
      { name: 'cdn', told: false, error: `not told: ${cdn.trouble}` },
      { name: 'varnish', told: true },
    ],
    findings: [{ code: 'edge-not-told', severity: 'error', message: `edge cdn: not told: ${cdn.trouble}` }],
  });
  expect(result.next[0]).toBe('nightpress run world --wait');
  const again = await world.run();
  expect([again.run, again.exit, again.edges?.[0]?.told, again.findings.length]).toEqual([null, 0, false, 1]);
  cdn.trouble = undefined;
  const idle = await world.run();
  expect([idle.run, idle.edges?.map((edge) => edge.told), told()]).toEqual([null, [true, true], [1, 1]]);
  expect((await world.run()).edges).toBeUndefined();
});

test('an edge that the job names only since today is told of what is live', async () => {
  await world.run();
  const late = aFakeEdge('late');
  world.edges = [cdn, varnish, late];
  await world.run();
  expect([told(), late.told.length]).toEqual([[1, 1], 1]);
});

test('what a person made live without this state is told by the next call', async () => {
  await world.run();
  world.nextDay();
  world.put('a.txt', 'two');
  await world.run();
  const state = openState(`${world.root}/other`);
  const { origin, clock, job } = await world.night(state);
  await rollBack({ origin, clock, job }, { to: 'previous' });
  state.close();
  await world.run();
  expect(cdn.told.map(({ reference }) => reference.split('-').at(-1))).toEqual(['1', '2', '3']);
});

test('--wait looks until every edge serves the new head, and says how long each took', async () => {
  await world.run();
  const old = await liveHead();
  world.nextDay();
  world.put('a.txt', 'two');
  const fresh = { ...old, seq: old.seq + 1 };
  cdn.shows = () => serving(fresh);
  varnish.shows = (look) => serving(look < 4 ? old : { ...fresh, seq: fresh.seq + 5 });
  const result = await world.run({ waitMs: 60_000 });
  expect([result.exit, result.findings, varnish.looks]).toEqual([0, [], 4]);
  expect(result.edges).toEqual([
    { name: 'cdn', told: true, servedAfterMs: 0 },
    { name: 'varnish', told: true, servedAfterMs: 475 },
  ]);
  expect(result.durationMs).toBeGreaterThanOrEqual(475);
});

test('an edge that does not serve it in time is exit 7, and the snapshot is live all the same', async () => {
  cdn.shows = () => serving({ origin: 'another', seq: 9 });
  varnish.trouble = 'PURGE http://10.0.0.1/head.json answered 405';
  const result = await world.run({ waitMs: 10_000 });
  expect([result.outcome, result.exit, result.live?.seq]).toEqual(['published', 7, 1]);
  expect(result.edges).toEqual([
    {
      name: 'cdn',
      told: true,
      error: 'https://cdn.example/head.json serves the head of another origin after 10 s, expected seq 1',
    },
    {
      name: 'varnish',
      told: false,
      error: `not told: ${varnish.trouble}; https://varnish.example/head.json answers 404 after 10 s, expected seq 1`,
    },
  ]);
  expect(result.findings.map(({ code }) => code)).toEqual(['edge-stale', 'edge-not-told']);
  cdn.shows = () => serving({ origin: 'another', seq: 9 });
  const idle = await world.run({ waitMs: 1000 });
  expect([idle.run, idle.exit]).toEqual([null, 7]);
});

test('a signal ends the wait, not the night', async () => {
  cdn.shows = (look) => {
    if (look === 3) world.stop.abort();
    return { url: 'https://cdn.example/head.json', trouble: 'answers 404' };
  };
  varnish.shows = cdn.shows;
  const result = await world.run({ waitMs: 3_600_000 });
  expect([result.outcome, result.exit, cdn.looks < 10]).toEqual(['published', 7, true]);
  expect(result.edges?.[0]?.error).toContain('when the wait was stopped');
});

test('retry --wait tells, waits and ends as run --wait does, also when the retry changes nothing', async () => {
  world.put('b.txt', 'two');
  world.broken.add('b.txt');
  expect((await world.run()).outcome).toBe('incomplete');
  const old = await liveHead();
  const fresh = { ...old, seq: old.seq + 1 };
  world.broken.clear();
  cdn.shows = () => serving(fresh);
  varnish.shows = (look) => serving(look < 4 ? old : fresh);
  const served = await retry(60_000);
  expect([served.outcome, served.exit, served.live?.seq, told()]).toEqual(['published', 0, fresh.seq, [2, 2]]);
  expect(served.edges).toEqual([
    { name: 'cdn', told: true, servedAfterMs: 0 },
    { name: 'varnish', told: true, servedAfterMs: 475 },
  ]);
  varnish.shows = () => serving(old);
  const late = await retry(10_000);
  expect([late.outcome, late.exit, told()]).toEqual(['unchanged', 7, [2, 2]]);
  expect(late.findings.map(({ code }) => code)).toEqual(['edge-stale']);
  expect(late.edges?.[1]?.error).toContain(`serves seq ${old.seq} after 10 s, expected seq ${fresh.seq}`);
});

async function retry(waitMs: number): Promise<Result> {
  const state = openState(path.join(world.root, world.stateName));
  try {
    return await retryNight(await world.night(state), { waitMs, items: () => true, remake: true });
  } finally {
    state.close();
  }
}
