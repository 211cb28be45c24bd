import { once } from 'node:events';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Fault } from '../../src/domain/faults.js';
import { bearingOutages } from '../../src/engine/outage.js';
import { usualLimits } from '../../src/origins/s3/client.js';
import { openStore } from '../../src/origins/s3/index.js';
import type { State } from '../../src/state/contract.js';
import { openState } from '../../src/state/open.js';
import { endBucket, originAt, startBucket } from '../support/bucket-nights.js';
import { NightWorld } from '../support/night-world.js';
import type { Asked, Mishap, S3d } from '../support/s3d/index.js';

/** Nights whose store goes away while they work. The window is open from 02:00 to 06:00 UTC; all waiting is by our clock. */
const minute = 60_000;
const at = (day: number, time: string) => Date.parse(`2030-05-${String(day).padStart(2, '0')}T${time}:00Z`);

let s3d: S3d;
let world: OneTry;
let calm: NightWorld;

/** What the SDK tries again by itself, it would really wait for. */
class OneTry extends NightWorld {
  override async openOrigin(state?: State) {
    return openStore(this.job.origin, { uploads: state?.uploads }, { ...usualLimits, attempts: 1 });
  }
}

beforeEach(async () => {
  s3d = await startBucket();
  const origin = originAt(s3d.endpoint);
  world = new OneTry({ origin });
  calm = new NightWorld({ source: world.job.source });
  for (let n = 0; n < 10; n++) world.put(`${n}.txt`, `content of ${n}`);
  world.now = at(1, '12:00');
  expect(await world.run()).toMatchObject({ outcome: 'published' });
  for (let n = 0; n < 10; n++) world.put(`${n}.txt`, `new content of ${n}`);
  world.now = at(2, '02:00');
  world.events.length = 0;
  world.executed.clear();
});

afterEach(async () => {
  world.close();
  calm.close();
  await endBucket(s3d);
});

const busy: Mishap = { kind: 'answer', status: 503, code: 'SlowDown' };

/** From the first request of this sort on, all that asks the store meets `mishap`, until the clock shows `back`. */
function goesAway(which: (asked: Asked) => boolean, back: number, mishap: Mishap = busy): void {
  let isAway = false;
  s3d.hooks.push((asked) => {
    isAway ||= which(asked);
    return isAway && world.now < back ? mishap : undefined;
  });
}

const headGet = ({ kind, key }: Asked) => kind === 'get' && key === 'site/head.json';
const headPut = ({ kind, key }: Asked) => kind === 'put' && key === 'site/head.json';
const blobPut = ({ kind, key }: Asked) => kind === 'put' && key.startsWith('site/b/');
const nodePut = ({ kind, key }: Asked) => kind === 'put' && key.startsWith('site/m/');

/** The first few go through. */
function past(count: number, which: (asked: Asked) => boolean): (asked: Asked) => boolean {
  let seen = 0;
  return (asked) => which(asked) && ++seen > count;
}

const told = () => world.events.flatMap((event) => (event.type === 'away' || event.type === 'back' ? [event] : []));

