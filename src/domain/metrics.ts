import type { ItemCounts, Result } from './result.js';
import type { Outcome } from './types.js';

/** What is remembered of a job's runs; instants in milliseconds since the epoch. */
export interface RunMemory {
  /** The outcome record of the newest run that ended; rows of other versions may lack any of it. */
  readonly newest?: { readonly endedAt: number; readonly result: Partial<Result> };
  /** When the newest run ended that left nothing to wish for. */
  readonly lastSuccessAt?: number;
}

export interface Sample {
  readonly name: string;
  readonly value: number;
  readonly labels?: Readonly<Record<string, string>>;
}

/**
 * Every metric and what it says. Units are those of Prometheus (seconds, bytes, ratios from 0 to 1), names follow
 * prometheus.io/docs/practices/naming. All are gauges: a file that is written anew each night counts nothing up.
 */
export const metricHelp = {
  nightpress_last_look_timestamp_seconds: 'When a call of run or retry last ended, with or without work.',
  nightpress_last_run_timestamp_seconds: 'When the newest run ended.',
  nightpress_last_success_timestamp_seconds: 'When a run last ended as published or unchanged.',
  nightpress_last_exit_code: 'Exit code of the newest run, or of the fault that kept it from beginning.',
  nightpress_run_duration_seconds: 'How long the newest run took.',
  nightpress_items: 'Items of the newest run by how they ended; unchanged ones were not looked at.',
  nightpress_items_left: 'Queue depth: items that the newest run left for the next (deadline, stop or failure).',
  nightpress_item_error_ratio: 'Of the items that the newest run worked on, those without fresh output.',
  nightpress_freshness_seconds:
    'From the change of a source to live, over what the newest run brought live; 1 is the oldest.',
  nightpress_derivatives_made: 'Derivatives that the newest run made.',
  nightpress_derivatives_made_bytes: 'Bytes of the derivatives that the newest run made.',
} as const;

/**
 * A job's metrics after a call that ended as `result`; undefined: the call did not come to it. A call without work, or
 * one that failed before there was a run, leaves the figures of the newest run as they are: an hourly call that finds
 * nothing to do must not wipe out the night.
 */
export function samplesOf(now: number, result: Result | undefined, memory: RunMemory): readonly Sample[] {
  const isRun = result !== undefined && result.run !== null;
  const figures = isRun ? result : memory.newest?.result;
  const exit = isRun || result?.fault ? result.exit : figures?.exit;
  return [
    ...seconds('nightpress_last_look_timestamp_seconds', result && now),
    ...seconds('nightpress_last_run_timestamp_seconds', endOfNewest(now, isRun ? result : undefined, memory)),
    ...seconds('nightpress_last_success_timestamp_seconds', memory.lastSuccessAt),
    ...sample('nightpress_last_exit_code', exit),
    ...seconds('nightpress_run_duration_seconds', figures?.durationMs),
    ...itemSamples(figures),
    ...freshnessSamples(figures?.freshness),
    ...sample('nightpress_derivatives_made', figures?.derivatives?.made),
    ...sample('nightpress_derivatives_made_bytes', figures?.derivatives?.bytes),
  ];
}

/** As remembered; a run whose end could not be written down ended just now. */
function endOfNewest(now: number, ours: Result | undefined, { newest }: RunMemory): number | undefined {
  return ours && newest?.result.run !== ours.run ? now : newest?.endedAt;
}

export function isSuccess({ outcome }: { readonly outcome?: Outcome }): boolean {
  return outcome === 'published' || outcome === 'unchanged';
}

function itemSamples({ items, shed = 0 }: Partial<Pick<Result, 'items' | 'shed'>> = {}): readonly Sample[] {
  if (!items) return [];
  const { total, ...dispositions } = items;
  const left = total - ended(items) + shed;
  const worked = total - items.unchanged - left;
  const errors = items.failed + items.quarantined + items.carried - shed;
  return [
    ...Object.entries(dispositions).flatMap(([disposition, n]) => sample('nightpress_items', n, { disposition })),
    ...sample('nightpress_items_left', left),
    ...sample('nightpress_item_error_ratio', worked > 0 ? errors / worked : 0),
  ];
}

function ended({ total: _, ...dispositions }: ItemCounts): number {
  return Object.values(dispositions).reduce((sum, n) => sum + n, 0);
}

function freshnessSamples(freshness: Result['freshness'] | undefined): readonly Sample[] {
  if (!freshness) return [];
  const { p50Ms, p95Ms, oldestMs } = freshness;
  const quantiles = { '0.5': p50Ms, '0.95': p95Ms, '1': oldestMs };
  return Object.entries(quantiles).flatMap(([quantile, ms]) =>
    seconds('nightpress_freshness_seconds', ms, { quantile }),
  );
}

type MetricName = keyof typeof metricHelp;

function seconds(name: MetricName, ms: number | undefined, labels?: Sample['labels']): readonly Sample[] {
  return sample(name, ms === undefined ? undefined : ms / 1000, labels);
}

/** What is not known is left out: a zero would be a lie. */
function sample(name: MetricName, value: number | undefined, labels?: Sample['labels']): readonly Sample[] {
  return value === undefined ? [] : [{ name, value, labels }];
}
