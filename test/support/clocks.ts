/**
 * Clocks of zones and times of schedules, worked out without `domain/zone.ts` and cron-parser: the other opinion in tests
 * of windows. Walls are what a clock shows, as the milliseconds UTC would have if it showed the same.
 */
const MINUTE = 60_000;
const DAY = 86_400_000;

/** Between `from` and the next one's, the clock is `offset` ms ahead of UTC. */
export interface Span {
  readonly from: number;
  readonly offset: number;
}

/** The spans of a zone's clock from `from` to `to`, found in steps of a week; the first reaches back for ever. */
export function spansOf(zone: string, from: number, to: number): readonly Span[] {
  const clock = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' });
  const offsetAt = (at: number) => Date.parse(`${clock.format(at).replace(' ', 'T')}Z`) - at;
  const spans = [{ from: Number.NEGATIVE_INFINITY, offset: offsetAt(from) }];
  let before = offsetAt(from);
  for (let at = from + 7 * DAY; at <= to; at += 7 * DAY) {
    const offset = offsetAt(at);
    if (offset === before) continue;
    let [no, yes] = [(at - 7 * DAY) / MINUTE, at / MINUTE];
    while (yes - no > 1) {
      const middle = Math.floor((no + yes) / 2);
      if (offsetAt(middle * MINUTE) === offset) yes = middle;
      else no = middle;
    }
    spans.push({ from: yes * MINUTE, offset });
    before = offset;
  }
  return spans;
}

/** The first instant at which the clock shows `wall` or later. */
export function firstShown(spans: readonly Span[], wall: number): number {
  for (const [index, { from, offset }] of spans.entries()) {
    const at = Math.max(from, wall - offset);
    if (at < (spans[index + 1]?.from ?? Number.POSITIVE_INFINITY)) return at;
  }
  throw new Error('the last span has no end');
}

/** What the clock shows, as a label. */
export function shownAt(spans: readonly Span[], at: number): string {
  const offset = spans.findLast(({ from }) => from <= at)?.offset ?? 0;
  return new Date(at + offset).toISOString().slice(0, 16);
}

export interface Schedule {
  readonly cron: string;
  /** Minutes after midnight. */
  readonly times: readonly number[];
  /** `day` is midnight, as a wall. */
  readonly isDay: (day: number) => boolean;
}

/** When windows open, `from < opens <= to`. */
export function openingsOf({ times, isDay }: Schedule, spans: readonly Span[], from: number, to: number): number[] {
  const opens = new Set<number>();
  for (let day = Math.floor(from / DAY - 2) * DAY; day <= to + 2 * DAY; day += DAY) {
    if (!isDay(day)) continue;
    for (const minutes of times) opens.add(firstShown(spans, day + minutes * MINUTE));
  }
  return [...opens].filter((at) => from < at && at <= to).sort((a, b) => a - b);
}

const two = (n: number) => ((n % 24) + 24) % 24;

/** Daily, weekly, several times a day and on the last day of the month, all of them at or about `wall`. */
export function schedulesAbout(wall: number): readonly Schedule[] {
  const date = new Date(wall);
  const [hour, minute, weekday] = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCDay()];
  const time = hour * 60 + minute;
  const hours = [...new Set([two(hour - 1), hour, two(hour + 1), two(hour + 11)])].sort((a, b) => a - b);
  return [
    { cron: `${minute} ${hour} * * *`, times: [time], isDay: () => true },
    { cron: `${minute} ${hour} * * ${weekday}`, times: [time], isDay: (day) => new Date(day).getUTCDay() === weekday },
    { cron: `${minute} ${hours.join(',')} * * *`, times: hours.map((h) => h * 60 + minute), isDay: () => true },
    { cron: `${minute} ${hour} L * *`, times: [time], isDay: (day) => new Date(day + DAY).getUTCDate() === 1 },
  ];
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
