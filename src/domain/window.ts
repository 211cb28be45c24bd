import { CronExpressionParser } from 'cron-parser';
import type { Window, WindowSpec } from './types.js';
import { instantOf, isZone, jumpsForward, latestWallAt, wallAt } from './zone.js';

/**
 * Which windows a schedule has.
 *
 * cron-parser lists the wall-clock times of the expression in UTC, where no clock ever changes; `zone.ts` maps each to
 * an instant. Rejected: cron-parser with the job's own zone. Around clock changes its `prev()` names the night before
 * in 127 of 130 zones, its `next()` doubles or skips nights in some (harrisiirak/cron-parser#378), and a runner that
 * believes it does nothing and loses a night. Wall times that fall into one gap open one window. A label is always
 * what the clock of the zone shows at the opening: after a gap the time it jumped to, not the time it jumped over.
 *
 * Every function but `checkWindowSpec` takes a spec that passed it.
 */
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** `openingsBetween` gives no more than this: nobody reads on, and a schedule of every minute has half a million a year. */
export const mostOpenings = 1000;

/** The window that opened last at or before `now`; it may have closed since. */
export function latestOpening(spec: WindowSpec, now: number): Window {
  return openingsBack(spec, now).next().value;
}

/** The next `count` windows that open after `now`, in order. */
export function nextOpenings(spec: WindowSpec, now: number, count: number): readonly Window[] {
  const ahead = openingsAhead(spec, now);
  return Array.from({ length: count }, () => ahead.next().value);
}

/** Windows with `from < opens <= to`, in order; of more than `mostOpenings` only the newest. */
export function openingsBetween(spec: WindowSpec, from: number, to: number): readonly Window[] {
  const found: Window[] = [];
  for (const window of openingsBack(spec, to)) {
    if (window.opens <= from || found.length === mostOpenings) break;
    found.push(window);
  }
  return found.reverse();
}

/** The window of `run --now`: opens this moment, belongs to no wall time of the schedule. */
export function unscheduledWindow(spec: WindowSpec, now: number): Window {
  return windowAt(spec, now);
}

/** `2026-11-22T02:00`: what the clock of `zone` shows at `instant`. */
export function windowLabel(instant: number, zone: string): string {
  return new Date(wallAt(instant, zone)).toISOString().slice(0, 16);
}

function windowAt(spec: WindowSpec, opens: number): Window {
  return { opens, closes: opens + spec.lengthMs, label: windowLabel(opens, spec.timezone) };
}

function* openingsBack(spec: WindowSpec, until: number): Generator<Window, never> {
  const times = wallTimes(spec.cron, latestWallAt(until, spec.timezone) + 1);
  let later = until + 1;
  for (;;) {
    const opens = instantOf(times.prev().getTime(), spec.timezone);
    if (opens >= later) continue;
    yield windowAt(spec, opens);
    later = opens;
  }
}

function* openingsAhead(spec: WindowSpec, after: number): Generator<Window, never> {
  const times = wallTimes(spec.cron, wallAt(after, spec.timezone));
  let earlier = after;
  for (;;) {
    const opens = instantOf(times.next().getTime(), spec.timezone);
    if (opens <= earlier) continue;
    yield windowAt(spec, opens);
    earlier = opens;
  }
}

/** `prev()` and `next()` give the wall times strictly before and after `wall`. */
function wallTimes(cron: string, wall: number) {
  return CronExpressionParser.parse(cron, { tz: 'UTC', currentDate: new Date(wall) });
}

/** Everything wrong with a schedule, each as what was expected and what stands there; empty when it can be used. */
export function checkWindowSpec(spec: WindowSpec): readonly string[] {
  const problems = [...checkCron(spec.cron), ...checkZone(spec.timezone), ...checkLength(spec.lengthMs)];
  return problems.length > 0 ? problems : checkReach(spec);
}

const fiveFields = 'five fields, minute hour day-of-month month day-of-week';

function checkCron(cron: string): string[] {
  const given = cron.split(/\s+/).filter((field) => field !== '');
  if (given[0]?.startsWith('@')) return [`cron written out as ${fiveFields}, not '${cron}'`];
  if (given.length !== 5) return [`cron of ${fiveFields}, not the ${given.length} of '${cron}'`];
  // cron-parser draws H anew at every call: a schedule that is different each time it is looked at.
  const drawn = cron.replace(/[A-Za-z]{3}/g, '').includes('H');
  if (drawn) return [`cron with fixed times, not '${cron}' with H for a random one`];
  try {
    wallTimes(cron, horizon.from).next();
    return [];
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return [`cron of ${fiveFields}, each of them valid, not '${cron}' (${reason})`];
  }
}

