import { describe, expect, test } from 'vitest';
import type { WindowSpec } from '../../src/domain/types.js';
import { checkWindowSpec, latestOpening, nextOpenings, openingsBetween } from '../../src/domain/window.js';
import {
  openingsOf,
  randomFrom,
  type Schedule,
  type Span,
  schedulesAbout,
  shownAt,
  spansOf,
} from '../support/clocks.js';

/**
 * Windows in all zones of the runtime over ten years, against clocks worked out in another way: around every change of
 * every clock, and at instants drawn at random. Zones whose clocks are the same for all that time take turns.
 */
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY = 86_400_000;
const from = Date.UTC(2021, 0, 1);
const to = Date.UTC(2031, 0, 1);

const seed = Number(process.env.NIGHTPRESS_SEED ?? Date.now() % 1_000_000_000);
const random = randomFrom(seed);

function anyOf<T>(values: readonly T[]): T {
  const value = values[Math.floor(random() * values.length)];
  if (value === undefined) throw new Error('nothing to choose from');
  return value;
}

const zones = [...new Set([...Intl.supportedValuesOf('timeZone'), 'UTC'])];
/** Zones whose clocks are the same for all the time, together. */
const alike = new Map<string, { readonly spans: readonly Span[]; readonly zones: string[] }>();
for (const zone of zones) {
  const spans = spansOf(zone, from - 60 * DAY, to + 60 * DAY);
  const same = alike.get(JSON.stringify(spans)) ?? { spans, zones: [] };
  alike.set(JSON.stringify(spans), same);
  same.zones.push(zone);
}

interface Stretch {
  readonly zone: string;
  readonly spans: readonly Span[];
  readonly schedule: Schedule;
  readonly from: number;
  readonly to: number;
}

/** Every promise about windows, checked from one instant to another. */
function checkStretch({ zone, spans, schedule, from, to }: Stretch): void {
  const told = `${schedule.cron} in ${zone}, ${new Date(from).toISOString()} to ${new Date(to).toISOString()}, NIGHTPRESS_SEED=${seed}`;
  const spec: WindowSpec = { cron: schedule.cron, timezone: zone, lengthMs: MINUTE };
  const expected = openingsOf(schedule, spans, from, to).map((opens) => ({
    opens,
    closes: opens + MINUTE,
    label: shownAt(spans, opens),
  }));
  const found = openingsBetween(spec, from, to);
  expect(found, told).toEqual(expected);
  expect(nextOpenings(spec, from, found.length), told).toEqual(expected);
  for (const [index, window] of found.slice(0, -1).entries()) {
    const end = found[index + 1]?.opens ?? to;
    const inside = window.opens + Math.floor((random() * (end - window.opens)) / SECOND) * SECOND;
    for (const now of [inside, end - 1]) expect(latestOpening(spec, now), `${now}: ${told}`).toEqual(window);
  }
}

/** How far to both sides of an instant there are windows enough to see. */
const reach = [2 * DAY, 8 * DAY, DAY, 33 * DAY];

function checkAbout(zone: string, spans: readonly Span[], at: number, wall: number): void {
  for (const [index, schedule] of schedulesAbout(wall).entries()) {
    const days = reach[index] ?? DAY;
    checkStretch({ zone, spans, schedule, from: at - days, to: at + days });
  }
}

test('the runtime knows zones, and clocks that change', () => {
  expect(zones.length).toBeGreaterThan(300);
  expect([...alike.values()].filter(({ spans }) => spans.length > 10).length).toBeGreaterThan(20);
});

describe('daily, weekly, several times a day, on the last day of the month: one window for each wall time', () => {
  test('around every change of every clock', () => {
    let changes = 0;
    for (const { spans, zones: names } of alike.values()) {
      for (const [index, { from: at, offset }] of spans.entries()) {
        const before = spans[index - 1]?.offset;
        if (before === undefined || at < from || at > to) continue;
        changes++;
        const [low, high] = [at + Math.min(before, offset), at + Math.max(before, offset)];
        const middle = Math.floor((low + high) / 2 / MINUTE) * MINUTE;
        checkAbout(anyOf(names), spans, at, anyOf([low - MINUTE, low, middle, high - MINUTE, high]));
      }
    }
    expect(changes).toBeGreaterThan(500);
  });

  test('in every zone, at instants drawn at random', () => {
    for (const { spans, zones: names } of alike.values()) {
      for (const zone of names) {
        const at = from + Math.floor((random() * (to - from)) / MINUTE) * MINUTE;
        const schedule = anyOf(schedulesAbout(at));
        const days = schedule.cron.includes('L') ? 33 * DAY : 4 * DAY;
        checkStretch({ zone, spans, schedule, from: at - days, to: at + days });
      }
    }
  });
});

test('in every zone, a length that makes two windows of a schedule meet is refused', () => {
  const soon = Date.UTC(2026, 0, 1);
  for (const { spans, zones: names } of alike.values()) {
    const changes = spans.filter(({ from: at }) => at >= soon && at <= to).map((span) => span.from + span.offset);
    const schedule = anyOf(schedulesAbout(anyOf([...changes, soon])));
    const opens = openingsOf(schedule, spans, soon, to);
    const shortest = Math.min(...opens.slice(1).map((at, index) => at - (opens[index] ?? at)));
    const spec = { cron: schedule.cron, timezone: anyOf(names) };
    const told = `${spec.cron} in ${spec.timezone}, NIGHTPRESS_SEED=${seed}`;
    expect(checkWindowSpec({ ...spec, lengthMs: shortest }), told).toHaveLength(1);
    expect(checkWindowSpec({ ...spec, lengthMs: Math.floor(shortest / 2) }), told).toEqual([]);
  }
});
