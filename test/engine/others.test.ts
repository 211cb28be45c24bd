import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sha256 } from '../../src/domain/digest.js';
import { Fault } from '../../src/domain/faults.js';
import { rollBack, thaw } from '../../src/engine/move-head.js';
import { directory as directoryOrigin } from '../../src/origins/directory/index.js';
import { holdLock } from '../../src/state/lock.js';
import { copyRecipe, Killed, NightWorld } from '../support/night-world.js';

let world: NightWorld;

beforeEach(() => {
  world = new NightWorld({ gate: { tolerate: { share: 1 }, shrink: { share: 0.9 } } });
  for (const name of ['a', 'b', 'c', 'd']) world.put(`${name}.txt`, `content of ${name}`);
});

afterEach(() => world.close());

function live(key: string): string {
  return readFileSync(path.join(world.root, 'public/live', key), 'utf8');
}

function head() {
  return JSON.parse(readFileSync(path.join(world.root, 'public/head.json'), 'utf8'));
}

function byHand() {
  const origin = directoryOrigin.open(world.job.origin, { holdLock });
  return { origin, clock: () => world.now, job: world.job };
}

async function nextNight(): Promise<Awaited<ReturnType<NightWorld['run']>>> {
  world.nextDay();
  return await world.run();
}

describe('an origin that lost what was live', () => {
  test('is published again whole when it is adopted, also in a window that counted as settled', async () => {
    const first = await world.run();
    rmSync(path.join(world.root, 'public'), { recursive: true });
    await expect(world.run()).rejects.toMatchObject({ code: 'origin-rewound' });
    const again = await world.run({ adopt: true });
    expect(again).toMatchObject({ outcome: 'published', items: { total: 4, done: 4 }, snapshot: first.snapshot });
    expect(live('a.txt')).toBe('content of a');
    expect((await nextNight()).outcome).toBe('unchanged');
  });
});

describe('a head that others move while a run is at work', () => {
  /** Rolls back to the first snapshot when tonight's run has its plan. */
  async function rolledBackMeanwhile(freeze?: string) {
    const first = await world.run();
    world.put('b.txt', 'second b');
    world.put('e.txt', 'content of e');
    await nextNight();
    world.put('a.txt', 'third a');
    const original = world.night.bind(world);
    world.night = async (state) => {
      const night = await original(state);
      const readHead = night.origin.readHead.bind(night.origin);
      let reads = 0;
      const origin = Object.assign(Object.create(Object.getPrototypeOf(night.origin)), night.origin, {
        readHead: async () => {
          if (++reads === 2) await rollBack(byHand(), { to: first.snapshot ?? '', freeze });
          return await readHead();
        },
      });
      return { ...night, origin };
    };
    const result = await nextNight();
    world.night = original;
    return result;
  }

  test('hides nothing from the next run: what the rollback took off comes back', async () => {
    expect((await rolledBackMeanwhile()).outcome).toBe('published');
    await nextNight();
    expect(['a.txt', 'b.txt', 'e.txt'].map(live)).toEqual(['third a', 'second b', 'content of e']);
    expect((await nextNight()).outcome).toBe('unchanged');
  });

  test('by a rollback with a freeze: the next staged snapshot is whole', async () => {
    expect((await rolledBackMeanwhile('bad pictures')).outcome).toBe('held');
    expect((await nextNight()).outcome).toBe('held');
    await thaw(byHand());
    expect(['a.txt', 'b.txt', 'e.txt'].map(live)).toEqual(['third a', 'second b', 'content of e']);
  });
});

test('a run that fails after its swap says that the snapshot is live, and the next one settles it', async () => {
  await world.run();
  world.put('a.txt', 'second a');
  const original = world.night.bind(world);
  world.night = async (state) => {
    const settle = () => {
      throw new Fault('state-unwritable', 'no space left');
    };
    return { ...(await original(state)), state: Object.assign(Object.create(state), { settle }) };
  };
  const result = await nextNight();
  expect(result).toMatchObject({ outcome: 'unknown', exit: 6, fault: { code: 'swap-unknown' } });
  expect(result.fault?.message).toContain('no space left');
  expect(live('a.txt')).toBe('second a');
  world.night = original;
  expect(await world.run()).toMatchObject({ exit: 0, live: { snapshot: result.live?.snapshot } });
});

describe('what is staged', () => {
  test('is taken back when a newer look at the source finds the live snapshot right', async () => {
    await world.run();
    world.put('a.txt', 'bad content');
    await nextNight();
    await rollBack(byHand(), { to: head().retained[0].snapshot, freeze: 'bad content' });
    expect(await nextNight()).toMatchObject({ outcome: 'held' });
    world.put('a.txt', 'content of a');
    expect(await nextNight()).toMatchObject({ outcome: 'unchanged' });
    expect(head().channels.staged).toBeUndefined();
    await thaw(byHand());
    expect(live('a.txt')).toBe('content of a');
  });

  test('is not staged again by every call of the night', async () => {
    await world.run();
    for (const name of ['a', 'b', 'c', 'd']) world.remove(`${name}.txt`);
    world.put('e.txt', 'alone');
    world.job = { ...world.job, gate: { ...world.job.gate, shrink: { share: 0.1 } } };
    expect((await nextNight()).outcome).toBe('held');
    const staged = head();
    expect((await world.run()).outcome).toBe('held');
    expect(head()).toEqual(staged);
  });

  test('is said to be held only where something was held', async () => {
    await world.run();
    world.job = { ...world.job, gate: { tolerate: { count: 0 }, shrink: { share: 1 } } };
    world.broken.add('new.txt');
    world.put('new.txt', 'cannot be read');
    expect(await nextNight()).toMatchObject({ outcome: 'incomplete', exit: 3 });
    expect(world.of('held')).toEqual([]);
  });

  test('goes live in the one commit that lifts the freeze', async () => {
    await world.run();
    await nextNight();
    world.put('a.txt', 'second a');
    await nextNight();
    await rollBack(byHand(), { to: head().retained[0].snapshot, freeze: 'wait' });
    world.put('b.txt', 'second b');
    await nextNight();
    const { seq } = head();
    await thaw(byHand());
    expect(head()).toMatchObject({ seq: seq + 1, channels: { live: { seq: seq + 1 } } });
    expect(head().frozen).toBeUndefined();
    expect(live('b.txt')).toBe('second b');
  });
});

