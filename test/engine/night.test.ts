import { readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { copyRecipe, Killed, NightWorld } from '../support/night-world.js';

let world: NightWorld;

beforeEach(() => {
  world = new NightWorld();
  for (const name of ['a', 'b', 'c', 'd']) world.put(`${name}.txt`, `content of ${name}`);
});

afterEach(() => world.close());

function live(key: string): string {
  return readFileSync(path.join(world.root, 'public/live', key), 'utf8');
}

/** Every path of the origin with its inode and change time: equal means nothing was written. */
function originListing(): readonly string[] {
  const root = path.join(world.root, 'public');
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => {
      const { ino, mtimeMs } = statSync(path.join(root, name));
      return `${name} ${ino} ${mtimeMs}`;
    });
}

describe('a night', () => {
  test('publishes everything the first time, and each item says why', async () => {
    const result = await world.run();
    expect(result).toMatchObject({
      outcome: 'published',
      exit: 0,
      items: { total: 4, done: 4 },
      assets: { total: 4, added: 4 },
    });
    expect(live('a.txt')).toBe('content of a');
  });

  test('does nothing when its window is settled, and names the next command', async () => {
    await world.run();
    const again = await world.run();
    expect(again).toMatchObject({ run: null, exit: 0, outcome: 'unchanged' });
    expect(again.next).toEqual(['nightpress run world --now']);
  });

  test('without changes makes nothing and writes nothing to the origin', async () => {
    const first = await world.run();
    const before = originListing();
    world.nextDay();
    const second = await world.run();
    expect(second).toMatchObject({
      outcome: 'unchanged',
      exit: 0,
      snapshot: first.snapshot,
      items: { total: 4, unchanged: 4 },
    });
    expect(originListing()).toEqual(before);
  });

  test('makes again only what changed; a rename is reused and a removed asset leaves the site', async () => {
    await world.run();
    world.executed.clear();
    world.put('a.txt', 'new content');
    renameSync(path.join(world.root, 'media/b.txt'), path.join(world.root, 'media/e.txt'));
    world.remove('c.txt');
    world.nextDay();
    const result = await world.run();
    expect(result).toMatchObject({
      outcome: 'published',
      assets: { total: 3, added: 1, changed: 1, unchanged: 1, removed: 2 },
      items: { total: 3, done: 1, reused: 1, unchanged: 1 },
    });
    expect([...world.executed]).toEqual([['a.txt', 1]]);
    expect(readdirSync(path.join(world.root, 'public/live')).sort()).toEqual(['a.txt', 'd.txt', 'e.txt']);
  });

  test('does not take a new time for a change', async () => {
    const first = await world.run();
    utimesSync(path.join(world.root, 'media/a.txt'), 1000, 1000);
    world.nextDay();
    const second = await world.run();
    expect(second).toMatchObject({
      outcome: 'unchanged',
      snapshot: first.snapshot,
      items: { reused: 1, unchanged: 3 },
      derivatives: { made: 0 },
    });
  });

  test('of a job that was given another name adopts its origin once', async () => {
    const first = await world.run();
    world.job = { ...world.job, name: 'renamed' };
    world.stateName = 'renamed';
    world.nextDay();
    await expect(world.run()).rejects.toMatchObject({ code: 'origin-foreign' });
    expect(await world.run({ adopt: true })).toMatchObject({ outcome: 'unchanged', snapshot: first.snapshot });
    world.nextDay();
    expect(await world.run()).toMatchObject({ outcome: 'unchanged', snapshot: first.snapshot });
  });

  test('adopts what is live when the state is lost, and makes nothing again', async () => {
    const first = await world.run();
    world.executed.clear();
    world.stateName = 'elsewhere';
    world.nextDay();
    const second = await world.run();
    expect(world.of('adopted')).toHaveLength(1);
    expect(second).toMatchObject({
      outcome: 'unchanged',
      snapshot: first.snapshot,
      derivatives: { made: 0 },
      items: { reused: 4 },
    });
    expect(world.executed.size).toBe(0);
  });
});

