import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Window, WindowSpec } from '../../src/domain/types.js';
import {
  checkWindowSpec,
  latestOpening,
  mostOpenings,
  nextOpenings,
  openingsBetween,
  unscheduledWindow,
  windowLabel,
} from '../../src/domain/window.js';

const MINUTE = 60_000;
const HOUR = 3_600_000;
const DAY = 86_400_000;

const zones = [
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'Antarctica/Troll',
  'America/St_Johns',
  'Asia/Kathmandu',
  'Africa/Casablanca',
  'Pacific/Apia',
  'America/Sao_Paulo',
  'UTC',
];

function nightly(cron: string, timezone: string, lengthMs = 10 * MINUTE): WindowSpec {
  return { cron, timezone, lengthMs };
}

function iso(instant: number | undefined): string {
  return instant === undefined ? 'none' : new Date(instant).toISOString();
}

describe('a wall time becomes an instant', () => {
  const table: [what: string, zone: string, cron: string, day: string, opens: string, label: string][] = [
    ['an ordinary night', 'Europe/Berlin', '30 2 * * *', '2026-11-22', '2026-11-22T01:30Z', '2026-11-22T02:30'],
    ['in the gap, Berlin', 'Europe/Berlin', '30 2 * * *', '2026-03-29', '2026-03-29T01:00Z', '2026-03-29T03:00'],
    ['at the gap, Berlin', 'Europe/Berlin', '0 2 * * *', '2026-03-29', '2026-03-29T01:00Z', '2026-03-29T03:00'],
    ['after the gap, Berlin', 'Europe/Berlin', '0 3 * * *', '2026-03-29', '2026-03-29T01:00Z', '2026-03-29T03:00'],
    ['before the gap, Berlin', 'Europe/Berlin', '59 1 * * *', '2026-03-29', '2026-03-29T00:59Z', '2026-03-29T01:59'],
    ['shown twice, Berlin', 'Europe/Berlin', '30 2 * * *', '2026-10-25', '2026-10-25T00:30Z', '2026-10-25T02:30'],
    ['first shown twice, Berlin', 'Europe/Berlin', '0 2 * * *', '2026-10-25', '2026-10-25T00:00Z', '2026-10-25T02:00'],
    ['after the overlap, Berlin', 'Europe/Berlin', '0 3 * * *', '2026-10-25', '2026-10-25T02:00Z', '2026-10-25T03:00'],
    ['in the gap, New York', 'America/New_York', '0 2 * * *', '2026-03-08', '2026-03-08T07:00Z', '2026-03-08T03:00'],
    ['shown twice, New York', 'America/New_York', '30 1 * * *', '2026-11-01', '2026-11-01T05:30Z', '2026-11-01T01:30'],
    [
      'a gap of half an hour',
      'Australia/Lord_Howe',
      '15 2 * * *',
      '2026-10-04',
      '2026-10-03T15:30Z',
      '2026-10-04T02:30',
    ],
    ['half an hour twice', 'Australia/Lord_Howe', '45 1 * * *', '2026-04-05', '2026-04-04T14:45Z', '2026-04-05T01:45'],
    ['a gap of two hours', 'Antarctica/Troll', '30 1 * * *', '2026-03-29', '2026-03-29T01:00Z', '2026-03-29T03:00'],
    ['two hours twice', 'Antarctica/Troll', '0 2 * * *', '2026-10-25', '2026-10-25T00:00Z', '2026-10-25T02:00'],
    ['a gap at midnight', 'America/Sao_Paulo', '0 0 * * *', '2018-11-04', '2018-11-04T03:00Z', '2018-11-04T01:00'],
    ['a day that never was', 'Pacific/Apia', '0 2 * * *', '2011-12-31', '2011-12-30T12:00Z', '2011-12-31T02:00'],
    ['an offset of 45 minutes', 'Asia/Kathmandu', '0 2 * * *', '2026-05-01', '2026-04-30T20:15Z', '2026-05-01T02:00'],
    [
      'an offset of half an hour',
      'America/St_Johns',
      '0 2 * * *',
      '2026-07-01',
      '2026-07-01T04:30Z',
      '2026-07-01T02:00',
    ],
  ];

  test.each(table)('%s (%s, %s on %s)', (_what, zone, cron, day, opens, label) => {
    const spec = nightly(cron, zone);
    const window = openingsBetween(spec, Date.parse(opens) - 2 * HOUR, Date.parse(opens) + 2 * HOUR);
    expect(window).toEqual([{ opens: Date.parse(opens), closes: Date.parse(opens) + 10 * MINUTE, label }]);
    expect(windowLabel(Date.parse(opens), zone).slice(0, 10)).toBe(day);
  });

  test('the whole day after the clock change in New York, the latest opening is that of the day itself', () => {
    const spec = nightly('0 2 * * *', 'America/New_York');
    for (let now = Date.parse('2026-03-08T07:00Z'); now < Date.parse('2026-03-09T06:00Z'); now += 17 * MINUTE) {
      expect(iso(latestOpening(spec, now).opens)).toBe('2026-03-08T07:00:00.000Z');
    }
  });

  test('wall times that fall into one gap open one window, named by the time the clock jumped to', () => {
    const spec = nightly('*/20 2-3 * * *', 'Europe/Berlin');
    const labels = openingsBetween(spec, Date.parse('2026-03-29T00:00Z'), Date.parse('2026-03-29T12:00Z')).map(
      (w) => w.label,
    );
    expect(labels).toEqual(['2026-03-29T03:00', '2026-03-29T03:20', '2026-03-29T03:40']);
  });

  test('while the clock shows an hour again, the latest opening is the last of its first showing', () => {
    const spec = nightly('*/20 2 * * *', 'Europe/Berlin');
    const again = Date.parse('2026-10-25T01:10Z');
    expect(windowLabel(again, spec.timezone)).toBe('2026-10-25T02:10');
    expect(iso(latestOpening(spec, again).opens)).toBe('2026-10-25T00:40:00.000Z');
    expect(nextOpenings(spec, again, 1)[0]?.label).toBe('2026-10-26T02:00');
  });
});

