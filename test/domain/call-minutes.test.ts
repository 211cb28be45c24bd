import { expect, test } from 'vitest';
import { callMinutes } from '../../src/domain/call-minutes.js';
import { nextOpenings } from '../../src/domain/window.js';
import { wallAt } from '../../src/domain/zone.js';

const MINUTE = 60_000;
const now = Date.UTC(2026, 10, 22);

const table: [what: string, cron: string, zone: string, clock: string, minutes: readonly number[]][] = [
  ['its own zone', '30 2 * * *', 'Europe/Berlin', 'Europe/Berlin', [0, 30]],
  ['its own zone, no gap at that time', '30 4 * * *', 'Europe/Berlin', 'Europe/Berlin', [30]],
  ['whole hours apart', '0 2 * * *', 'Europe/Berlin', 'America/New_York', [0]],
  ['a quarter of an hour apart', '0 2 * * *', 'Asia/Kathmandu', 'UTC', [15]],
  ['half an hour apart in summer only', '0 12 * * *', 'Australia/Lord_Howe', 'UTC', [0, 30]],
  ['several times a day', '5,35 1,13 * * *', 'UTC', 'UTC', [5, 35]],
  ['years ahead', '20 4 29 2 *', 'UTC', 'UTC', [20]],
  ['every minute', '* * * * *', 'UTC', 'UTC', Array.from({ length: 60 }, (_, minute) => minute)],
];

test.each(table)('minutes of calls: %s (%s in %s, called by the clock of %s)', (_what, cron, zone, clock, minutes) => {
  expect(callMinutes({ cron, timezone: zone, lengthMs: MINUTE }, clock, now)).toEqual(minutes);
});

test('a call comes with every opening of a year, whatever the two zones', () => {
  const zones = [
    'Europe/Berlin',
    'America/St_Johns',
    'Australia/Lord_Howe',
    'Antarctica/Troll',
    'Asia/Kathmandu',
    'UTC',
  ];
  for (const timezone of zones)
    for (const clock of ['UTC', 'Australia/Lord_Howe']) {
      const spec = { cron: '15 2 * * *', timezone, lengthMs: MINUTE };
      const minutes = callMinutes(spec, clock, now);
      for (const { opens, label } of nextOpenings(spec, now, 365))
        expect(minutes, `${label} ${timezone} ${clock}`).toContain(Math.floor(wallAt(opens, clock) / MINUTE) % 60);
    }
});
