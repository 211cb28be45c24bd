import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ExecutorKind, ProcessGroup } from '../../src/executors/contract.js';
import { createProcessesKind } from '../../src/executors/processes/index.js';
import { liveTexts } from '../support/live-texts.js';
import { copyRecipe, NightWorld } from '../support/night-world.js';
import { hostileWorker, isLiving, processesNaming } from '../support/orders.js';

/*
 * Processors under test that go wrong in every way real ones are known to, in real worker processes. Keys below `bad/`
 * name the behaviour of `hostile-worker.mjs`; all else is copied.
 */
const poisons = [
  'segfaults',
  'loops',
  'sleeps',
  'hoards memory',
  'fills its outbox',
  'starts a child and loops',
  'writes garbage on the channel',
  // Only Linux tells who started what has left group, session and parent.
  ...(process.platform === 'linux'
    ? ['leaves a daemon and segfaults', 'starts a session without environment and loops']
    : []),
];

let world: NightWorld;
let groups: ProcessGroup[];
let attempts: string[];

beforeEach(() => {
  world = new NightWorld();
  groups = [];
  attempts = [];
  world.executors = misbehaving(createProcessesKind({ entry: hostileWorker }));
  const limits = { wallMs: 1500, memoryBytes: 300_000_000, outputBytes: 2_000_000 };
  world.job = { ...world.job, recipes: [copyRecipe('all', '**/*', { limits })] };
});

afterEach(() => {
  expect(groups.filter(({ pgid }) => isLiving(pgid))).toEqual([]);
  expect(processesNaming(world.root)).toEqual([]);
  world.close();
});

function misbehaving(kind: ExecutorKind): ExecutorKind {
  return {
    ...kind,
    open: (options) => {
      const inner = kind.open({
        ...options,
        onStart: (group) => {
          groups.push(group);
          options.onStart(group);
        },
      });
      return {
        execute: (order) => {
          attempts.push(order.input.key);
          const [, behaviour] = /^bad\/(.*)$/.exec(order.input.key) ?? [];
          return inner.execute({ ...order, kind: behaviour ?? 'copies' });
        },
        kill: () => inner.kill(),
        close: () => inner.close(),
      };
    },
  };
}

const attemptsAt = (key: string) => attempts.filter((one) => one === key).length;
const findingsOf = (result: Awaited<ReturnType<NightWorld['run']>>) =>
  Object.fromEntries(result.findings.map(({ key = '', code, class: failure }) => [key, `${code} ${failure}`]));

test('poison ends its workers, is tried alone, and is remembered; the rest of the night is whole', async () => {
  for (const behaviour of poisons) world.put(`bad/${behaviour}`, `poison: ${behaviour}`);
  for (let n = 0; n < 20; n++) world.put(`good/${n}.txt`, `text ${n}`);
  const first = await world.run();
  expect(first).toMatchObject({ outcome: 'incomplete', items: { done: 20, failed: poisons.length } });
  expect(findingsOf(first)).toMatchObject({
    'bad/segfaults': 'worker-crashed input',
    'bad/loops': 'timed-out input',
    'bad/sleeps': 'timed-out input',
    'bad/hoards memory': 'out-of-memory input',
    'bad/fills its outbox': 'output-limit input',
    'bad/starts a child and loops': 'timed-out input',
    'bad/writes garbage on the channel': 'worker-crashed input',
  });
  expect(new Set(poisons.map((behaviour) => attemptsAt(`bad/${behaviour}`)))).toEqual(new Set([3]));
  // What is tried alone comes when all else has ended.
  expect(attempts.slice(-poisons.length).every((key) => key.startsWith('bad/'))).toBe(true);
  expect(Object.keys(liveTexts(world.root))).toHaveLength(20);

  world.nextDay();
  world.put('good/new.txt', 'new');
  attempts = [];
  expect(await world.run()).toMatchObject({ outcome: 'incomplete', items: { done: 1, quarantined: poisons.length } });
  expect(attempts).toEqual(['good/new.txt']);
}, 120_000);

test('who was only beside a dying worker is not blamed', async () => {
  world.put('bad/segfaults', 'poison');
  for (let n = 0; n < 30; n++) world.put(`good/${n}.txt`, `text ${n}`);
  expect(await world.run()).toMatchObject({ items: { done: 30, failed: 1 } });
  expect(attempts.filter((key) => key.startsWith('good/'))).toHaveLength(30);
});

test('new content or more room for it is tried again', async () => {
  world.put('bad/sleeps', 'too slow');
  world.put('good.txt', 'text');
  await world.run();
  world.nextDay();
  attempts = [];
  const limits = { wallMs: 1600, memoryBytes: 300_000_000, outputBytes: 2_000_000 };
  world.job = { ...world.job, recipes: [copyRecipe('all', '**/*', { limits })] };
  expect(await world.run()).toMatchObject({ items: { quarantined: 0, failed: 1 } });
  expect(attemptsAt('bad/sleeps')).toBe(3);
}, 60_000);

test('garbage that claims to be an output fails the item alone, and a bug is tried as often as the machinery', async () => {
  world.put('bad/obeys', 'claims a digest its bytes do not have');
  world.put('bad/throws', 'a bug');
  world.put('bad/leaves a child', 'a tool that outlives it');
  world.put('good.txt', 'text');
  const result = await world.run();
  expect(result).toMatchObject({ items: { done: 1, failed: 3 } });
  expect(findingsOf(result)).toMatchObject({ 'bad/throws': 'processor-error infrastructure' });
  expect(attemptsAt('bad/throws')).toBe(4);
}, 60_000);

test('a run that was stopped does not begin to count anew', async () => {
  world.put('bad/segfaults', 'poison');
  world.onEvent = (event) => {
    if (event.type === 'set-aside') world.stop.abort();
  };
  expect(await world.run()).toMatchObject({ outcome: 'interrupted' });
  expect(attemptsAt('bad/segfaults')).toBe(2);
  world.onEvent = () => undefined;
  expect(await world.run()).toMatchObject({ outcome: 'incomplete', items: { failed: 1 } });
  expect(attemptsAt('bad/segfaults')).toBe(3);
});
