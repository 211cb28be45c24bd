import { expect, test } from 'vitest';
import { shedFinding } from '../../src/domain/deadline.js';
import type { ItemRow, Mark, State } from '../../src/state/contract.js';
import { openState } from '../../src/state/open.js';
import {
  closing,
  decodeFailed,
  digest,
  dusk,
  idOf,
  listed,
  made,
  newItem,
  newRun,
  noon,
  plan,
  runA,
  tempFolder,
} from './world.js';

function working(more: Partial<typeof plan> = {}): State {
  const state = closing(openState(tempFolder()));
  state.beginRun(newRun(runA));
  state.freezePlan(runA, { ...plan, ...more });
  state.advance(runA, 'working');
  return state;
}

function claimed(key: string): Mark {
  return { kind: 'claimed', run: runA, item: idOf(key) };
}

function ended(key: string, more: Partial<Extract<Mark, { kind: 'ended' }>> = {}): Mark {
  return { kind: 'ended', run: runA, item: idOf(key), disposition: 'done', at: 1500, ...more };
}

function item(state: State, key: string): ItemRow | undefined {
  return state.items(runA).find((row) => row.key === key);
}

test('a plan is read as it was frozen, items in its order', () => {
  const state = working();
  expect(state.changes(runA)).toEqual(plan.changes);
  expect(state.partitions(runA)).toEqual(plan.partitions);
  expect(state.items(runA)).toEqual(plan.items.map((planned) => ({ ...planned, state: 'todo', attempts: 0 })));
  expect(state.items(runA, noon).map((row) => row.key)).toEqual(['z.jpg', 'a.jpg']);
  expect(state.items(runA, dusk).map((row) => row.key)).toEqual(['m.jpg']);
});

test('items that the plan itself ended have ended, and belong to no partition', () => {
  const collides = newItem('b.jpg', noon, { partition: undefined, disposition: 'failed', finding: decodeFailed });
  const state = working({ items: [...plan.items, collides] });
  expect(item(state, 'b.jpg')).toEqual({ ...collides, state: 'ended', attempts: 0 });
  expect(state.progress(runA)).toMatchObject({ todo: 3, ended: { failed: 1 } });
  expect(state.progress(runA).lastEndedAt).toBeUndefined();
});

test('a plan is frozen whole or not at all, and once', () => {
  const state = closing(openState(tempFolder()));
  state.beginRun(newRun(runA));
  const [first] = plan.items;
  const twice = first ? [...plan.items, first] : [];
  expect(() => state.freezePlan(runA, { ...plan, items: twice })).toThrow('UNIQUE');
  expect(state.run(runA)).toEqual({ ...newRun(runA), phase: 'scanning' });
  expect(state.changes(runA)).toEqual([]);
  expect(state.partitions(runA)).toEqual([]);
  expect(state.items(runA)).toEqual([]);
  state.freezePlan(runA, plan);
  expect(() => state.freezePlan(runA, plan)).toThrow('frozen already');
});

test('an item of a partition that is not in the plan is refused', () => {
  const state = closing(openState(tempFolder()));
  state.beginRun(newRun(runA));
  expect(() => state.freezePlan(runA, { ...plan, partitions: [] })).toThrow('FOREIGN KEY');
});

test('a checkpoint states claims, attempts and ends', () => {
  const state = working();
  state.commit([
    claimed('a.jpg'),
    {
      kind: 'attempt',
      run: runA,
      item: idOf('a.jpg'),
      startedAt: 1200,
      endedAt: 1300,
      outcome: 'crashed',
      detail: 'SIGSEGV',
    },
    claimed('a.jpg'),
    { kind: 'attempt', run: runA, item: idOf('a.jpg'), startedAt: 1300, endedAt: 1400, outcome: 'finished' },
    { kind: 'made', run: runA, at: 1450, made: made('print', 'blob') },
    ended('a.jpg', { sha256: digest('bytes'), staged: listed('a.jpg'), fingerprint: digest('print') }),
    claimed('m.jpg'),
  ]);
  expect(item(state, 'a.jpg')).toEqual({
    ...newItem('a.jpg', noon),
    state: 'ended',
    attempts: 2,
    disposition: 'done',
    sha256: digest('bytes'),
    staged: listed('a.jpg'),
    fingerprint: digest('print'),
    endedAt: 1500,
  });
  expect(item(state, 'm.jpg')?.state).toBe('claimed');
  expect(state.history('a.jpg')[0]?.attempts).toEqual([
    { number: 1, startedAt: 1200, endedAt: 1300, outcome: 'crashed', detail: 'SIGSEGV' },
    { number: 2, startedAt: 1300, endedAt: 1400, outcome: 'finished' },
  ]);
});

test('a checkpoint with one wrong mark commits nothing', () => {
  const state = working();
  expect(() => state.commit([ended('a.jpg'), ended('unknown.jpg')])).toThrow('not in the plan');
  expect(item(state, 'a.jpg')?.state).toBe('todo');
});

