import { describe, expect, test } from 'vitest';
import { deadlineOf, importNights, liveFrom, parseDeadline } from '../../src/domain/deadline.js';
import { parseDuration } from '../../src/job/units.js';

const window = { opens: 1000, closes: 5000, label: 'tonight' };

test.each([
  ['inside its window', 1000, undefined, 5000],
  ['at the very close', 5000, undefined, undefined],
  ['after its window', 9000, undefined, undefined],
  ['told another time', 2000, 3000, 3000],
  ['told another time after its window', 9000, 9500, 9500],
  ['told to take its time', 2000, 'none', undefined],
] as const)('the deadline of a run begun %s', (_when, now, asked, expected) => {
  expect(deadlineOf(window, now, asked)).toBe(expected);
});

test.each([
  ['when it is done', 'done', true, 2000, undefined],
  ['at the close of its window', 'close', true, 2000, 5000],
  ['at the close, although the clock went back before the opening', 'close', true, 500, 5000],
  ['at once, being done at the close', 'close', true, 5000, undefined],
  ['at once, being late', 'close', true, 9000, undefined],
  ['at once, outside the schedule', 'close', false, 2000, undefined],
] as const)('a run goes live %s', (_when, publishAt, scheduled, now, expected) => {
  expect(liveFrom({ at: publishAt }, { window, scheduled }, now)).toBe(expected);
});

describe('a deadline as people write it', () => {
  const now = Date.parse('2026-03-28T20:00:00Z'); // 21:00 in Berlin, the evening before the clock goes forward
  const parse = (text: string) => parseDeadline(text, { now, zone: 'Europe/Berlin', duration: parseDuration });

  test.each([
    ['90m', '2026-03-28T21:30:00Z'],
    ['21:30', '2026-03-28T20:30:00Z'],
    ['20:00', '2026-03-29T18:00:00Z'],
    ['02:30', '2026-03-29T01:00:00Z'],
    ['06:00', '2026-03-29T04:00:00Z'],
    ['2026-03-29T05:00:00+02:00', '2026-03-29T03:00:00Z'],
  ])('%s', (text, expected) => expect(parse(text)).toBe(Date.parse(expected)));

  test.each(['24:00', '6:00', 'soon', '', '2026-03-29', '2026-13-29T05:00:00Z'])('%j is none', (text) => {
    expect(parse(text)).toBeUndefined();
  });

  test('or that there is none', () => expect(parse('none')).toBe('none'));
});

test('an import tells about how many nights it takes, once anything is known', () => {
  expect(importNights(0, 100, 450)).toEqual({ night: 1, about: 6 });
  expect(importNights(1, 100, 350)).toEqual({ night: 2, about: 6 });
  expect(importNights(0, 0, 350)).toEqual({ night: 1 });
});