function checkZone(zone: string): string[] {
  return isZone(zone) ? [] : [`timezone with an IANA name such as 'Europe/Berlin', not '${zone}'`];
}

function checkLength(lengthMs: number): string[] {
  return lengthMs > 0 ? [] : [`length above zero, not ${lengthMs} ms`];
}

/** Weekdays and leap years repeat after 28 years, so every meeting of a date with a clock change lies in here. */
const horizon = { from: Date.UTC(2026, 0, 1), to: Date.UTC(2054, 0, 1) };

interface Interval {
  readonly ms: number;
  readonly between: string;
}

/** Two windows must never be open at once, not even on the shortest day of the zone. */
function checkReach(spec: WindowSpec): string[] {
  const shortest = [...intervals(spec)].reduce((least, other) => (other.ms < least.ms ? other : least));
  if (spec.lengthMs < shortest.ms) return [];
  return [`length below the ${duration(shortest.ms)} between ${shortest.between}, not ${duration(spec.lengthMs)}`];
}

/** Times between neighbouring openings, the shortest that `spec` has among them. */
function* intervals(spec: WindowSpec): Generator<Interval> {
  const { first, inside, overnight } = dayOf(spec.cron);
  yield { ms: inside, between: 'two openings' };
  // Only a length that reaches the next day at all is worth the search for the days that are closest.
  const days = overnight <= spec.lengthMs ? closestDays(spec.cron, first) : 1;
  yield { ms: overnight + (days - 1) * DAY_MS, between: 'two openings' };
  for (const { at, byMs } of jumpsForward(spec.timezone, horizon.from, horizon.to)) {
    if (spec.lengthMs >= Math.min(inside, overnight) - byMs) yield* intervalsAround(spec, at);
  }
}

/** A jump shortens what lies across it or begins in it; further openings are as far apart as on other days. */
function intervalsAround(spec: WindowSpec, jump: number): Interval[] {
  const before = latestOpening(spec, jump - 1);
  const [next = before, afterNext = next] = nextOpenings(spec, before.opens, 2);
  return [intervalBetween(before, next), intervalBetween(next, afterNext)];
}

function intervalBetween(window: Window, next: Window): Interval {
  return { ms: next.opens - window.opens, between: `${window.label} and ${next.label}` };
}

interface Day {
  /** Time of the first opening, from midnight. */
  readonly first: number;
  /** Shortest time between two openings of one day; infinite when there is one only. */
  readonly inside: number;
  /** From the last opening of a day to the first of the next. */
  readonly overnight: number;
}

function dayOf(cron: string): Day {
  const { hour, minute } = wallTimes(cron, horizon.from).fields;
  const times = hour.values.flatMap((h) => minute.values.map((m) => (h * 60 + m) * MINUTE_MS)).sort((a, b) => a - b);
  const [first = 0] = times;
  const inside = times.slice(1).map((time, index) => time - (times[index] ?? 0));
  return { first, inside: Math.min(...inside), overnight: DAY_MS - ((times.at(-1) ?? 0) - first) };
}

/** How many days lie between the two matching days that are closest. */
function closestDays(cron: string, time: number): number {
  const expression = wallTimes(cron, horizon.from);
  let closest = Number.POSITIVE_INFINITY;
  let previous = Number.NEGATIVE_INFINITY;
  for (let day = horizon.from; day < horizon.to && closest > 1; day += DAY_MS) {
    if (!expression.includesDate(new Date(day + time))) continue;
    closest = Math.min(closest, (day - previous) / DAY_MS);
    previous = day;
  }
  return closest;
}

/** `23h`, `1h30m`, `45s`: as a job file would write it. */
function duration(ms: number): string {
  const seconds = ms / 1000;
  const parts = [`${Math.floor(seconds / 3600)}h`, `${Math.floor((seconds % 3600) / 60)}m`, `${seconds % 60}s`];
  return parts.filter((part) => !/^0\D$/.test(part)).join('') || '0s';
}
