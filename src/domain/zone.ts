/**
 * Wall clock and instant, the one place where they meet.
 *
 * A *wall* is what the clock on the wall shows, as the milliseconds UTC would have if it showed the same: arithmetic on
 * it knows no clock change. An *instant* is milliseconds since the epoch. A wall time means the first instant at which
 * the zone's clock shows that time or a later one; from this one sentence follow both hard cases:
 *
 *   gap      the clock jumps over the time: the first instant after the jump
 *   overlap  the clock shows the time twice: the first of the two
 *
 * Therefore a later wall time never means an earlier instant, and two wall times mean the same instant only in a gap.
 */
const DAY_MS = 86_400_000;
const SECOND_MS = 1000;

const clocks = new Map<string, Intl.DateTimeFormat>();

/** True for names of the IANA zone list. An offset such as `+02:00` is no zone: it knows no clock change. */
export function isZone(zone: string): boolean {
  if (!/^[A-Za-z]/.test(zone)) return false;
  try {
    clockOf(zone);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** What the clock of `zone` shows at `instant`. */
export function wallAt(instant: number, zone: string): number {
  const shown: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {};
  for (const { type, value } of clockOf(zone).formatToParts(instant)) shown[type] = Number(value);
  const { year = 0, month = 1, day, hour, minute, second } = shown;
  const milliseconds = instant - Math.floor(instant / SECOND_MS) * SECOND_MS;
  return Date.UTC(year, month - 1, day, hour, minute, second, milliseconds);
}

/** The latest wall time that the clock of `zone` has shown up to `instant`: after a jump back that is not `wallAt`. */
export function latestWallAt(instant: number, zone: string): number {
  return instant + Math.max(offsetAt(instant, zone), offsetAt(instant - DAY_MS, zone));
}

/** The first instant at which the clock of `zone` shows `wall` or later. */
export function instantOf(wall: number, zone: string): number {
  // No offset is larger than 14 h, so these two lie on both sides of any clock change near `wall`.
  const offsets = [offsetAt(wall - DAY_MS, zone), offsetAt(wall + DAY_MS, zone)];
  const early = wall - Math.max(...offsets);
  const late = wall - Math.min(...offsets);
  if (wallAt(early, zone) === wall) return early;
  if (wallAt(late, zone) === wall) return late;
  return firstInstant(early, late, (instant) => wallAt(instant, zone) >= wall);
}

/** A moment at which the clock of a zone is put forward: days there are shorter by `byMs`. */
export interface Jump {
  readonly at: number;
  readonly byMs: number;
}

/** Every jump forward in `(from, to]`, found in steps of ten days: no zone has changed twice within that for long. */
export function jumpsForward(zone: string, from: number, to: number): readonly Jump[] {
  const jumps: Jump[] = [];
  let before = offsetAt(from, zone);
  for (let start = from; start < to; start += 10 * DAY_MS) {
    const end = Math.min(start + 10 * DAY_MS, to);
    const after = offsetAt(end, zone);
    if (after > before) {
      const at = firstInstant(start, end, (instant) => offsetAt(instant, zone) === after);
      jumps.push({ at, byMs: after - before });
    }
    before = after;
  }
  return jumps;
}

function offsetAt(instant: number, zone: string): number {
  return wallAt(instant, zone) - instant;
}

/** `holds` is false at `no`, true at `yes`, and changes once between them, on a whole second. */
function firstInstant(no: number, yes: number, holds: (instant: number) => boolean): number {
  let below = Math.floor(no / SECOND_MS);
  let above = Math.ceil(yes / SECOND_MS);
  while (above - below > 1) {
    const middle = Math.floor((below + above) / 2);
    if (holds(middle * SECOND_MS)) above = middle;
    else below = middle;
  }
  return above * SECOND_MS;
}

/** Making a formatter costs a hundred times what using it costs. */
function clockOf(zone: string): Intl.DateTimeFormat {
  const known = clocks.get(zone);
  if (known) return known;
  const clock = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  clocks.set(zone, clock);
  return clock;
}