describe('cron-parser in UTC agrees with counting by hand', () => {
  const table: [cron: string, matches: (at: Date) => boolean][] = [
    ['0 2 * * *', (at) => at.getUTCHours() === 2],
    ['0 2 * * 1', (at) => at.getUTCHours() === 2 && at.getUTCDay() === 1],
    ['0 2,14 * * 1-5', (at) => [2, 14].includes(at.getUTCHours()) && at.getUTCDay() % 6 !== 0],
    ['0 1 L * *', (at) => at.getUTCHours() === 1 && new Date(at.getTime() + DAY).getUTCDate() === 1],
    ['0 3 * * 5L', (at) => at.getUTCHours() === 3 && at.getUTCDay() === 5 && inNextMonth(at, 7)],
    ['0 3 * * 1#2', (at) => at.getUTCHours() === 3 && at.getUTCDay() === 1 && Math.ceil(at.getUTCDate() / 7) === 2],
    ['0 */6 31 * *', (at) => at.getUTCHours() % 6 === 0 && at.getUTCDate() === 31],
    ['0 0 1 1 *', (at) => at.getUTCHours() === 0 && at.getUTCDate() === 1 && at.getUTCMonth() === 0],
    ['0 2 29 2 *', (at) => at.getUTCHours() === 2 && at.getUTCDate() === 29 && at.getUTCMonth() === 1],
    ['0 2 13 * 5', (at) => at.getUTCHours() === 2 && (at.getUTCDate() === 13 || at.getUTCDay() === 5)],
  ];

  function inNextMonth(at: Date, days: number): boolean {
    return new Date(at.getTime() + days * DAY).getUTCMonth() !== at.getUTCMonth();
  }

  test.each(table)('%s, backwards and forwards over 14 months', (cron, matches) => {
    const from = Date.UTC(2027, 10, 20);
    const to = Date.UTC(2029, 0, 20);
    const expected: number[] = [];
    for (let at = from + HOUR; at <= to; at += HOUR) if (matches(new Date(at))) expected.push(at);
    const spec = nightly(cron, 'UTC');
    expect(openingsBetween(spec, from, to).map((w) => w.opens)).toEqual(expected);
    expect(nextOpenings(spec, from, expected.length).map((w) => w.opens)).toEqual(expected);
  });
});