describe('one bad file', () => {
  test('is a finding, the rest is published, and it is not tried again until it changes', async () => {
    world.broken.add('b.txt');
    const first = await world.run();
    expect(first).toMatchObject({ outcome: 'incomplete', exit: 3, items: { done: 3, failed: 1 } });
    expect(first.findings).toMatchObject([{ code: 'decode-failed', key: 'b.txt' }]);
    world.nextDay();
    world.executed.clear();
    const second = await world.run();
    expect(second).toMatchObject({ outcome: 'incomplete', items: { quarantined: 1, unchanged: 3 } });
    expect(world.executed.size).toBe(0);
    world.broken.clear();
    world.put('b.txt', 'mended');
    world.nextDay();
    expect(await world.run()).toMatchObject({ outcome: 'published', items: { done: 1, unchanged: 3 } });
    expect(live('b.txt')).toBe('mended');
  });

  test('keeps its last good derivatives on the site, marked, without a new snapshot every night', async () => {
    await world.run();
    world.put('b.txt', 'broken now');
    world.broken.add('b.txt');
    world.nextDay();
    const second = await world.run();
    expect(second).toMatchObject({ outcome: 'incomplete', exit: 3, items: { carried: 1, unchanged: 3 } });
    expect(live('b.txt')).toBe('content of b');
    world.nextDay();
    expect(await world.run()).toMatchObject({
      outcome: 'incomplete',
      snapshot: second.snapshot,
      items: { carried: 1 },
    });
  });
});

describe('the gate', () => {
  test('holds a library that shrank, stages it, and publishes when it is whole again', async () => {
    const first = await world.run();
    for (const name of ['a', 'b', 'c']) world.remove(`${name}.txt`);
    world.nextDay();
    const held = await world.run();
    expect(held).toMatchObject({
      outcome: 'held',
      exit: 4,
      live: { snapshot: first.snapshot },
      held: [{ rule: 'shrink' }],
    });
    expect(held.next).toEqual([
      'is the source mounted and whole? then: nightpress run world',
      'nightpress diff world live staged',
      'nightpress publish world --override shrink --reason TEXT',
    ]);
    expect(live('a.txt')).toBe('content of a');
    for (const name of ['a', 'b', 'c']) world.put(`${name}.txt`, `content of ${name}`);
    world.put('e.txt', 'one more');
    expect(await world.run()).toMatchObject({ outcome: 'published', items: { total: 5, done: 1 } });
  });

  test('does not take an empty folder for an empty library', async () => {
    await world.run();
    rmSync(path.join(world.root, 'media'), { recursive: true });
    world.nextDay();
    expect(await world.run()).toMatchObject({ outcome: 'failed', exit: 75, fault: { code: 'source-unreachable' } });
    expect(live('a.txt')).toBe('content of a');
  });

  test('holds when more items have nothing to show than tolerated', async () => {
    world.job = { ...world.job, gate: { tolerate: { count: 1 }, shrink: { share: 1 } } };
    world.broken.add('a.txt').add('b.txt');
    expect(await world.run()).toMatchObject({ outcome: 'held', exit: 4, held: [{ rule: 'tolerate' }], live: null });
  });
});

describe('a run that was stopped', () => {
  test('ends with the signal’s exit code, keeps what was finished, and goes on where it was', async () => {
    world.onExecute = () => world.stop.abort();
    const stopped = await world.run();
    expect(stopped).toMatchObject({ outcome: 'interrupted', exit: 143 });
    expect(stopped.items.done).toBeGreaterThan(0);
    world.onExecute = () => undefined;
    const resumed = await world.run();
    expect(resumed).toMatchObject({ outcome: 'published', run: stopped.run, items: { total: 4, done: 4 } });
    expect([...world.executed.values()]).toEqual([1, 1, 1, 1]);
  });

  test('tells what is left of its plan when it goes on', async () => {
    world.onExecute = () => world.stop.abort();
    const { done } = (await world.run()).items;
    world.onExecute = () => undefined;
    expect(world.of('resumed')).toEqual([]);
    await world.run();
    const [planned] = world.of('planned');
    const [resumed] = world.of('resumed');
    expect(resumed).toMatchObject({ items: 4 - done, ended: done });
    expect(resumed?.predictedSeconds).toBeGreaterThan(0);
    expect(resumed?.predictedSeconds).toBeLessThan(planned?.predictedSeconds ?? 0);
  });

  test('is superseded when the job changed since', async () => {
    world.onExecute = () => world.stop.abort();
    const stopped = await world.run();
    world.onExecute = () => undefined;
    world.job = { ...world.job, recipes: [copyRecipe('all', '**/[a-c].txt')] };
    const other = await world.run();
    expect(other.run).not.toBe(stopped.run);
    expect(other).toMatchObject({ outcome: 'published', items: { total: 3 }, assets: { unmatched: 1 } });
  });
});

