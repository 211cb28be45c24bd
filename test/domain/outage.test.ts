import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Decision } from '../../src/domain/choose-window.js';
import { bearsUntil, outagePauseMs } from '../../src/domain/outage.js';

const window = { opens: 1000, closes: 5000, label: 'night' };
const run: Decision = { kind: 'run', window, scheduled: true, missed: [], because: '' };

test.each([
  ['a scheduled run waits to the close', run, { now: 2000, scheduled: true, deadline: undefined }, 5000],
  ['a resumed one too', { kind: 'resume', window, because: '' }, { now: 2000, scheduled: true }, 5000],
  ['a deadline counts for more than the close', run, { now: 2000, scheduled: true, deadline: 3000 }, 3000],
  ['after the close nobody waits', run, { now: 5000, scheduled: true }, undefined],
  ['without a deadline nobody waits', run, { now: 2000, scheduled: true, deadline: 'none' }, undefined],
  ['a run outside the schedule does not wait', run, { now: 2000, scheduled: false }, undefined],
  ['unless it was given a deadline', run, { now: 2000, scheduled: false, deadline: 3000 }, 3000],
  [
    'nothing to do, nothing to wait for',
    { kind: 'nothing', window, because: '' },
    { now: 2000, scheduled: true },
    undefined,
  ],
] as const)('%s', (_, decision, asked, until) => {
  expect(bearsUntil(decision, { deadline: undefined, ...asked })).toBe(until);
});

test('pauses grow from about a second to a minute, and are never shorter than half of what they may be', () => {
  const bounds = [2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000];
  expect(bounds.map((_, n) => outagePauseMs(n + 1, () => 0))).toEqual(bounds.map((bound) => bound / 2));
  const anyPause = fc.tuple(fc.integer({ min: 1, max: 5000 }), fc.double({ min: 0, max: 0.999, noNaN: true }));
  fc.assert(
    fc.property(anyPause, ([failures, random]) => {
      const pause = outagePauseMs(failures, () => random);
      return pause >= 1000 && pause <= 60_000;
    }),
  );
});
