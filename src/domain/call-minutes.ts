import type { WindowSpec } from './types.js';
import { nextOpenings, openingsBetween } from './window.js';
import { wallAt } from './zone.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const MONTH_MS = 31 * 24 * HOUR_MS;

/**
 * The minutes of the hour, ascending, at which a scheduler that reads the clock of `zone` has to call a job so that a call
 * comes with every opening of the year after `now`: usually one. Called in every hour, no wall time need be translated
 * to somebody else's clock, and no clock change loses or doubles a night: the job knows its window.
 */
export function callMinutes(spec: WindowSpec, zone: string, now: number): readonly number[] {
  const windows = Array.from({ length: 12 }, (_, month) => now + month * MONTH_MS).flatMap((from) =>
    openingsBetween(spec, from, from + MONTH_MS),
  );
  const next = nextOpenings(spec, now, 1); // which may be years ahead
  const minutes = [...windows, ...next].map(({ opens }) => Math.floor((wallAt(opens, zone) % HOUR_MS) / MINUTE_MS));
  return [...new Set(minutes)].sort((a, b) => a - b);
}
