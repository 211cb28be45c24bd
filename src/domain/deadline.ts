import type { Finding, PublishSpec, Window } from './types.js';
import { instantOf, wallAt } from './zone.js';

/**
 * When a run stops beginning work, in milliseconds since the epoch; undefined: when it is through. The close of its window
 * binds a run that was begun or resumed inside it; what a person asks for binds every run.
 */
export function deadlineOf(window: Window, now: number, asked: number | 'none' | undefined): number | undefined {
  if (asked !== undefined) return asked === 'none' ? undefined : asked;
  return now < window.closes ? window.closes : undefined;
}

/**
 * Before which instant a run must not go live, in milliseconds since the epoch; undefined: whenever it is done. Only the
 * close of a scheduled window binds, and no longer than it lies ahead: a run outside the schedule, and what is caught up,
 * resumed or retried after the close, is late enough. It is the deadline's counterpart: work that is not done by the
 * close is left, work that is done waits for it.
 */
export function liveFrom(
  publish: PublishSpec,
  run: { readonly window: Window; readonly scheduled: boolean },
  now: number,
): number | undefined {
  return publish.at === 'close' && run.scheduled && now < run.window.closes ? run.window.closes : undefined;
}

/** What a person may write: `90m` from now, `06:30` on the clock of the zone, an instant, or `none`. Undefined: no such. */
export function parseDeadline(
  text: string,
  at: { readonly now: number; readonly zone: string; readonly duration: (text: string) => number | undefined },
): number | 'none' | undefined {
  if (text === 'none') return 'none';
  const ms = at.duration(text);
  if (ms !== undefined) return at.now + ms;
  const [, hours, minutes] = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(text) ?? [];
  if (hours !== undefined && minutes !== undefined) return nextWall(at.now, at.zone, Number(hours), Number(minutes));
  const instant = /^\d{4}-\d{2}-\d{2}T[\d:.]+(Z|[+-]\d{2}:\d{2})$/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(instant) ? undefined : instant;
}

const DAY_MS = 86_400_000;

function nextWall(now: number, zone: string, hours: number, minutes: number): number {
  const midnight = Math.floor(wallAt(now, zone) / DAY_MS) * DAY_MS;
  const wall = midnight + (hours * 60 + minutes) * 60_000;
  const today = instantOf(wall, zone);
  return today > now ? today : instantOf(wall + DAY_MS, zone);
}

/** By what a deadline holds: because the job wants whole nights only, or because nothing was ever live. */
export const deadlineRule = 'deadline';
export const importRule = 'import';

/** An item that the deadline left for the next night, where it comes first. */
export const shedCode = 'shed';

export function shedFinding(item: { readonly key: string; readonly recipe: string }): Finding {
  const message = 'left for the next night: the deadline came first';
  return { code: shedCode, severity: 'error', class: 'resource', message, key: item.key, recipe: item.recipe };
}

/** How a first import goes that is larger than one window. */
export interface ImportNights {
  /** This one; the first is 1. */
  readonly night: number;
  /** About so many in all, at the pace of this one; undefined: nothing was done, so nobody knows. */
  readonly about?: number;
}

/** Seconds as predicted. `nights`: those before this one. */
export function importNights(nights: number, doneSeconds: number, leftSeconds: number): ImportNights {
  const night = nights + 1;
  return doneSeconds > 0 ? { night, about: night + Math.ceil(leftSeconds / doneSeconds) } : { night };
}
