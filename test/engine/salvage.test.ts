import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { namedNodes } from '../../src/domain/manifest.js';
import { isLeaf } from '../../src/domain/manifest-node.js';
import { manifestKey } from '../../src/domain/origin-keys.js';
import type { Digest } from '../../src/domain/types.js';
import { nodeLoader } from '../../src/engine/base.js';
import { collect } from '../../src/engine/collect.js';
import { verify } from '../../src/engine/verify.js';
import { directory as directoryOrigin } from '../../src/origins/directory/index.js';
import { holdLock } from '../../src/state/lock.js';
import { copyRecipe, Killed, NightWorld } from '../support/night-world.js';

let world: NightWorld;

beforeEach(() => {
  world = new NightWorld({ gate: { tolerate: { share: 1 }, shrink: { share: 0.9 } } });
  for (const name of ['a', 'b', 'c', 'd']) world.put(`${name}.txt`, `content of ${name}`);
});

afterEach(() => world.close());

const origin = () => directoryOrigin.open(world.job.origin, { holdLock });
const nodeFile = (digest: Digest) => path.join(world.root, 'public', manifestKey(digest));
const shown = (key: string) => readFileSync(path.join(world.root, 'public/live', key), 'utf8');

async function live(): Promise<Digest> {
  const snapshot = (await origin().readHead())?.head.channels.live?.snapshot;
  if (!snapshot) throw new Error('nothing is live');
  return snapshot;
}

async function lose(digest: Digest, how = 'deleted'): Promise<void> {
  const bytes = readFileSync(nodeFile(digest));
  rmSync(nodeFile(digest));
  if (how === 'cut off') writeFileSync(nodeFile(digest), bytes.subarray(0, 50));
}

async function expectWhole(): Promise<void> {
  expect((await verify(origin(), await live(), { deep: true, live: true })).findings).toEqual([]);
}

async function nextNight(request = {}): Promise<Awaited<ReturnType<NightWorld['run']>>> {
  world.nextDay();
  return await world.run(request);
}

describe('a live manifest whose only node is lost', () => {
  test.each(['deleted', 'cut off'])(
    '(%s) stops the run, which names the way out; that makes nothing twice',
    async (how) => {
      await world.run();
      await lose(await live(), how);
      world.put('a.txt', 'second a');
      const stopped = { exit: 13, code: 'origin-corrupt', hint: 'nightpress run {job} --adopt' };
      await expect(nextNight()).rejects.toMatchObject(stopped);
      expect(shown('a.txt')).toBe('content of a');
      const mended = await world.run({ adopt: true });
      expect(mended).toMatchObject({ outcome: 'published', items: { total: 4, done: 1, reused: 3 } });
      expect(mended.findings.map(({ code, severity }) => [code, severity])).toEqual([['manifest-bad', 'notice']]);
      expect(['a.txt', 'b.txt'].map(shown)).toEqual(['second a', 'content of b']);
      await expectWhole();
      expect(await nextNight()).toMatchObject({ outcome: 'unchanged', items: { unchanged: 4 } });
    },
  );

  test('is written again when nothing changed: the same sources give the same snapshot', async () => {
    const first = await world.run();
    await lose(await live());
    const mended = await world.run({ adopt: true });
    expect(mended).toMatchObject({ outcome: 'unchanged', snapshot: first.snapshot, items: { reused: 4 } });
    expect(mended.live).toEqual(first.live);
    await expectWhole();
  });

  test('and the local state too: all is made again, and published', async () => {
    const first = await world.run();
    await lose(await live());
    world.stateName = 'lost';
    await expect(world.run()).rejects.toMatchObject({ exit: 13, hint: 'nightpress run {job} --adopt' });
    expect(await world.run({ adopt: true })).toMatchObject({ snapshot: first.snapshot, items: { done: 4 } });
    await expectWhole();
  });

  test('with it an older version that was carried: that item has nothing to show, and the run says so', async () => {
    await world.run();
    world.put('b.txt', 'broken b');
    world.broken.add('b.txt');
    expect(await nextNight()).toMatchObject({ outcome: 'incomplete', items: { carried: 1 } });
    await lose(await live());
    world.job = { ...world.job, gate: { ...world.job.gate, tolerate: { count: 0 } } };
    const held = await world.run({ adopt: true });
    expect(held).toMatchObject({ outcome: 'held', exit: 4, held: [{ rule: 'tolerate' }] });
    expect(shown('b.txt')).toBe('content of b');
    world.job = { ...world.job, gate: { ...world.job.gate, tolerate: { count: 1 } } };
    expect(await nextNight({ adopt: true })).toMatchObject({ outcome: 'incomplete', exit: 3 });
    await expectWhole();
  });

  test("and a path template of one's own, for which the whole snapshot is looked at", async () => {
    world.job = { ...world.job, recipes: [{ ...copyRecipe('all', '**/*'), path: 'x/{key}' }] };
    await world.run();
    await lose(await live());
    world.put('a.txt', 'second a');
    expect(await nextNight({ adopt: true })).toMatchObject({ outcome: 'published' });
    await expectWhole();
  });

  test('keeps nobody from collecting once another snapshot is live', async () => {
    await world.run();
    await lose(await live());
    world.put('a.txt', 'second a');
    await nextNight({ adopt: true });
    const parts = { origin: origin(), job: world.job, clock: () => world.now };
    expect((await collect(parts, { remove: true })).objects).toEqual([]);
    expect(await nextNight()).toMatchObject({ outcome: 'unchanged', findings: [] });
  });
});

