import { readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { explainAsset } from '../../src/engine/explain.js';
import { retryNight } from '../../src/engine/retry.js';
import { openState } from '../../src/state/open.js';
import { liveTexts } from '../support/live-texts.js';
import { Killed, NightWorld } from '../support/night-world.js';

const hour = 3_600_000;
/** The window opens at 02:00 and closes at 06:00 UTC. */
const at = (day: number, time: string) => Date.parse(`2030-05-${String(day).padStart(2, '0')}T${time}:00Z`);

let world: NightWorld;
/** By the clock, in order: when the head moved. */
let moved: number[];

beforeEach(async () => {
  world = new NightWorld({ publish: { at: 'close' } });
  moved = [];
  world.onEvent = ({ type }) => {
    if (type === 'head-moved') moved.push(world.now);
  };
  world.put('a.txt', 'a 1');
  world.put('b.txt', 'b 1');
  world.now = at(1, '12:00');
  expect(await world.run()).toMatchObject({ outcome: 'published' });
  expect(moved).toEqual([at(1, '12:00')]);
  moved = [];
  world.events.length = 0;
  world.executed.clear();
  world.put('a.txt', 'a 2');
  world.now = at(2, '02:00');
});

afterEach(() => world.close());

const lives = () => Object.values(liveTexts(world.root)).sort();
const waits = () => world.of('waiting').length;

describe('a job that publishes at the close', () => {
  test('works at once, waits, and goes live when its window closes', async () => {
    world.onPause = () => {
      if (world.now % hour === 0 && world.now < at(2, '06:00')) expect(lives()).toEqual(['a 1', 'b 1']);
    };
    const ended = await world.run();
    expect(ended).toMatchObject({ outcome: 'published', exit: 0, items: { done: 1 } });
    expect(moved).toEqual([at(2, '06:00')]);
    expect(world.of('waiting')).toEqual([
      { type: 'waiting', run: ended.run, until: at(2, '06:00'), label: '2030-05-02T06:00', zone: expect.any(String) },
    ]);
    expect(lives()).toEqual(['a 2', 'b 1']);
    expect(await world.run()).toMatchObject({ run: null, exit: 0 });
  });

  test('stopped while it waits, keeps everything made; the next run waits on', async () => {
    world.onPause = () => {
      if (world.now > at(2, '03:00')) world.stop.abort();
    };
    expect(await world.run()).toMatchObject({ outcome: 'interrupted', exit: 143, items: { done: 1 } });
    expect([moved, lives()]).toEqual([[], ['a 1', 'b 1']]);
    world.onPause = () => undefined;
    world.now = at(2, '04:00');
    expect(await world.run()).toMatchObject({ outcome: 'published' });
    expect(moved).toEqual([at(2, '06:00')]);
    expect([...world.executed]).toEqual([['a.txt', 1]]);
  });

  test('killed while it waits, publishes at once when it is resumed after the close', async () => {
    world.onPause = () => {
      throw new Killed();
    };
    await expect(world.run()).rejects.toThrow(Killed);
    world.now = at(2, '09:30');
    world.events.length = 0;
    expect(await world.run()).toMatchObject({ outcome: 'published' });
    expect([moved, waits()]).toEqual([[at(2, '09:30')], 0]);
    expect([...world.executed]).toEqual([['a.txt', 1]]);
  });

  test('on a machine that slept over the close, or whose clock jumped over it, goes live when that is seen', async () => {
    world.onPause = () => {
      if (world.now > at(2, '03:00')) world.now = at(2, '11:00');
    };
    expect(await world.run()).toMatchObject({ outcome: 'published' });
    expect(moved).toEqual([at(2, '11:00')]);
  });

  test('whose clock is set back while it waits, still goes live at the close and not before', async () => {
    let back = 2;
    world.onPause = () => {
      if (world.now > at(2, '05:00') && back-- > 0) world.now -= 3 * hour;
    };
    expect(await world.run()).toMatchObject({ outcome: 'published' });
    expect(moved).toEqual([at(2, '06:00')]);
  });

  test('does not wait in a run outside the schedule, nor when it is caught up after the close', async () => {
    world.now = at(2, '03:00');
    expect(await world.run({ now: true })).toMatchObject({ outcome: 'published' });
    world.put('a.txt', 'a 3');
    world.now = at(2, '07:00');
    expect(await world.run()).toMatchObject({ outcome: 'published' });
    expect([moved, waits()]).toEqual([[at(2, '03:00'), at(2, '07:00')], 0]);
  });

  test('does not wait when nothing changed, whatever was touched', async () => {
    world.put('a.txt', 'a 1');
    expect(await world.run()).toMatchObject({ outcome: 'unchanged', exit: 0 });
    expect([moved, waits(), world.now]).toEqual([[], 0, at(2, '02:00')]);
  });

  test('does not wait with a snapshot that the gate holds: it is staged for people to see', async () => {
    world.job = { ...world.job, gate: { tolerate: { count: 0 }, shrink: { count: 0 } } };
    world.remove('b.txt');
    expect(await world.run()).toMatchObject({ outcome: 'held', exit: 4, held: [{ rule: 'shrink' }] });
    expect([waits(), lives()]).toEqual([0, ['a 1', 'b 1']]);
  });

  test('looks once more at the close: what the origin lost meanwhile is left for the next night', async () => {
    world.onPause = () => {
      if (world.now > at(2, '05:59')) for (const file of blobsOf('a 2')) rmSync(file);
    };
    expect(await world.run()).toMatchObject({ outcome: 'incomplete', exit: 3, shed: 1, items: { carried: 1 } });
    expect(lives()).toEqual(['a 1', 'b 1']);
    world.onPause = () => undefined;
    world.now = at(3, '02:00');
    expect(await world.run()).toMatchObject({ outcome: 'published', items: { done: 1 } });
    expect(lives()).toEqual(['a 2', 'b 1']);
  });

  function blobsOf(text: string): readonly string[] {
    const files = readdirSync(path.join(world.root, 'public/b'), { recursive: true, withFileTypes: true });
    return files
      .filter((file) => file.isFile())
      .map((file) => path.join(file.parentPath ?? file.path, file.name))
      .filter((file) => readFileSync(file, 'utf8') === text);
  }

  test('leaves at the close what is not done, and goes live at once with the rest', async () => {
    for (const name of 'cdefgh') world.put(`${name}.txt`, `${name} 1`);
    world.now = at(2, '05:00');
    world.onExecute = () => {
      world.now += hour / 3;
    };
    expect(await world.run()).toMatchObject({ outcome: 'incomplete', exit: 3, shed: expect.any(Number) });
    expect([waits(), (moved[0] ?? 0) >= at(2, '06:00')]).toEqual([0, true]);
  });

  test('with an earlier deadline, leaves what is not done by then and goes live at the close', async () => {
    for (const name of 'cdefgh') world.put(`${name}.txt`, `${name} 1`);
    world.onExecute = () => {
      world.now += hour / 3;
    };
    const cut = await world.run({ deadline: at(2, '03:00') });
    expect(cut).toMatchObject({ outcome: 'incomplete', shed: expect.any(Number) });
    expect([waits(), moved]).toEqual([1, [at(2, '06:00')]]);
  });

  test('tells who asks in the middle of the work that nothing is live before the close', async () => {
    for (const name of 'cdefghijk') world.put(`${name}.txt`, `${name} 1`);
    let executed = 0;
    world.onExecute = () => {
      world.now += 10_000;
      if (++executed === 6) world.stop.abort();
    };
    await world.run();
    const state = openState(path.join(world.root, world.stateName));
    const night = await world.night(state);
    const left = state.items(state.openRun()?.id ?? expect.fail('no open run')).find((item) => item.state !== 'ended');
    const { expected } = await explainAsset(night, left?.key ?? '', true);
    state.close();
    expect(expected?.madeAt).toBeLessThan(at(2, '03:00'));
    expect(expected?.nightAt).toBe(at(2, '06:00'));
  });

  test('retried inside the window, waits for the close; after it, does not', async () => {
    world.broken.add('a.txt');
    world.job = { ...world.job, gate: { tolerate: { count: 0 }, shrink: { count: 0 } } };
    world.put('c.txt', 'c 1');
    world.broken.add('c.txt');
    expect(await world.run()).toMatchObject({ outcome: 'held' });
    world.broken.clear();
    world.broken.add('c.txt');
    world.job = { ...world.job, gate: { tolerate: { share: 1 }, shrink: { count: 0 } } };
    expect(await retry()).toMatchObject({ outcome: 'incomplete' });
    world.broken.clear();
    world.now = at(2, '08:00');
    expect(await retry()).toMatchObject({ outcome: 'published' });
    expect(moved.slice(1)).toEqual([at(2, '06:00'), at(2, '08:00')]);
  });

  async function retry() {
    const state = openState(path.join(world.root, world.stateName));
    try {
      return await retryNight(await world.night(state), { failed: true });
    } finally {
      state.close();
    }
  }
});

test('a job that publishes when it is done does not wait', async () => {
  world.job = { ...world.job, publish: { at: 'done' } };
  expect(await world.run()).toMatchObject({ outcome: 'published' });
  expect([moved, waits()]).toEqual([[at(2, '02:00')], 0]);
});
