import { expect, test } from 'vitest';
import type { Outcome } from '../../src/domain/types.js';
import type { RunEnd, RunPhase, State } from '../../src/state/contract.js';
import { openState } from '../../src/state/open.js';
import { closing, digest, newRun, night1, night2, plan, runA, runB, runC, tempFolder } from './world.js';

function fresh(): State {
  return closing(openState(tempFolder()));
}

function end(outcome: Outcome, more: Partial<RunEnd> = {}): RunEnd {
  return { outcome, endedAt: 1900, result: { type: 'result', outcome }, ...more };
}

function planned(state: State, id = runA): State {
  state.beginRun(newRun(id));
  state.freezePlan(id, plan);
  return state;
}

test('a run goes through the night, and its window keeps the outcome', () => {
  const state = planned(fresh());
  for (const phase of ['working', 'validating', 'publishing'] as const) {
    state.advance(runA, phase);
    expect(state.openRun()?.phase).toBe(phase);
  }
  state.endRun(runA, end('published', { snapshot: digest('snapshot') }));
  expect(state.openRun()).toBeUndefined();
  expect(state.run(runA)).toEqual({
    ...newRun(runA),
    phase: 'ended',
    plan: plan.totals,
    outcome: 'published',
    endedAt: 1900,
    result: { type: 'result', outcome: 'published' },
  });
  const ended = { outcome: 'published', run: runA, snapshot: digest('snapshot') };
  expect(state.windows()).toEqual([{ ...night1, scheduled: true, ...ended }]);
});

test('a run that just began has a window without outcome', () => {
  const state = fresh();
  state.beginRun(newRun(runA, { scheduled: false }));
  expect(state.openRun()).toEqual({ ...newRun(runA, { scheduled: false }), phase: 'scanning' });
  expect(state.windows()).toEqual([{ ...night1, scheduled: false }]);
});

test('runs are told newest first, by their beginning and not by their ids', () => {
  const state = fresh();
  for (const id of [runC, runA, runB]) {
    state.beginRun(newRun(id));
    state.endRun(id, end('unchanged'));
  }
  expect(state.runs(2).map((run) => run.id)).toEqual([runB, runA]);
});

test.each<[RunPhase, RunPhase]>([
  ['scanning', 'working'],
  ['scanning', 'planned'],
  ['planned', 'publishing'],
  ['planned', 'scanning'],
  ['working', 'publishing'],
  ['publishing', 'planned'],
  ['working', 'ended'],
])('a run cannot move from %s to %s', (from, to) => {
  const state = fresh();
  state.beginRun(newRun(runA));
  if (from !== 'scanning') state.freezePlan(runA, plan);
  for (const phase of ['working', 'validating', 'publishing'] as const) {
    if (state.run(runA)?.phase !== from) state.advance(runA, phase);
  }
  expect(state.run(runA)?.phase).toBe(from);
  expect(() => state.advance(runA, to)).toThrow();
  expect(state.run(runA)?.phase).toBe(from);
});

test('a second run cannot begin while one has not ended', () => {
  const state = planned(fresh());
  expect(() => state.beginRun(newRun(runB, { window: night2 }))).toThrow(`while run ${runA} has not ended`);
  expect(state.windows()).toHaveLength(1);
});

test.each<Outcome>(['published', 'unchanged', 'incomplete', 'held', 'failed', 'superseded'])(
  'a run that ended as %s neither goes on nor ends again',
  (outcome) => {
    const state = planned(fresh());
    state.endRun(runA, end(outcome));
    expect(state.openRun()).toBeUndefined();
    expect(() => state.advance(runA, 'working')).toThrow('cannot move from ended');
    expect(() => state.endRun(runA, end('failed'))).toThrow('cannot end again');
  },
);

test('a run whose swap was unknown may become known', () => {
  const state = planned(fresh());
  state.endRun(runA, end('unknown'));
  state.endRun(runA, end('published'));
  expect(state.windows()[0]?.outcome).toBe('published');
});

test('an interrupted run is open, goes on, and takes its outcome back', () => {
  const state = planned(fresh());
  state.advance(runA, 'working');
  state.endRun(runA, end('interrupted'));
  expect(state.openRun()).toMatchObject({ id: runA, phase: 'ended', outcome: 'interrupted' });
  expect(state.windows()[0]).toMatchObject({ outcome: 'interrupted', run: runA });
  state.advance(runA, 'working');
  expect(state.openRun()).toEqual({ ...newRun(runA), phase: 'working', plan: plan.totals });
  expect(state.windows()).toEqual([{ ...night1, scheduled: true }]);
});

test('an interrupted run without a plan can only scan again', () => {
  const state = fresh();
  state.beginRun(newRun(runA));
  state.endRun(runA, end('interrupted'));
  expect(() => state.advance(runA, 'working')).toThrow();
  state.advance(runA, 'scanning');
  state.freezePlan(runA, plan);
  expect(state.openRun()?.phase).toBe('planned');
});

test('an interrupted run is no longer open once a newer one was begun', () => {
  const state = planned(fresh());
  state.endRun(runA, end('interrupted'));
  state.beginRun(newRun(runB, { window: night2 }));
  state.endRun(runB, end('failed'));
  expect(state.openRun()).toBeUndefined();
  expect(() => state.advance(runA, 'working')).toThrow(`run ${runB} was begun after it`);
});

test('a superseded run leaves the window as it was before', () => {
  const state = planned(fresh());
  state.endRun(runA, end('published', { snapshot: digest('one') }));
  const before = state.windows();
  state.beginRun(newRun(runB, { verb: 'rerun' }));
  expect(state.windows()).toEqual(before);
  state.endRun(runB, end('interrupted'));
  expect(state.windows()[0]?.outcome).toBe('interrupted');
  state.endRun(runB, end('superseded'));
  expect(state.windows()).toEqual(before);
  state.beginRun(newRun(runC, { verb: 'rerun' }));
  state.endRun(runC, end('superseded'));
  expect(state.windows()).toEqual(before);
});

test('a window of another length keeps its identity and its outcome', () => {
  const state = planned(fresh());
  state.endRun(runA, end('failed'));
  state.beginRun(newRun(runB, { window: { ...night1, closes: 9000 } }));
  expect(state.windows()).toMatchObject([{ closes: 9000, outcome: 'failed', run: runA }]);
});
