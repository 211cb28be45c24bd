import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Result } from '../../src/domain/result.js';
import { openState } from '../../src/state/open.js';
import { NightWorld } from '../support/night-world.js';

const minute = 60_000;
/** The window opens at 02:00 and closes at 06:00 UTC. */
const at = (day: number, time: string) => Date.parse(`2030-05-${String(day).padStart(2, '0')}T${time}:00Z`);

let world: NightWorld;

beforeEach(async () => {
  world = new NightWorld();
  world.now = at(1, '02:00');
  world.put('a.txt', 'a 1');
  expect(await world.run()).toMatchObject({ outcome: 'published', window: { label: '2030-05-01T02:00' } });
  world.events.length = 0;
  world.executed.clear();
  world.put('a.txt', 'a 2');
});

afterEach(() => world.close());

/** `2 published`: the day of the window and how it went; `nothing, next 3` when there was nothing to do. */
function told({ window, outcome, run, because = '' }: Result): string {
  const day = (label: string) => String(Number(label.slice(8, 10)));
  if (run === null) return `nothing, next ${day(/next opens (\S+),/.exec(because)?.[1] ?? '')}`;
  return `${day(window?.label ?? '')} ${outcome}`;
}

async function runAt(now: number): Promise<string> {
  world.now = now;
  return told(await world.run());
}

function ledger(): readonly string[] {
  const state = openState(path.join(world.root, world.stateName));
  const rows = state.windows().map(({ label, outcome }) => `${Number(label.slice(8, 10))} ${outcome}`);
  state.close();
  return rows;
}

describe('a late start', () => {
  test('in the last second of the window still works that window, with its close as deadline', async () => {
    for (const name of 'bcdefgh') world.put(`${name}.txt`, `${name} 1`);
    world.onExecute = () => {
      world.now += minute;
    };
    world.now = at(2, '06:00') - 1000;
    const late = await world.run();
    expect([told(late), late.shed]).toEqual(['2 incomplete', expect.any(Number)]);
    expect(await runAt(at(2, '12:00'))).toBe('nothing, next 3');
    expect(await runAt(at(3, '02:00'))).toBe('3 published');
  });

  test('after the close works the whole window, once', async () => {
    world.onExecute = () => {
      world.now += 600 * minute;
    };
    expect(await runAt(at(2, '06:00'))).toBe('2 published');
    expect(await runAt(at(2, '23:00'))).toBe('nothing, next 3');
  });

  test('after the close works nothing where the job does not catch up, and the next night names what was missed', async () => {
    world.job = { ...world.job, window: { ...world.job.window, catchUp: 'none' } };
    expect(await runAt(at(2, '06:00'))).toBe('nothing, next 3');
    expect(await runAt(at(3, '01:59'))).toBe('nothing, next 3');
    expect(world.executed.size).toBe(0);
    expect(await runAt(at(3, '05:59'))).toBe('3 published');
    expect(world.of('run')[0]?.because).toBe('2030-05-03T02:00 is due; never ended before it: 2030-05-02T02:00');
    expect(ledger()).toEqual(['1 published', '3 published']);
  });

  test('a second before the opening is no start', async () => {
    expect(await runAt(at(2, '02:00') - 1000)).toBe('nothing, next 2');
  });
});

describe('a machine that slept', () => {
  test('over its window catches up the last night only', async () => {
    expect(await runAt(at(5, '09:00'))).toBe('5 published');
    expect(world.of('run')[0]?.because).toContain('2030-05-02T02:00, 2030-05-03T02:00, 2030-05-04T02:00');
    expect(await runAt(at(5, '10:00'))).toBe('nothing, next 6');
  });

  test('in the middle of its work ends that night with what it had, and the next one takes the rest first', async () => {
    for (const name of 'bcdefgh') world.put(`${name}.txt`, `${name} 1`);
    let asleep = false;
    world.onExecute = () => {
      if (!asleep) world.now = at(2, '11:00');
      asleep = true;
    };
    world.now = at(2, '02:00');
    const cut = await world.run();
    expect(told(cut)).toBe('2 incomplete');
    expect(cut.shed).toBeGreaterThan(0);
    expect(await runAt(at(3, '02:00'))).toBe('3 published');
    expect([...world.executed.values()].every((times) => times === 1)).toBe(true);
  });

  test('for days in the middle of its work ends the night it was at; then the present one is run', async () => {
    world.onExecute = () => {
      world.now = at(5, '03:00');
      world.onExecute = () => undefined;
    };
    expect(await runAt(at(2, '02:00'))).toBe('2 published');
    world.put('a.txt', 'a 3');
    expect(await runAt(world.now)).toBe('5 published');
    expect(ledger()).toEqual(['1 published', '2 published', '5 published']);
  });
});

describe('a clock that jumps', () => {
  test('back before the opening, in the middle of the work: the night ends once, and takes no negative time', async () => {
    world.onExecute = () => {
      world.now = at(1, '22:00');
    };
    world.now = at(2, '02:30');
    const ended = await world.run();
    expect([told(ended), ended.durationMs]).toEqual(['2 published', 0]);
    expect(world.of('item-ended').every(({ elapsedMs }) => elapsedMs >= 0)).toBe(true);
    expect(await runAt(at(1, '23:00'))).toBe('nothing, next 2');
    expect(await runAt(at(2, '02:00'))).toBe('nothing, next 3');
    expect(await runAt(at(3, '02:00'))).toBe('3 unchanged');
  });

  test('back while a night is unfinished: it goes on, and its window is settled once', async () => {
    world.onExecute = () => world.stop.abort();
    expect(await runAt(at(2, '02:30'))).toBe('2 interrupted');
    world.onExecute = () => undefined;
    expect(await runAt(at(1, '20:00'))).toBe('2 published');
    expect(await runAt(at(2, '03:00'))).toBe('nothing, next 3');
    expect(ledger()).toEqual(['1 published', '2 published']);
  });

  test('forth by years and back again costs no night', async () => {
    expect(await runAt(Date.parse('2099-01-01T03:00:00Z'))).toMatch(/published$/);
    world.put('a.txt', 'a 3');
    expect(await runAt(at(2, '02:00'))).toBe('2 published');
    expect(await runAt(at(2, '03:00'))).toBe('nothing, next 3');
    world.put('a.txt', 'a 4');
    expect(await runAt(at(3, '02:00'))).toBe('3 published');
  });

  test('back by years works a night of then, once, and after it is mended the nights of now', async () => {
    expect(await runAt(Date.parse('2020-01-10T03:00:00Z'))).toBe('10 published');
    expect(await runAt(Date.parse('2020-01-10T04:00:00Z'))).toMatch(/^nothing/);
    world.put('a.txt', 'a 3');
    expect(await runAt(at(2, '02:00'))).toBe('2 published');
  });

  test('forth over the close while it works ends the night there and then', async () => {
    for (const name of 'bcdefgh') world.put(`${name}.txt`, `${name} 1`);
    world.onExecute = () => {
      world.now = Math.max(world.now, at(2, '06:00'));
    };
    expect(await runAt(at(2, '02:00'))).toBe('2 incomplete');
    expect(await runAt(at(2, '06:30'))).toBe('nothing, next 3');
  });
});
