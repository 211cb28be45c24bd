import { afterEach, beforeEach, expect, test } from 'vitest';
import { Fault } from '../../src/domain/faults.js';
import type { Night } from '../../src/engine/night.js';
import { NightWorld } from '../support/night-world.js';

let world: NightWorld;
beforeEach(() => {
  world = new NightWorld();
  for (const name of ['a', 'b', 'c', 'd']) world.put(`${name}.txt`, `content of ${name}`);
});
afterEach(() => world.close());

/** Tonight's run has some of its parts replaced. */
function replacing(parts: (night: Night) => Partial<Night>): void {
  const original = world.night.bind(world);
  world.night = async (state) => {
    const night = await original(state);
    return { ...night, ...parts(night) };
  };
}

test('an origin that is full stops the work at once, whatever a worker is at', async () => {
  for (let n = 0; n < 400; n++) world.put(`many/${n}.txt`, `text ${n}`);
  let stopped: () => void = () => undefined;
  const killed = new Promise<void>((resolve) => {
    stopped = resolve;
  });
  let executed = 0;
  replacing((night) => ({
    origin: Object.assign(Object.create(Object.getPrototypeOf(night.origin)), night.origin, {
      putBlob: () => Promise.reject(new Fault('origin-full', 'no space left')),
    }),
    executors: {
      ...night.executors,
      open: (options) => {
        const real = night.executors.open(options);
        return {
          ...real,
          execute: async (order) => {
            if (++executed <= night.workers) return await real.execute(order);
            await killed;
            return { kind: 'died', how: 'stopped', detail: 'killed', log: '' };
          },
          kill: async () => stopped(),
        };
      },
    },
  }));
  expect(await world.run()).toMatchObject({ outcome: 'failed', exit: 75, fault: { code: 'origin-full' } });
  expect(executed).toBeLessThanOrEqual(4);
});

test('a file that is being written when its turn comes is staged once more', async () => {
  const stages: string[] = [];
  replacing(({ source }) => ({
    source: {
      ...source,
      stage: async (key, file) => {
        stages.push(key);
        if (key !== 'a.txt' || stages.filter((one) => one === key).length > 1) return await source.stage(key, file);
        const finding = { code: 'changed-while-read', severity: 'error', class: 'transient', key, message: 'it grew' };
        return { ok: false, finding } as const as Awaited<ReturnType<typeof source.stage>>;
      },
    },
  }));
  expect(await world.run()).toMatchObject({ outcome: 'published', exit: 0, items: { done: 4, failed: 0 } });
  expect(stages.toSorted()).toEqual(['a.txt', 'a.txt', 'b.txt', 'c.txt', 'd.txt']);
});

test('where files only vanished, the next command is a run, not a retry that cannot find them', async () => {
  await world.run();
  world.put('a.txt', 'second a');
  world.nextDay();
  world.onEvent = (event) => {
    if (event.type === 'planned') world.remove('a.txt');
  };
  const result = await world.run();
  expect(result).toMatchObject({ outcome: 'incomplete', findings: [{ code: 'vanished' }] });
  expect(result.next).toEqual(['nightpress run world --now']);
});
