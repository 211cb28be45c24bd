import { renameSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { collect } from '../../src/engine/collect.js';
import { inspect, type Standing } from '../../src/engine/inspect.js';
import { openState } from '../../src/state/open.js';
import { liveTexts } from '../support/live-texts.js';
import { NightWorld } from '../support/night-world.js';

const minute = 60_000;
/** The window opens at 02:00 and closes at 06:00 UTC. */
const at = (day: number, time: string) => Date.parse(`2030-05-${String(day).padStart(2, '0')}T${time}:00Z`);

let world: NightWorld;

beforeEach(() => {
  world = new NightWorld();
  world.now = at(1, '02:00');
});

afterEach(() => world.close());

function put(names: string, version = 1): void {
  for (const name of names) world.put(`${name}.txt`, `${name} ${version}`);
}

/** From now on every item takes so long by the clock. */
function slow(minutes: number): void {
  world.onExecute = () => {
    world.now += minutes * minute;
  };
}

/** What `gc --yes` deletes. */
async function collected(): Promise<readonly object[]> {
  const state = openState(path.join(world.root, world.stateName));
  try {
    return (await collect(await world.night(state), { remove: true })).objects;
  } finally {
    state.close();
  }
}

async function standing(): Promise<Standing> {
  const state = openState(path.join(world.root, world.stateName));
  try {
    return await inspect({ ...(await world.night(state)), holder: undefined, verified: undefined });
  } finally {
    state.close();
  }
}

const fresh = (version: number) =>
  Object.values(liveTexts(world.root)).filter((text) => text.endsWith(` ${version}`)).length;

describe('a night that its deadline ends', () => {
  beforeEach(async () => {
    put('abcdef');
    expect(await world.run()).toMatchObject({ outcome: 'published' });
    world.executed.clear();
    world.events.length = 0;
    put('abcdef', 2);
    world.now = at(2, '05:00');
    slow(20);
  });

  test('goes live with what is complete; the rest is carried, and first the next night', async () => {
    const cut = await world.run();
    expect(cut).toMatchObject({ outcome: 'incomplete', exit: 3, items: { failed: 0 } });
    const left = cut.items.carried;
    expect(left).toBeGreaterThan(0);
    expect(cut).toMatchObject({ shed: left, items: { done: 6 - left }, findings: [] });
    expect([fresh(1), fresh(2)]).toEqual([left, 6 - left]);
    world.now = at(2, '12:00');
    expect(await world.run()).toMatchObject({ run: null, exit: 0 });
    const before = new Set(world.executed.keys());
    put('0123');
    world.now = at(3, '02:00');
    expect(await world.run()).toMatchObject({ outcome: 'published', exit: 0, items: { done: left + 4 } });
    const order = [...world.executed.keys()].filter((key) => !before.has(key));
    expect(order.slice(0, left).every((key) => /^[a-f]/.test(key))).toBe(true);
    expect([...world.executed.values()]).toEqual(Array.from({ length: 10 }, () => 1));
  });

  test('is warned of once, with figures', async () => {
    put('ghijklmnop');
    slow(6);
    await world.run();
    const [warning, ...more] = world.of('at-risk');
    expect(more).toEqual([]);
    expect(warning).toMatchObject({ deadline: at(2, '06:00') });
    expect(warning?.expectedAt).toBeGreaterThan(at(2, '06:00'));
    expect(warning?.leftShare).toBeGreaterThan(0);
  });

  test('is not warned of because one item was slow', async () => {
    put('ghijkl');
    world.workers = 1;
    world.onExecute = () => {
      world.now += (world.executed.size === 3 ? 8 : 1) * minute; // the end of the second is told after it
    };
    expect(await world.run()).toMatchObject({ outcome: 'published', items: { done: 12 } });
    expect(world.of('at-risk')).toEqual([]);
  });

  test('is warned of by what was predicted while its items are too long to show a pace', async () => {
    world.workers = 1;
    slow(60);
    put('abcdef', 3);
    world.now = at(2, '12:00');
    expect(await world.run({ now: true, deadline: 'none' })).toMatchObject({ outcome: 'published' });
    put('abcdef', 4);
    world.now = at(3, '02:00');
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const heard: number[] = [];
    world.onEvent = ({ type }) => type === 'at-risk' && heard.push(world.now);
    world.onExecute = () => {
      for (let passed = 0; passed < 60; passed++) {
        world.now += minute;
        vi.advanceTimersByTime(1000);
      }
    };
    await world.run();
    vi.useRealTimers();
    const [warning, ...more] = world.of('at-risk');
    expect([more, heard.length]).toEqual([[], 1]);
    expect(warning?.expectedAt).toBeGreaterThan(at(3, '06:00'));
    expect(heard[0]).toBeLessThan(at(3, '02:10'));
  });

  test('changes nothing where the job publishes whole nights only', async () => {
    world.job = { ...world.job, onDeadline: 'hold' };
    const held = await world.run();
    expect(held).toMatchObject({ outcome: 'held', exit: 5, held: [{ rule: 'deadline' }] });
    expect(held.next).toEqual(['nightpress run world --rerun --deadline none']);
    expect(fresh(1)).toBe(6);
    world.now = at(2, '12:00');
    const byDay = await world.run();
    expect(byDay).toMatchObject({ run: null, exit: 0, because: expect.stringContaining('held by its deadline') });
    world.now = at(5, '12:00'); // longer than anything left over is kept
    expect(await collected()).toEqual([]);
    expect(await world.run({ rerun: true, deadline: 'none' })).toMatchObject({
      outcome: 'published',
      items: { failed: 0 },
    });
    expect([...world.executed.values()]).toEqual([1, 1, 1, 1, 1, 1]);
    expect(fresh(2)).toBe(6);
  });

  test('is ended by the deadline a person gives, also outside its window', async () => {
    world.now = at(2, '12:00');
    slow(1);
    expect(await world.run({ deadline: at(2, '12:02') })).toMatchObject({
      outcome: 'incomplete',
      shed: expect.any(Number),
    });
    const free = await world.run({ rerun: true });
    expect(free).toMatchObject({ outcome: 'published' });
    expect(free.shed).toBeUndefined();
  });

  test('has none when it runs after its window, by hand or caught up', async () => {
    world.now = at(2, '06:01');
    slow(60);
    expect(await world.run()).toMatchObject({ outcome: 'published', items: { done: 6 } });
  });
});

describe('a first import larger than one window', () => {
  beforeEach(() => {
    put('abcdefghijkl');
    slow(60);
  });

  test('goes live when all of it is made, and makes nothing twice', async () => {
    const first = await world.run();
    expect(first).toMatchObject({
      outcome: 'held',
      exit: 5,
      live: null,
      import: { night: 1 },
      held: [{ rule: 'import' }],
    });
    expect(first.import?.about).toBe(1 + Math.ceil((first.shed ?? 0) / first.items.done));
    expect(first.held?.[0]?.message).toMatch(/first import, night 1 of about \d/);
    let nights = 1;
    for (let last = first; last.outcome === 'held'; nights++) {
      world.now = at(nights + 1, '02:00');
      last = await world.run();
      if (last.outcome === 'held') {
        expect(last.import?.night).toBe(nights + 1);
        expect(last.shed).toBe(12 - world.executed.size);
        expect(last.held?.[0]?.message).toContain(`${last.shed} of 12 items were not made`);
      } else expect(last).toMatchObject({ outcome: 'published', exit: 0, live: { seq: 1 } });
    }
    expect(Math.abs(nights - (first.import?.about ?? 0))).toBeLessThanOrEqual(1);
    expect([...world.executed.values()]).toEqual(Array.from({ length: 12 }, () => 1));
    expect(fresh(1)).toBe(12);
  });

  test('counts its nights whatever comes between, and tells the number while it works', async () => {
    put('mnopqrstuvwxyz');
    const first = await world.run();
    world.onExecute = () => world.stop.abort();
    world.now = at(2, '02:00');
    expect(await world.run()).toMatchObject({ outcome: 'interrupted' });
    expect(await standing()).toMatchObject({ importing: { night: 2, about: first.import?.about } });
    slow(60);
    expect(await world.run()).toMatchObject({ outcome: 'held', import: { night: 2 } });
    expect(await world.run({ rerun: true, deadline: world.now + 1 })).toMatchObject({ import: { night: 2 } });
    world.now = at(3, '02:00');
    const [media, away] = [path.join(world.root, 'media'), path.join(world.root, 'away')];
    renameSync(media, away);
    expect(await world.run()).toMatchObject({ outcome: 'failed' });
    renameSync(away, media);
    expect(await world.run({ deadline: world.now + 1 })).toMatchObject({ outcome: 'held', import: { night: 3 } });
    expect(await world.run({ rerun: true, deadline: 'none' })).toMatchObject({ outcome: 'published' });
    expect((await standing()).importing).toBeUndefined();
  });

  test('goes live in part when a person says so; what is missing is not told as broken', async () => {
    const partial = await world.run({ allowPartial: true });
    expect(partial).toMatchObject({ outcome: 'incomplete', exit: 3, live: { seq: 1 } });
    expect(partial.import).toBeUndefined();
    expect(fresh(1)).toBe(partial.items.done);
  });

  test('remembers what it made: it is not garbage', async () => {
    const first = await world.run();
    const state = openState(path.join(world.root, world.stateName));
    expect([...state.madeDigests()]).toHaveLength(first.items.done);
    expect(state.assetKeys()).toHaveLength(12);
    state.close();
  });
});