describe('a store that goes away inside the window and comes back', () => {
  test.each([
    ['before the run', headGet, busy],
    ['while blobs are stored', past(3, blobPut), busy],
    ['while blobs are stored, without a word', past(3, blobPut), { kind: 'drop' }],
    ['when the manifest is stored', nodePut, busy],
    ['at the commit, which it refuses', headPut, { kind: 'answer', status: 429, code: 'TooManyRequests' }],
  ] as const)('%s, is waited for: nothing is lost, nothing is made twice', async (_, which, mishap) => {
    goesAway(which, at(2, '03:30'), mishap);
    const result = await world.run();
    expect(result).toMatchObject({ outcome: 'published', exit: 0, items: { done: 10 } });
    expect(result.snapshot).toBe((await calm.run()).snapshot);
    expect([...world.executed.values()]).toEqual(Array(10).fill(1));
    expect(told()).toEqual([
      {
        type: 'away',
        what: 'origin',
        until: at(2, '06:00'),
        label: '2030-05-02T06:00',
        zone: expect.any(String),
        message: expect.any(String),
      },
      { type: 'back', what: 'origin', waitedMs: expect.any(Number) },
    ]);
    expect(world.now).toBeGreaterThanOrEqual(at(2, '03:30'));
    expect(world.now).toBeLessThanOrEqual(at(2, '03:31') + minute);
  });

  test('costs no item its time, and the forecast does not count it as work', async () => {
    goesAway(past(3, blobPut), at(2, '03:30'));
    await world.run();
    expect(Math.max(...world.of('item-ended').map(({ elapsedMs }) => elapsedMs))).toBeLessThan(minute);
    expect(world.of('at-risk')).toEqual([]);
  });

  test('is waited for together: one pause for all, and nobody new asks meanwhile', async () => {
    const state = openState(path.join(world.root, 'work'));
    const made = await world.night(state);
    const [asked, pause, over] = [vi.fn(), vi.fn(), new AbortController()];
    const readHead = async () => {
      asked();
      if (!over.signal.aborted) throw new Fault('origin-unreachable', 'no answer', { passes: true });
      return undefined;
    };
    const slow = {
      ...made,
      origin: { ...made.origin, readHead },
      pause: pause.mockReturnValue(once(over.signal, 'abort')),
    };
    const { origin } = bearingOutages(slow, { until: at(2, '06:00'), random: () => 0 });
    const early = [origin.readHead(), origin.readHead(), origin.readHead()];
    await expect.poll(() => asked.mock.calls.length).toBe(3);
    const late = origin.readHead();
    over.abort();
    await Promise.all([...early, late]);
    expect([pause.mock.calls.length, asked.mock.calls.length]).toEqual([1, 3 + 4]);
    expect(told().map(({ type }) => type)).toEqual(['away', 'back']);
    state.close();
  });

  test('is waited for by all that a collection asks, too', async () => {
    const state = openState(path.join(world.root, 'work'));
    const made = await world.night(state);
    const { origin } = bearingOutages(made, { until: at(2, '06:00'), random: () => 0 });
    const stored = async () => {
      const keys: string[] = [];
      for await (const { key } of origin.listStored()) keys.push(key);
      return keys;
    };
    const before = (await stored()).sort();
    let busyFor = 0;
    s3d.hooks.push(() => (busyFor-- > 0 ? busy : undefined));
    const away = async <T>(ask: () => Promise<T>): Promise<T> => {
      busyFor = 2;
      return await ask();
    };
    const keys = before.slice(0, 1);
    const { condemning } = origin;
    const list = await away(async () => await condemning?.putList({ txn: 't', keys }));
    expect(list && (await away(async () => await condemning?.readList(list)))).toEqual(keys);
    await away(async () => await condemning?.pruneLists(new Set(), Date.now() + minute));
    expect(list && (await condemning?.readList(list))).toBeUndefined();
    await away(async () => await origin.remove(keys));
    expect((await away(stored)).sort()).toEqual(before.slice(1));
    expect(told()).toHaveLength(2 * 5);
    state.close();
  });

  test('twice is told twice', async () => {
    goesAway(past(3, blobPut), at(2, '02:20'));
    goesAway(nodePut, at(2, '02:40'));
    expect(await world.run()).toMatchObject({ outcome: 'published' });
    expect(told().map(({ type }) => type)).toEqual(['away', 'back', 'away', 'back']);
  });
});

test('a store that stays away ends the run with 75 when the window closes; what was done is kept', async () => {
  goesAway(past(4, blobPut), at(2, '07:00'));
  expect(await world.run()).toMatchObject({ outcome: 'failed', exit: 75, fault: { code: 'origin-unreachable' } });
  expect(world.now).toBe(at(2, '06:00'));
  expect(told().map(({ type }) => type)).toEqual(['away']);
  const stored = s3d.log.filter(({ kind, key, status }) => kind === 'put' && /^site\/b/.test(key) && status === 200);
  world.executed.clear();
  world.now = at(2, '08:00');
  expect(await world.run()).toMatchObject({ outcome: 'published', items: { reused: 4, done: 6 } });
  expect([stored.length - 10, world.executed.size]).toEqual([4, 6]);
});

test('a deadline set by a person binds the wait', async () => {
  goesAway(headGet, at(2, '07:00'));
  const run = world.run({ deadline: at(2, '02:30') });
  await expect(run).rejects.toMatchObject({ code: 'origin-unreachable', exit: 75 });
  expect(world.now).toBe(at(2, '02:30'));
});