test('an ended item is neither claimed nor ended again', () => {
  const state = working();
  state.commit([ended('a.jpg')]);
  expect(() => state.commit([claimed('a.jpg')])).toThrow('it has ended');
  expect(() => state.commit([ended('a.jpg', { disposition: 'failed' })])).toThrow('it has ended');
  expect(item(state, 'a.jpg')?.disposition).toBe('done');
});

test('what a dead attempt had claimed is to do again, what had ended stays', () => {
  const state = working();
  state.commit([claimed('z.jpg'), claimed('m.jpg'), claimed('a.jpg'), ended('a.jpg')]);
  expect(state.releaseClaims(runA)).toEqual([idOf('z.jpg'), idOf('m.jpg')]);
  expect(state.items(runA).map((row) => row.state)).toEqual(['todo', 'ended', 'todo']);
  expect(state.releaseClaims(runA)).toEqual([]);
});

test('an item whose outputs are missing is to do again, with nothing left of its end', () => {
  const state = working();
  state.commit([ended('a.jpg', { sha256: digest('bytes'), staged: listed('a.jpg') }), ended('m.jpg')]);
  state.reopen(runA, [idOf('a.jpg')]);
  expect(item(state, 'a.jpg')).toEqual({ ...newItem('a.jpg', noon), state: 'todo', attempts: 0 });
  expect(item(state, 'm.jpg')?.state).toBe('ended');
  state.commit([claimed('a.jpg'), ended('a.jpg')]);
  expect(item(state, 'a.jpg')?.disposition).toBe('done');
});

test('progress counts items, partitions and the time that is left', () => {
  const state = working();
  expect(state.progress(runA)).toMatchObject({ todo: 3, claimed: 0, remainingSeconds: 6 });
  state.commit([
    claimed('z.jpg'),
    ended('a.jpg', { disposition: 'carried', finding: decodeFailed }),
    { kind: 'attempt', run: runA, item: idOf('m.jpg'), startedAt: 1000, endedAt: 2500, outcome: 'crashed' },
    { kind: 'attempt', run: runA, item: idOf('m.jpg'), startedAt: 3000, endedAt: 3500, outcome: 'finished' },
    ended('m.jpg', { at: 1600 }),
  ]);
  expect(state.progress(runA)).toEqual({
    todo: 0,
    claimed: 1,
    ended: { done: 1, reused: 0, carried: 1, failed: 0, quarantined: 0, withheld: 0 },
    partitions: [
      { ...plan.partitions[0], ended: 1, failed: 1, endedSeconds: 2, workedSeconds: 0 },
      { ...plan.partitions[1], ended: 1, failed: 0, endedSeconds: 2, workedSeconds: 2 },
    ],
    lastEndedAt: 1600,
    remainingSeconds: 2,
  });
});

test('what the deadline left counts to no partition as ended or failed: nobody worked it', () => {
  const state = working();
  const finding = shedFinding({ key: 'a.jpg', recipe: 'all' });
  state.commit([
    ended('a.jpg', { disposition: 'failed', finding }),
    ended('m.jpg', { disposition: 'carried', finding }),
  ]);
  expect(state.progress(runA)).toMatchObject({
    ended: { failed: 1, carried: 1 },
    partitions: [
      { ended: 0, failed: 0, endedSeconds: 0 },
      { ended: 0, failed: 0, endedSeconds: 0 },
    ],
  });
});

test('what workers really took is remembered by sort of work; only what was done counts', () => {
  const state = working();
  expect(state.costs()).toEqual([]);
  const row = { recipe: 'image:abc', ext: 'jpg', size: 20, ratios: [1.5, 2] };
  state.learnCosts([row, { ...row, ext: 'png' }]);
  state.learnCosts([{ ...row, ratios: [2, 3] }]);
  expect(state.costs()).toEqual([
    { ...row, ratios: [2, 3] },
    { ...row, ext: 'png' },
  ]);
  const attempt = { kind: 'attempt', run: runA, startedAt: 1000, endedAt: 3500, outcome: 'finished' } as const;
  state.commit([
    { ...attempt, item: idOf('a.jpg') },
    ended('a.jpg', { disposition: 'carried', finding: decodeFailed, staged: listed('a.jpg') }),
    { ...attempt, item: idOf('m.jpg') },
    ended('m.jpg', { staged: listed('m.jpg') }),
  ]);
  expect(state.finishedWork(runA)).toEqual([
    { key: 'm.jpg', recipe: 'pictures', bytes: listed('m.jpg').bytes, seconds: 2.5 },
  ]);
});

test('items are found by what they ended with in the newest run that has an outcome', () => {
  const state = working();
  state.commit([ended('a.jpg', { disposition: 'failed', finding: decodeFailed }), ended('m.jpg')]);
  expect(state.endedWith(decodeFailed.code)).toEqual([]);
  state.endRun(runA, { outcome: 'held', endedAt: 9, result: { exit: 5 } });
  expect(state.endedWith(decodeFailed.code)).toEqual([idOf('a.jpg')]);
  expect(state.endedWith('shed')).toEqual([]);
  expect(state.windows()).toMatchObject([{ outcome: 'held', byDeadline: true }]);
});
