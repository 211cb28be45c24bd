import { rmSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Fault } from '../../src/domain/faults.js';
import type { Result } from '../../src/domain/result.js';
import type { PartitionId } from '../../src/domain/types.js';
import { publishStaged, rollBack } from '../../src/engine/move-head.js';
import { type RetryRequest, retryNight } from '../../src/engine/retry.js';
import { openState } from '../../src/state/open.js';
import { copyRecipe, Killed, NightWorld } from '../support/night-world.js';

let world: NightWorld;

beforeEach(() => {
  world = new NightWorld();
  for (const name of ['a', 'b', 'c', 'd']) world.put(`${name}.txt`, `content of ${name}`);
});

afterEach(() => world.close());

function stateFolder(): string {
  return path.join(world.root, world.stateName);
}

async function retry(request: RetryRequest = {}): Promise<Result> {
  const state = openState(stateFolder());
  try {
    return await retryNight(await world.night(state), request);
  } finally {
    state.close();
  }
}

async function refusal(request: RetryRequest = {}): Promise<Fault> {
  const error = await retry(request).catch((thrown) => thrown);
  expect(error).toBeInstanceOf(Fault);
  return error;
}

function partitionOf(key: string): PartitionId {
  const state = openState(stateFolder(), { readOnly: true });
  try {
    for (const run of state.runs(9)) {
      const found = state.items(run.id).find((item) => item.key === key && item.partition)?.partition;
      if (found && run.verb === 'run') return found;
    }
    throw new Error(`no partition holds ${key}`);
  } finally {
    state.close();
  }
}

const only = (key: string) => (other: string) => other === key;

describe('after a published night with a failure', () => {
  beforeEach(async () => {
    world.broken.add('b.txt');
    expect(await world.run()).toMatchObject({ outcome: 'incomplete', exit: 3, items: { done: 3, failed: 1 } });
    world.executed.clear();
  });

  test('the failed item alone is tried again, and once it works the night is complete', async () => {
    world.broken.clear();
    const result = await retry();
    expect(result).toMatchObject({ outcome: 'published', exit: 0, items: { total: 4, done: 1, unchanged: 3 } });
    expect(result.assets).toMatchObject({ total: 4, added: 0, changed: 0, unchanged: 4 });
    expect([...world.executed]).toEqual([['b.txt', 1]]);
    world.nextDay();
    expect(await world.run()).toMatchObject({
      outcome: 'unchanged',
      items: { unchanged: 4 },
      snapshot: result.snapshot,
    });
  });

  test('what is known to fail is tried once each time a person asks, and not by the next night', async () => {
    expect(await retry()).toMatchObject({ outcome: 'incomplete', exit: 3, items: { failed: 1 } });
    expect(world.executed.get('b.txt')).toBe(1);
    world.nextDay();
    expect(await world.run()).toMatchObject({ outcome: 'incomplete', items: { quarantined: 1 } });
    expect(world.executed.get('b.txt')).toBe(1);
    expect(await retry()).toMatchObject({ items: { failed: 1 } });
    expect(world.executed.get('b.txt')).toBe(2);
  });

  test('a retry of something else does not call the night complete', async () => {
    const result = await retry({ items: only('a.txt'), remake: true });
    expect(result).toMatchObject({
      outcome: 'incomplete',
      exit: 3,
      items: { total: 4, done: 1, failed: 1, unchanged: 2 },
    });
    expect([...world.executed]).toEqual([['a.txt', 1]]);
    world.broken.clear();
    expect(await retry()).toMatchObject({ outcome: 'published', exit: 0 });
  });

  test('a file gone from the source is not removed by a retry', async () => {
    world.remove('b.txt');
    world.remove('a.txt');
    const result = await retry({ items: () => true });
    expect(result).toMatchObject({
      outcome: 'incomplete',
      items: { carried: 1, failed: 1 },
      assets: { total: 4, removed: 0 },
    });
    expect(result.findings.map((finding) => finding.code)).toEqual(['vanished', 'vanished']);
    world.nextDay();
    expect(await world.run()).toMatchObject({ outcome: 'published', assets: { total: 2, removed: 2 } });
  });

  test('a killed retry is finished by the next run', async () => {
    world.broken.clear();
    world.onEvent = (event) => {
      if (event.type === 'item-started') throw new Killed();
    };
    await expect(retry()).rejects.toThrow(Killed);
    world.onEvent = () => undefined;
    expect(await world.run()).toMatchObject({
      outcome: 'published',
      exit: 0,
      items: { total: 4, done: 1, unchanged: 3 },
    });
  });
});

