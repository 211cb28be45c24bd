import { describe, expect, test } from 'vitest';
import { expectedSince, judgeHealth, type Vitals } from '../../src/domain/health.js';
import type { Outcome, RunId } from '../../src/domain/types.js';

const hour = 3_600_000;
const now = Date.UTC(2026, 10, 23, 9);
const since = now - 26 * hour;
const calm: Vitals = { now, since };

const ran = (outcome: Outcome | undefined, hoursAgo: number, settledByHand = false): Vitals['run'] => {
  const at = now - hoursAgo * hour;
  return { outcome, startedAt: at, endedAt: outcome && at, settledByHand };
};
const looked = (
  hoursAgo: number,
  exit = 0,
  run: string | null = null,
  because: string | null = null,
): Vitals['look'] => {
  return { at: now - hoursAgo * hour, exit, run: run as RunId | null, because };
};

describe('what is well', () => {
  test.each<[string, Partial<Vitals>, string]>([
    ['a run that went live', { run: ran('published', 3), look: looked(3, 0, 'r') }, 'published'],
    ['a run without changes', { run: ran('unchanged', 3), look: looked(3, 0, 'r') }, 'unchanged'],
    ['an hourly call that finds nothing to do', { run: ran('published', 40), look: looked(1) }, 'nothing'],
    ['an idle call that waited for an edge in vain', { run: ran('published', 5), look: looked(1, 7) }, 'nothing'],
    ['a run at work', { run: ran(undefined, 1), live: { startedAt: now - hour } }, 'running'],
    ['a run at work that nobody dated', { live: {} }, 'running'],
    ['a held run that somebody published', { run: ran('held', 3, true), look: looked(3, 4, 'r') }, 'published'],
    ['a state that knows runs of before the first look', { run: ran('published', 3) }, 'published'],
  ])('%s', (_, vitals, verdict) => {
    expect(judgeHealth({ ...calm, ...vitals })).toMatchObject({ ok: true, verdict });
  });
});

describe('what is a problem', () => {
  test.each<[string, Partial<Vitals>, string]>([
    ['nobody ever called', {}, 'silent'],
    ['nobody called since', { run: ran('published', 40), look: looked(27) }, 'silent'],
    ['the last call before the silence failed too', { look: looked(27, 75, null, 'no source') }, 'silent'],
    ['a trace of the future proves nothing', { look: looked(-2) }, 'silent'],
    ['a call that failed before it had a run', { run: ran('published', 5), look: looked(1, 75) }, 'failing'],
    ['a run that failed', { run: ran('failed', 3), look: looked(3, 1, 'r') }, 'failing'],
    ['a run whose publishing is not settled', { run: ran('unknown', 3), look: looked(3, 6, 'r') }, 'failing'],
    ['a held run', { run: ran('held', 3), look: looked(3, 4, 'r') }, 'held'],
    ['calls that leave a held run as it is', { run: ran('held', 3), look: looked(1) }, 'held'],
    ['a snapshot with holes', { run: ran('incomplete', 3), look: looked(1) }, 'incomplete'],
    ['a run that was stopped', { run: ran('interrupted', 3), look: looked(3, 143, 'r') }, 'interrupted'],
    ['a run that was killed, and left no look', { run: ran(undefined, 3), look: looked(30) }, 'interrupted'],
    ['a run that does not come to an end', { live: { startedAt: now - 27 * hour } }, 'stuck'],
    ['an edge that was not told', { run: ran('published', 3), untold: ['varnish'] }, 'untold'],
    ['a held run, whatever edges know', { run: ran('held', 3), untold: ['varnish'] }, 'held'],
    ['an origin that cannot be read', { run: ran('published', 3), originTrouble: 'gone' }, 'unreadable'],
  ])('%s', (_, vitals, verdict) => {
    expect(judgeHealth({ ...calm, ...vitals })).toMatchObject({ ok: false, verdict });
  });
});

test('a failed call is told in its own words', () => {
  expect(judgeHealth({ ...calm, look: looked(1, 75, null, 'the source is not mounted') }).because).toBe(
    'the source is not mounted',
  );
});

test('a trace is expected from the opening of the newest window that has closed', () => {
  const nightly = { cron: '0 2 * * *', timezone: 'UTC', lengthMs: 4 * hour };
  const opened = (day: number) => Date.UTC(2026, 10, day, 2);
  expect(expectedSince(nightly, Date.UTC(2026, 10, 23, 1))).toBe(opened(22));
  expect(expectedSince(nightly, Date.UTC(2026, 10, 23, 5, 59))).toBe(opened(22)); // still open: yesterday's call will do
  expect(expectedSince(nightly, Date.UTC(2026, 10, 23, 6))).toBe(opened(23));
  const workdays = { ...nightly, cron: '0 2 * * 1-5' };
  expect(expectedSince(workdays, Date.UTC(2026, 10, 23, 1))).toBe(opened(20)); // Monday: nobody calls at weekends
});