test('a run that is killed on the way out is finished by the next one, which needs not be told again', async () => {
  await world.run();
  await lose(await live());
  world.put('a.txt', 'second a');
  world.onEvent = ({ type }) => {
    if (type === 'manifest-stored') throw new Killed();
  };
  await expect(nextNight({ adopt: true })).rejects.toThrow(Killed);
  world.onEvent = () => undefined;
  const executed = new Map(world.executed);
  expect(await world.run()).toMatchObject({ outcome: 'published' });
  expect(world.executed).toEqual(executed);
  await expectWhole();
});

test('a job that publishes at the close waits for it, also when all that is new is what the lost node held', async () => {
  for (let n = 0; n < 260; n++) world.put(`many/${n}.txt`, `${n}`);
  await world.run();
  const nodes = [];
  for await (const named of namedNodes(nodeLoader(origin()), await live(), new Set())) nodes.push(named);
  const leaf = nodes.find(({ node }) => isLeaf(node));
  if (!leaf || !isLeaf(leaf.node)) throw new Error('264 assets make leaves');
  await lose(leaf.digest);
  for (const { key } of leaf.node.entries) world.remove(key);
  world.job = { ...world.job, publish: { at: 'close' } };
  world.now = Date.parse('2030-05-02T02:00:00Z');
  expect(await world.run({ adopt: true })).toMatchObject({ outcome: 'published' });
  expect(world.of('waiting')).toHaveLength(1);
  await expectWhole();
});

test('of many nodes only one is lost: only assets below it are looked at again', async () => {
  for (let n = 0; n < 260; n++) world.put(`many/${n}.txt`, `${n}`);
  const first = await world.run();
  const nodes = [];
  for await (const named of namedNodes(nodeLoader(origin()), await live(), new Set())) nodes.push(named);
  const leaf = nodes.find(({ node }) => isLeaf(node));
  if (!leaf || !isLeaf(leaf.node)) throw new Error('264 assets make leaves');
  await lose(leaf.digest);
  const below = leaf.node.entries.length;
  const mended = await world.run({ adopt: true });
  expect(mended.items).toMatchObject({ total: 264, reused: below, unchanged: 264 - below });
  expect(mended.snapshot).toBe(first.snapshot);
  await expectWhole();
});