describe('what may be chosen', () => {
  test('an unchanged asset, which is made again only when asked to be', async () => {
    const { snapshot } = await world.run();
    world.executed.clear();
    world.nextDay();
    await world.run();
    expect(await retry({ items: only('a.txt') })).toMatchObject({
      outcome: 'unchanged',
      items: { reused: 1, unchanged: 3 },
      snapshot,
    });
    expect(world.executed.size).toBe(0);
    expect(await retry({ items: only('a.txt'), remake: true })).toMatchObject({
      outcome: 'unchanged',
      items: { done: 1 },
      snapshot,
    });
    expect(world.executed.get('a.txt')).toBe(1);
  });

  test('an asset that was replaced since is read afresh, by all of its recipes', async () => {
    world.job = {
      ...world.job,
      recipes: [copyRecipe('one', '**/*'), copyRecipe('two', '**/*', { path: 'copy/{key}' })],
    };
    await world.run();
    world.put('a.txt', 'other content');
    const partition = partitionOf('a.txt');
    const result = await retry({ partitions: [partition] });
    expect(result).toMatchObject({ outcome: 'published', assets: { changed: 1 } });
    expect(result.items.done + result.items.reused).toBeGreaterThanOrEqual(2);
    world.nextDay();
    expect(await world.run()).toMatchObject({ outcome: 'unchanged', items: { unchanged: 8 } });
  });

  test('a partition by the beginning of its id, also one of the night before an earlier retry', async () => {
    await world.run();
    world.executed.clear();
    const [a, d] = [partitionOf('a.txt'), partitionOf('d.txt')];
    await retry({ partitions: [a.slice(0, 8)], remake: true });
    await retry({ partitions: [d], remake: true });
    expect([...world.executed.keys()].sort()).toEqual(['a.txt', 'd.txt']);
  });

  test('failed items only, of those named', async () => {
    world.broken.add('b.txt');
    await world.run();
    world.executed.clear();
    await retry({ failed: true, items: () => true });
    expect([...world.executed.keys()]).toEqual(['b.txt']);
    expect(await refusal({ failed: true, items: only('a.txt') })).toMatchObject({
      exit: 2,
      message: expect.stringContaining('without fresh output'),
    });
  });

  test('nothing unknown: every partition is listed instead', async () => {
    await world.run();
    const fault = await refusal({ partitions: [partitionOf('a.txt'), 'zzzz'] });
    expect(fault).toMatchObject({ exit: 2 });
    for (const name of ['a', 'b', 'c', 'd']) expect(fault.message).toContain(partitionOf(`${name}.txt`));
    expect(await refusal({ partitions: [''] })).toMatchObject({ message: expect.stringContaining('more than one') });
    expect(await refusal({ items: only('x.txt') })).toMatchObject({
      exit: 2,
      message: expect.stringContaining('no known asset'),
    });
    expect(await refusal()).toMatchObject({ exit: 2, hint: 'nightpress status {job}' });
  });

  test('nothing before a first run, and nothing of one that is unfinished', async () => {
    expect(await refusal()).toMatchObject({ exit: 2, hint: 'nightpress run {job}' });
    world.onEvent = (event) => {
      if (event.type === 'checkpointed') throw new Killed();
    };
    await world.run().catch(() => undefined);
    expect(await refusal()).toMatchObject({ exit: 2, hint: 'nightpress run {job}' });
  });
});

describe('after a night that was held', () => {
  beforeEach(async () => {
    world.job = { ...world.job, gate: { tolerate: { count: 0 }, shrink: { share: 0.5 } } };
    world.broken.add('b.txt');
    expect(await world.run()).toMatchObject({ outcome: 'held', exit: 4 });
    world.executed.clear();
  });

  test('its finished items come along, and the night is published whole', async () => {
    world.broken.clear();
    const result = await retry();
    expect(result).toMatchObject({
      outcome: 'published',
      exit: 0,
      items: { total: 4, done: 4 },
      assets: { total: 4, added: 4 },
    });
    expect([...world.executed]).toEqual([['b.txt', 1]]);
    world.nextDay();
    expect(await world.run()).toMatchObject({ outcome: 'unchanged', items: { unchanged: 4 } });
  });

  test('what still fails keeps it held', async () => {
    expect(await retry()).toMatchObject({ outcome: 'held', exit: 4, items: { done: 3, failed: 1 } });
  });

  test('finished items whose blobs are lost meanwhile are made again', async () => {
    rmSync(path.join(world.root, 'public/b'), { recursive: true });
    world.broken.clear();
    expect(await retry()).toMatchObject({ outcome: 'published', items: { total: 4, done: 4 } });
    expect([...world.executed.keys()].sort()).toEqual(['a.txt', 'b.txt', 'c.txt', 'd.txt']);
  });

  test('a person may publish it as it is, and retry what is missing', async () => {
    const state = openState(stateFolder());
    const { origin } = await world.night(state);
    state.close();
    await publishStaged(
      { origin, clock: () => world.now, job: world.job },
      { overridden: ['tolerate'], reason: 'good enough' },
    );
    world.broken.clear();
    expect(await retry()).toMatchObject({ outcome: 'published', items: { total: 4, done: 1, unchanged: 3 } });
  });
});

test('a night that was held is not completed on another snapshot than it was planned on', async () => {
  await world.run();
  world.nextDay();
  world.put('a.txt', 'second');
  await world.run();
  world.nextDay();
  world.job = { ...world.job, gate: { tolerate: { count: 0 }, shrink: { share: 0.5 } } };
  world.put('b.txt', 'broken');
  world.put('e.txt', 'broken too');
  world.broken.add('e.txt');
  expect(await world.run()).toMatchObject({ outcome: 'held' });
  const state = openState(stateFolder());
  const { origin } = await world.night(state);
  state.close();
  await rollBack({ origin, clock: () => world.now, job: world.job }, { to: 'previous' });
  world.broken.clear();
  expect(await refusal()).toMatchObject({ exit: 2, hint: 'nightpress run {job}' });
});