test('a freeze is lifted even where what it held back is not whole; the next run makes that anew', async () => {
  await world.run();
  world.put('a.txt', 'second a');
  await nextNight();
  await rollBack(byHand(), { to: head().retained[0].snapshot, freeze: 'wait' });
  world.put('b.txt', 'second b');
  expect((await nextNight()).outcome).toBe('held');
  const lost = sha256('second b');
  rmSync(path.join(world.root, 'public/b', lost.slice(0, 2), `${lost}.txt`));
  expect(await thaw(byHand())).toMatchObject({ channels: { staged: { rules: [] } } });
  expect(head().frozen).toBeUndefined();
  expect(live('b.txt')).toBe('content of b');
  expect((await nextNight()).outcome).toBe('published');
  expect(['a.txt', 'b.txt'].map(live)).toEqual(['second a', 'second b']);
});

describe('a file that is replaced during the night', () => {
  const two = () => [copyRecipe('one', '**/*'), copyRecipe('two', '**/*', { path: 'two/{key}' })];

  test('never shows two contents: both recipes wait for the next run', async () => {
    world.job = { ...world.job, recipes: two() };
    await world.run();
    world.put('a.txt', 'second a');
    const original = world.night.bind(world);
    world.night = async (state) => {
      const night = await original(state);
      let turn: Promise<unknown> = Promise.resolve();
      let staged = 0;
      const stage: typeof night.source.stage = async (key, file) => {
        const mine = turn.then(() => night.source.stage(key, file));
        turn = mine.then(() => key === 'a.txt' && ++staged === 1 && world.put('a.txt', 'a third content'));
        return await mine;
      };
      return { ...night, source: { ...night.source, stage } };
    };
    const torn = await nextNight();
    world.night = original;
    expect(torn).toMatchObject({ outcome: 'incomplete', items: { carried: 2 } });
    expect(live('a.txt')).toBe(live('two/a.txt'));
    expect((await nextNight()).outcome).toBe('published');
    expect([live('a.txt'), live('two/a.txt')]).toEqual(['a third content', 'a third content']);
  });

  test('nor when only one recipe had to look at it', async () => {
    world.job = { ...world.job, recipes: two() };
    await world.run();
    const [one, second] = two();
    if (!one || !second) throw new Error('two recipes');
    world.job = { ...world.job, recipes: [one, { ...second, settings: { changed: true } }] };
    world.onEvent = (event) => {
      if (event.type === 'planned') world.put('a.txt', 'second a');
    };
    const torn = await nextNight();
    expect(torn).toMatchObject({ outcome: 'incomplete', items: { carried: 1 } });
    expect(torn.findings).toContainEqual(expect.objectContaining({ code: 'replaced-meanwhile', key: 'a.txt' }));
    expect([live('a.txt'), live('two/a.txt')]).toEqual(['content of a', 'content of a']);
    world.onEvent = () => undefined;
    expect((await nextNight()).outcome).toBe('published');
    expect([live('a.txt'), live('two/a.txt')]).toEqual(['second a', 'second a']);
  });
});

test('a run that was killed and resumed after a rollback is planned anew, and shows what the source has', async () => {
  world.put('x', 'a file');
  await world.run();
  world.remove('x');
  world.put('x/inner.txt', 'it became a folder');
  await nextNight();
  rmSync(path.join(world.root, 'media/x'), { recursive: true });
  world.put('x', 'a file again');
  await nextNight();
  world.put('a.txt', 'new a');
  world.onEvent = (event) => {
    if (event.type === 'checkpointed') throw new Killed();
  };
  await expect(nextNight()).rejects.toThrow(Killed);
  await rollBack(byHand(), { to: head().retained.at(-2).snapshot });
  expect(live('x/inner.txt')).toBe('it became a folder');
  let because = '';
  world.onEvent = (event) => {
    if (event.type === 'run') because = event.because;
  };
  expect((await world.run()).outcome).toBe('published');
  expect(because).toMatch(/^what is live changed since the run of .* was planned$/);
  expect([live('x'), live('a.txt')]).toEqual(['a file again', 'new a']);
});

test('names by which readers enter are made again by the next run', async () => {
  await world.run();
  for (const name of ['head.json', 'live']) rmSync(path.join(world.root, 'public', name));
  const result = await nextNight();
  expect(result.outcome).toBe('unchanged');
  expect(live('a.txt')).toBe('content of a');
  expect(head().seq).toBe(1);
});