describe('for any zone and schedule', () => {
  /** Days of three years with clock changes, and the ten days around changes twice as often as others. */
  const anyDay = fc.oneof(
    fc.integer({ min: Date.UTC(2025, 0, 1) / DAY, max: Date.UTC(2028, 0, 1) / DAY }),
    fc
      .constantFrom(
        '2026-03-08',
        '2026-03-29',
        '2026-04-05',
        '2026-10-04',
        '2026-10-25',
        '2026-11-01',
        '2026-02-15',
        '2026-03-22',
      )
      .map((day) => Date.parse(day) / DAY)
      .chain((day) => fc.integer({ min: day - 2, max: day + 1 })),
  );
  const anyTimes = fc.record({
    hours: fc.uniqueArray(fc.integer({ min: 0, max: 23 }), { minLength: 1, maxLength: 3 }),
    minutes: fc.uniqueArray(fc.constantFrom(0, 1, 15, 30, 45, 59), { minLength: 1, maxLength: 2 }),
  });
  const anyCase = fc.record({ zone: fc.constantFrom(...zones), day: anyDay, times: anyTimes });
  type Case = typeof anyCase extends fc.Arbitrary<infer Value> ? Value : never;

  function specOf({ zone, times }: Case): WindowSpec {
    return nightly(`${times.minutes.join(',')} ${times.hours.join(',')} * * *`, zone, MINUTE);
  }

  /** The meaning of a wall time, taken literally: the first minute whose clock shows it or later. */
  function readClock(zone: string, from: number, to: number): { at: number; shows: string }[] {
    const clock = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'short' });
    const shown: { at: number; shows: string }[] = [];
    for (let at = from; at <= to; at += MINUTE) shown.push({ at, shows: clock.format(at).replace(' ', 'T') });
    return shown;
  }

  test('windows open exactly once for each wall time, as a person reading the clock would open them', () => {
    fc.assert(
      fc.property(anyCase, (input) => {
        const { zone, day, times } = input;
        const shown = readClock(zone, (day - 1) * DAY, (day + 2) * DAY);
        const wanted = [day - 2, day - 1, day, day + 1].flatMap((date) =>
          times.hours.flatMap((h) => times.minutes.map((m) => iso(date * DAY + h * HOUR + m * MINUTE).slice(0, 16))),
        );
        const first = shown[0]?.shows ?? '';
        const opens = wanted
          .filter((wall) => wall > first)
          .map((wall) => shown.find(({ shows }) => shows >= wall)?.at ?? Number.NaN);
        const expected = [...new Set(opens.filter((at) => !Number.isNaN(at)))].sort((a, b) => a - b);
        const last = expected.at(-1) ?? day * DAY;
        const found = openingsBetween(specOf(input), (day - 1) * DAY, last);
        expect(found.map((w) => iso(w.opens))).toEqual(expected.map(iso));
      }),
      { numRuns: 60 },
    );
  });

  test('at any second from one opening to the next, the latest opening is the same window', () => {
    fc.assert(
      fc.property(anyCase, fc.nat(DAY), fc.double({ min: 0, max: 1, noNaN: true }), (input, within, share) => {
        const spec = specOf(input);
        const now = input.day * DAY + within;
        const window = latestOpening(spec, now);
        const [next] = nextOpenings(spec, now, 1);
        if (!next) throw new Error('there is always a next opening');
        expect(window.opens).toBeLessThanOrEqual(now);
        expect(next.opens).toBeGreaterThan(now);
        const other = window.opens + Math.floor(share * (next.opens - 1 - window.opens));
        for (const instant of [window.opens, other, next.opens - 1]) {
          expect(latestOpening(spec, instant)).toEqual(window);
          expect(nextOpenings(spec, instant, 1)).toEqual([next]);
        }
        expect(latestOpening(spec, next.opens)).toEqual(next);
        expect(latestOpening(spec, window.opens - 1).opens).toBeLessThan(window.opens);
      }),
      { numRuns: 150 },
    );
  });

  test('listed forwards and backwards, windows are the same, strictly in order, under different labels', () => {
    fc.assert(
      fc.property(anyCase, (input) => {
        const spec = specOf(input);
        const ahead = nextOpenings(spec, input.day * DAY, 12);
        const last = ahead.at(-1)?.opens ?? 0;
        expect(openingsBetween(spec, input.day * DAY, last)).toEqual(ahead);
        expect(ahead.every((w, index) => index === 0 || w.opens > (ahead[index - 1]?.opens ?? 0))).toBe(true);
        expect(new Set(ahead.map((w) => w.label)).size).toBe(ahead.length);
      }),
      { numRuns: 150 },
    );
  });

  test('a schedule that is accepted never has two windows open at once, and one minute more is refused', () => {
    fc.assert(
      fc.property(fc.constantFrom(...zones), anyTimes, (zone, times) => {
        const cron = `${times.minutes.join(',')} ${times.hours.join(',')} * * *`;
        const year = openingsBetween(nightly(cron, zone), Date.UTC(2026, 0, 1), Date.UTC(2026, 5, 1));
        const half = openingsBetween(nightly(cron, zone), Date.UTC(2026, 5, 1) - DAY, Date.UTC(2026, 11, 1));
        const shortest = Math.min(...gaps(year), ...gaps(half));
        expect(checkWindowSpec(nightly(cron, zone, shortest))).toHaveLength(1);
        expect(checkWindowSpec(nightly(cron, zone, shortest - MINUTE))).toEqual(
          shortest > MINUTE ? [] : [expect.anything()],
        );
      }),
      { numRuns: 8 },
    );
  });

  function gaps(windows: readonly Window[]): number[] {
    return windows.slice(1).map((w, index) => w.opens - (windows[index]?.opens ?? 0));
  }
});

