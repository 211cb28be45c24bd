import { expect, test } from 'vitest';
import { firstAgainst, gravityOf, type Observation, tierOf, whyUnfit } from '../../src/domain/store-tier.js';

const creating = ['create', 'create again', 'create race'] as const;
const swapping = ['swap', 'swap stale', 'swap missing', 'swap race'] as const;

function seen(...not: readonly [Observation['check'], Observation['seen']][]): readonly Observation[] {
  const odd = new Map(not);
  return [...creating, ...swapping].map((check) => ({ check, seen: odd.get(check) ?? 'kept', detail: check }));
}

test('a store that keeps every condition compares and swaps', () => {
  expect(tierOf(seen())).toBe('A');
});

test.each(swapping)('one bad answer in %s makes it a store that only creates, however often it was right', (check) => {
  expect(tierOf(seen([check, 'broken']))).toBe('B');
  expect(tierOf(seen([check, 'refused']))).toBe('B');
  expect(tierOf([...seen(), { check, seen: 'broken', detail: 'the second time' }])).toBe('B');
});

test.each(creating)('one bad answer in %s leaves nothing to rely on', (check) => {
  expect(tierOf(seen([check, 'broken']))).toBe('C');
  expect(tierOf(seen([check, 'refused']))).toBe('C');
});

test('what was not tried was not kept', () => {
  expect(tierOf([])).toBe('C');
  expect(tierOf(seen().filter(({ check }) => check !== 'swap race'))).toBe('B');
  expect(tierOf(seen().filter(({ check }) => check !== 'create again'))).toBe('C');
});

test('only a single writer may publish without compare and swap, and is told all the same', () => {
  expect(whyUnfit('A', false)).toBeUndefined();
  expect(whyUnfit('B', false)).toMatch(/only entries, .* are not built.*singleWriter: true/);
  expect(whyUnfit('C', false)).toContain('singleWriter: true');
  expect([whyUnfit('B', true), whyUnfit('C', true)]).toEqual([undefined, undefined]);
  const stale: Observation = { check: 'swap stale', seen: 'broken', detail: '' };
  expect([gravityOf(stale, false), gravityOf(stale, true)]).toEqual(['problem', 'note']);
});

test('lost bytes and headers are a problem for everybody, a clock that is wrong for nobody', () => {
  expect(gravityOf({ check: 'headers', seen: 'broken', detail: '' }, true)).toBe('problem');
  expect(gravityOf({ check: 'clock', seen: 'broken', detail: '' }, false)).toBe('note');
  expect(gravityOf({ check: 'headers', seen: 'kept', detail: '' }, false)).toBe('ok');
});

test('success where refusal is due is worse evidence than a refusal', () => {
  const found = firstAgainst(seen(['create', 'refused'], ['swap stale', 'broken']));
  expect(found?.check).toBe('swap stale');
  expect(firstAgainst(seen())).toBeUndefined();
});
