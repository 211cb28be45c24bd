import { expect, test } from 'vitest';
import { type RunMemory, type Sample, samplesOf } from '../../src/domain/metrics.js';
import { noItems, noRun, type Result } from '../../src/domain/result.js';
import type { RunId } from '../../src/domain/types.js';

const now = 1_795_000_000_000;

function aResult(more: Partial<Result> = {}): Result {
  const run = 'r2' as RunId;
  return {
    ...{ type: 'result', ...noRun, run, job: 'night', window: null, outcome: 'published', exit: 0, live: null },
    ...{ next: [], durationMs: 1500, ...more },
  };
}

function remembered(more: Partial<Result> = {}, lastSuccessAt?: number): RunMemory {
  const result = aResult({ run: 'r1' as RunId, durationMs: 9000, items: { ...noItems, total: 3, done: 3 }, ...more });
  return { newest: { endedAt: now - 7000, result }, lastSuccessAt };
}

function figure(samples: readonly Sample[], name: string, label?: string): number | undefined {
  return samples.find((one) => one.name === name && (!label || Object.values(one.labels ?? {}).includes(label)))?.value;
}

test('a run is told in base units, every disposition beside the others', () => {
  const items = { total: 20, unchanged: 10, done: 4, reused: 1, carried: 2, failed: 1, quarantined: 0, withheld: 0 };
  const freshness = { p50Ms: 1500, p95Ms: 60_000, oldestMs: 3_600_000 };
  const derivatives = { made: 12, reused: 3, bytes: 4096 };
  const samples = samplesOf(now, aResult({ items, freshness, derivatives, shed: 1 }), {});
  expect(figure(samples, 'nightpress_run_duration_seconds')).toBe(1.5);
  expect(figure(samples, 'nightpress_items', 'done')).toBe(4);
  expect(figure(samples, 'nightpress_items', 'carried')).toBe(2);
  expect(samples.filter(({ name }) => name === 'nightpress_items')).toHaveLength(7);
  expect(figure(samples, 'nightpress_items_left')).toBe(3); // one shed, two without a disposition
  expect(figure(samples, 'nightpress_item_error_ratio')).toBeCloseTo(2 / 7);
  expect(['0.5', '0.95', '1'].map((q) => figure(samples, 'nightpress_freshness_seconds', q))).toEqual([1.5, 60, 3600]);
  expect(figure(samples, 'nightpress_derivatives_made')).toBe(12);
  expect(figure(samples, 'nightpress_derivatives_made_bytes')).toBe(4096);
});

test('a call without work leaves the figures and the exit code of the night', () => {
  const nothing = aResult({ ...noRun, because: 'settled', durationMs: 3 });
  const samples = samplesOf(now, nothing, remembered({ outcome: 'incomplete', exit: 3 }, now - 90_000));
  expect(figure(samples, 'nightpress_last_exit_code')).toBe(3);
  expect(figure(samples, 'nightpress_items', 'done')).toBe(3);
  expect(figure(samples, 'nightpress_run_duration_seconds')).toBe(9);
  expect(figure(samples, 'nightpress_last_run_timestamp_seconds')).toBe((now - 7000) / 1000);
  expect(figure(samples, 'nightpress_last_look_timestamp_seconds')).toBe(now / 1000);
});

test('a fault before there was a run shows in the exit code, and the last success stays', () => {
  const fault = { code: 'source-unreachable', message: 'not mounted' };
  const samples = samplesOf(
    now,
    aResult({ ...noRun, outcome: 'failed', exit: 75, fault }),
    remembered({}, now - 90_000),
  );
  expect(figure(samples, 'nightpress_last_exit_code')).toBe(75);
  expect(figure(samples, 'nightpress_last_success_timestamp_seconds')).toBe((now - 90_000) / 1000);
  expect(figure(samples, 'nightpress_items', 'done')).toBe(3);
});

test('what is not known is left out', () => {
  expect(samplesOf(now, undefined, {})).toEqual([]);
  const names = samplesOf(now, aResult(), {}).map(({ name }) => name);
  expect(names).not.toContain('nightpress_last_success_timestamp_seconds');
  expect(names).not.toContain('nightpress_freshness_seconds');
});

test('nothing worked on is no error', () => {
  const items = { ...noItems, total: 5, unchanged: 5 };
  expect(figure(samplesOf(now, aResult({ items }), {}), 'nightpress_item_error_ratio')).toBe(0);
});