describe('a schedule is refused with what was expected and what stands there', () => {
  const table: [what: string, cron: string, zone: string, lengthMs: number, problems: (string | RegExp)[]][] = [
    ['a good one', '0 2 * * *', 'Europe/Berlin', 4 * HOUR, []],
    ['names of days', '0 2 * * THU', 'Europe/Berlin', 4 * HOUR, []],
    ['seconds', '0 0 2 * * *', 'UTC', HOUR, [/five fields.*not the 6 of '0 0 2 \* \* \*'/]],
    ['four fields', '0 2 * *', 'UTC', HOUR, [/five fields.*not the 4 of '0 2 \* \*'/]],
    ['nothing', ' ', 'UTC', HOUR, [/five fields.*not the 0 of ' '/]],
    ['a nickname', '@daily', 'UTC', HOUR, [/written out as five fields.*not '@daily'/]],
    ['hour 25', '0 25 * * *', 'UTC', HOUR, [/not '0 25 \* \* \*' \(.*25.*0-23\)/]],
    ['a random minute', 'H 2 * * *', 'UTC', HOUR, [/fixed times, not 'H 2 \* \* \*'/]],
    ['a random minute after a digit', '1H 2 * * THU', 'UTC', HOUR, [/fixed times/]],
    ['30 February', '0 2 30 2 *', 'UTC', HOUR, [/not '0 2 30 2 \*'/]],
    ['an unknown zone', '0 2 * * *', 'Mars/Base', HOUR, [/IANA.*not 'Mars\/Base'/]],
    ['an offset for a zone', '0 2 * * *', '+02:00', HOUR, [/IANA.*not '\+02:00'/]],
    ['no zone', '0 2 * * *', '', HOUR, [/IANA.*not ''/]],
    ['no length', '0 2 * * *', 'UTC', 0, [/above zero, not 0 ms/]],
    ['everything at once', 'x', 'Mars/Base', -1, [/cron/, /timezone/, /length/]],
    [
      'a whole day where days are equal',
      '0 2 * * *',
      'UTC',
      DAY,
      ['length below the 24h between two openings, not 24h'],
    ],
    ['one second less', '0 2 * * *', 'UTC', DAY - 1000, []],
    [
      'a whole day where one has 23 h',
      '30 4 * * *',
      'Europe/Berlin',
      DAY - 1000,
      [/below the 23h between 2026-03-28T04:30 and 2026-03-29T04:30/],
    ],
    ['that day exactly', '0 4 * * *', 'Europe/Berlin', 23 * HOUR, [/below the 23h/]],
    ['that day, one second less', '0 4 * * *', 'Europe/Berlin', 23 * HOUR - 1000, []],
    [
      'a week with a short day',
      '0 2 * * 1',
      'Europe/Berlin',
      167 * HOUR,
      [/below the 167h between 2026-03-23T02:00 and/],
    ],
    ['hourly', '0 * * * *', 'UTC', HOUR, [/below the 1h between two openings/]],
    [
      'times cut short by a gap',
      '30 2,3 * * *',
      'Europe/Berlin',
      45 * MINUTE,
      [/below the 30m between 2026-03-29T03:00 and 2026-03-29T03:30, not 45m/],
    ],
    ['half a second too long', '* * * * *', 'UTC', MINUTE + 500, [/below the 1m between two openings, not 1m0.5s/]],
    ['around midnight', '0 0,23 * * *', 'UTC', 90 * MINUTE, [/below the 1h between/]],
    ['around a midnight that no day has', '0 0,23 * * 1', 'UTC', 90 * MINUTE, []],
    [
      'two dates that meet a short day in some years',
      '0 2 28,29 3 *',
      'Europe/Berlin',
      23.5 * HOUR,
      [/below the 23h between 2027-03-28/],
    ],
  ];

  test.each(table)('%s', (_what, cron, zone, lengthMs, problems) => {
    expect(checkWindowSpec(nightly(cron, zone, lengthMs))).toEqual(
      problems.map((problem) => (typeof problem === 'string' ? problem : expect.stringMatching(problem))),
    );
  });
});

test('a window outside the schedule opens now and lasts as long as a scheduled one', () => {
  const now = Date.parse('2026-11-22T17:03:25.250Z');
  const spec = nightly('0 2 * * *', 'Europe/Berlin', 4 * HOUR);
  expect(unscheduledWindow(spec, now)).toEqual({ opens: now, closes: now + 4 * HOUR, label: '2026-11-22T18:03' });
});

test('a list of openings is bounded, and the newest are in it', () => {
  const to = Date.UTC(2026, 5, 1);
  const found = openingsBetween(nightly('* * * * *', 'UTC', 1000), to - 30 * DAY, to);
  expect(found).toHaveLength(mostOpenings);
  expect(found.at(-1)?.opens).toBe(to);
});

test('bounds of a list: what opens at the start is not in it, what opens at the end is', () => {
  const spec = nightly('0 2 * * *', 'UTC');
  const [from, to] = [Date.parse('2026-06-01T02:00Z'), Date.parse('2026-06-03T02:00Z')];
  expect(openingsBetween(spec, from, to).map((w) => w.label)).toEqual(['2026-06-02T02:00', '2026-06-03T02:00']);
  expect(openingsBetween(spec, to, from)).toEqual([]);
});