test('a run killed after any event resumes to the same snapshot, and nothing checkpointed is made twice', async () => {
  const calm = await world.run();
  const events = world.events.length;
  for (let n = 0; n < events; n++) {
    const victim = new NightWorld();
    for (const name of ['a', 'b', 'c', 'd']) victim.put(`${name}.txt`, `content of ${name}`);
    const kept = new Set<string>();
    victim.onEvent = (event) => {
      if (event.type === 'checkpointed') for (const item of event.items) kept.add(item);
      if (victim.events.length === n + 1) throw new Killed();
    };
    const killedAt = await victim.run().then(
      () => 'never',
      (error: unknown) => {
        if (!(error instanceof Killed)) throw error;
        return victim.events.at(-1)?.type;
      },
    );
    const before = new Map(victim.executed);
    victim.onEvent = () => undefined;
    const started = victim.events.length;
    const resumed = await victim.run();
    const again = victim.events
      .slice(started)
      .flatMap((event) => (event.type === 'item-started' ? [event.item as string] : []));
    expect(
      again.filter((item) => kept.has(item)),
      `made twice after ${killedAt}`,
    ).toEqual([]);
    const liveNow = resumed.live?.snapshot;
    expect(liveNow, `after ${killedAt} (${n}, ${before.size} executed)`).toBe(calm.snapshot);
    victim.close();
  }
});

test('two publishers with one origin: the one that comes second puts its changes on top of the first', async () => {
  await world.run();
  const other = new NightWorld({ origin: world.job.origin, source: world.job.source });
  other.stateName = 'other';
  world.put('a.txt', 'from the first');
  world.nextDay();
  other.now = world.now;
  let raced = false;
  world.onEvent = (event) => {
    if (event.type !== 'head-ready' || raced) return;
    raced = true;
    world.put('d.txt', 'seen only by the second');
  };
  const original = world.night.bind(world);
  world.night = async (state) => {
    const night = await original(state);
    const swapHead = night.origin.swapHead.bind(night.origin);
    let first = true;
    const origin = Object.assign(Object.create(Object.getPrototypeOf(night.origin)), night.origin, {
      swapHead: async (...args: Parameters<typeof swapHead>) => {
        if (first) {
          first = false;
          expect(await other.run()).toMatchObject({ outcome: 'published' });
        }
        return await swapHead(...args);
      },
    });
    return { ...night, origin };
  };
  const result = await world.run();
  expect(world.of('rebased')).toHaveLength(1);
  expect(['published', 'unchanged']).toContain(result.outcome);
  expect(live('a.txt')).toBe('from the first');
  expect(live('d.txt')).toBe('seen only by the second');
  other.close();
});

test('what another publisher took off the site comes back, even when the manifest it stood in is gone', async () => {
  const first = await world.run();
  const other = new NightWorld({ origin: world.job.origin });
  for (const name of ['a', 'b', 'c']) other.put(`${name}.txt`, `content of ${name}`);
  other.nextDay();
  expect((await other.run()).outcome).toBe('published');
  expect(() => live('d.txt')).toThrow('ENOENT');
  rmSync(path.join(world.root, 'public/m', `${first.snapshot}.json`));
  world.now = other.now;
  world.nextDay();
  expect((await world.run()).outcome).toBe('published');
  expect(live('d.txt')).toBe('content of d');
  other.close();
});