describe('a run that is asked to stop while it waits', () => {
  const stopAt = (instant: number) => {
    world.onPause = () => {
      if (world.now >= instant) world.stop.abort();
    };
  };

  test('is interrupted at once, and the next one goes on', async () => {
    goesAway(past(4, blobPut), at(2, '04:00'));
    stopAt(at(2, '03:00'));
    expect(await world.run()).toMatchObject({ outcome: 'interrupted', exit: 143 });
    expect(world.now).toBeLessThan(at(2, '03:02'));
    world.onPause = () => undefined;
    expect(await world.run()).toMatchObject({ outcome: 'published', exit: 0 });
    expect(world.of('run').map(({ resumed }) => resumed)).toEqual([false, true]);
  });

  test('before it has begun, says so and leaves nothing behind', async () => {
    goesAway(headGet, at(2, '07:00'));
    stopAt(at(2, '03:00'));
    const next = ['nightpress run world'];
    expect(await world.run()).toMatchObject({ run: null, outcome: 'interrupted', exit: 143, next });
    expect(world.of('run')).toEqual([]);
  });

  test('does not wait for a call that hangs', async () => {
    let tries = 0;
    s3d.hooks.push((asked) => {
      if (!headGet(asked)) return undefined;
      if (++tries === 1) return busy;
      world.stop.abort();
      return { kind: 'late', until: new Promise(() => {}) };
    });
    expect(await world.run()).toMatchObject({ outcome: 'interrupted', exit: 143 });
    expect(tries).toBe(2);
  });

  /** The first request of this sort hangs, and all that come after it. */
  const hangsAt = (which: (asked: Asked) => boolean) => {
    let hangs = false;
    s3d.hooks.push((asked) => {
      if (which(asked) && !hangs) world.stop.abort();
      hangs ||= which(asked);
      return hangs ? { kind: 'late', until: new Promise(() => {}) } : undefined;
    });
  };

  test.each([
    ['a question before there is a run', headGet, { run: null, live: null, lastSeen: { seq: 1 } }],
    ['the bytes of an item', blobPut, { live: { seq: 1 } }],
    ['the manifest', nodePut, { live: { seq: 1 } }],
  ] as const)('by day does not wait either for %s that hangs', async (_, which, told) => {
    hangsAt(which);
    expect(await world.run({ now: true })).toMatchObject({ outcome: 'interrupted', exit: 143, ...told });
  });

  test('still asks a store that is well: items in flight have their grace', async () => {
    const state = openState(path.join(world.root, 'work'));
    const made = await world.night(state);
    const stop = { asked: AbortSignal.abort(), now: new AbortController().signal, graceMs: 1 };
    const well = { ...made.origin, readHead: async () => undefined };
    const { origin } = bearingOutages({ ...made, stop, origin: well }, undefined);
    await new Promise((resolve) => setTimeout(resolve, 20)); // the time of a question asked at the stop is over
    expect(await origin.readHead()).toBeUndefined();
    state.close();
  });

  test('in the middle of a commit that hangs, does not know whether it landed', async () => {
    hangsAt(headPut);
    expect(await world.run()).toMatchObject({ outcome: 'unknown', exit: 6, fault: { code: 'swap-unknown' } });
  });
});

describe('nothing is waited for', () => {
  const opened = () => world.now;

  test.each([
    ['when credentials are refused', { kind: 'answer', status: 403, code: 'AccessDenied' }, 'credentials-refused', 77],
    ['when the bucket is gone', { kind: 'answer', status: 404, code: 'NoSuchBucket' }, 'origin-unreachable', 75],
    ['when the store is full', { kind: 'answer', status: 507, code: 'InsufficientStorage' }, 'origin-full', 75],
  ] as const)('%s', async (_, mishap, code, exit) => {
    const before = opened();
    goesAway(blobPut, at(2, '03:30'), mishap);
    expect(await world.run()).toMatchObject({ outcome: 'failed', exit, fault: { code } });
    expect([opened(), told()]).toEqual([before, []]);
  });

  test.each([
    ['by a run outside the schedule', '03:00', { now: true }],
    ['by a run that catches up after the close', '08:00', {}],
    ['by a run without a deadline', '03:00', { deadline: 'none' }],
  ] as const)('%s', async (_, time, request) => {
    world.now = at(2, time);
    const before = opened();
    goesAway(blobPut, at(3, '01:00'));
    expect(await world.run(request)).toMatchObject({ outcome: 'failed', exit: 75 });
    expect([opened(), told()]).toEqual([before, []]);
  });

  test('by a call that finds its window settled', async () => {
    expect(await world.run()).toMatchObject({ outcome: 'published' });
    const before = opened();
    goesAway(headGet, at(2, '07:00'));
    await expect(world.run()).rejects.toMatchObject({ exit: 75 });
    expect(opened()).toBe(before);
  });

  test('at an address where nobody was ever met', async () => {
    world.stateName = 'new';
    const before = opened();
    goesAway(headGet, at(2, '07:00'), { kind: 'drop' });
    await expect(world.run()).rejects.toMatchObject({ exit: 75 });
    expect(opened()).toBe(before);
  });
});

test('a commit without an answer is not made again: the outcome is unknown', async () => {
  goesAway(headPut, at(2, '03:30'));
  expect(await world.run()).toMatchObject({ outcome: 'unknown', exit: 6 });
  expect(s3d.log.filter((asked) => asked.kind === 'put' && asked.key === 'site/head.json')).toHaveLength(2);
});

test('a source that is away is waited for too', async () => {
  const { night } = world;
  world.night = async (state) => {
    const made = await night.call(world, state);
    const scan = async () => {
      if (world.now < at(2, '03:00')) throw new Fault('source-unreachable', 'no answer', { passes: true });
      return await made.source.scan();
    };
    return { ...made, source: { ...made.source, scan } };
  };
  expect(await world.run()).toMatchObject({ outcome: 'published', exit: 0 });
  expect(told()).toMatchObject([{ what: 'source' }, { type: 'back', what: 'source' }]);
});
