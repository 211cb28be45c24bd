import { expect, test } from 'vitest';
import { mostCalls, nextCall, parseRetryAfter } from '../../src/domain/calls.js';

const early = { tries: 1, spentMs: 0, random: () => 0.5 };

test.each([
  ['no answer', { lost: 'ECONNRESET' }, 500],
  ['429 with a wish', { status: 429, retryAfterMs: 9000 }, 9000],
  ['429 at once', { status: 429, retryAfterMs: 0 }, 0],
  ['429 without', { status: 429 }, 500],
  ['503', { status: 503 }, 500],
  ['408', { status: 408 }, 500],
  ['400', { status: 400 }, undefined],
  ['a 400 that means busy', { status: 400, busy: true }, 500],
  ['401', { status: 401 }, undefined],
  ['404 with a wish', { status: 404, retryAfterMs: 1000 }, undefined],
  ['302', { status: 302 }, undefined],
  ['a wish for an hour', { status: 503, retryAfterMs: 3_600_000 }, undefined],
] as const)('after %s the pause is right', (_, tried, pause) => {
  expect(nextCall(tried, early)).toBe(pause);
});

test('pauses double in their bound; after five calls or two minutes it is enough', () => {
  const pauses = Array.from({ length: mostCalls }, (_, at) => nextCall({ status: 500 }, { ...early, tries: at + 1 }));
  expect(pauses).toEqual([500, 1000, 2000, 4000, undefined]);
  expect(nextCall({ status: 500 }, { ...early, spentMs: 119_600 })).toBeUndefined();
});

test.each([
  ['120', 120_000],
  [' 0 ', 0],
  ['Thu, 26 Nov 2026 02:00:05 GMT', 5000],
  ['Thu, 26 Nov 2026 01:00:00 GMT', 0],
  ['soon', undefined],
  [undefined, undefined],
])('Retry-After %s is %s ms', (text, ms) => {
  expect(parseRetryAfter(text, Date.UTC(2026, 10, 26, 2))).toBe(ms);
});
