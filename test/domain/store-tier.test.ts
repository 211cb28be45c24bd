import { expect, test } from 'vitest';
import {
  firstAgainst,
  gravityOf,
  type Observation,
  relianceOf,
  tierOf,
  whyUnfit,
} from '../../src/domain/store-tier.js';

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

test('commits go by the way that the head says, and before the first one by the best that the store keeps', () => {
  const byLog = { singleWriter: false, head: { commitsBy: 'log' } } as const;
  const bySwap = { singleWriter: false, head: {} };
  const first = { singleWriter: false, head: undefined };
  const tiers = ['A', 'B', 'C'] as const;
  const ways = (known: Parameters<typeof relianceOf>[1]) => tiers.map((tier) => relianceOf(tier, known));
  expect(ways(first)).toEqual(['swap', 'create', 'swap']);
  expect(ways(bySwap)).toEqual(['swap', 'swap', 'swap']);
  expect(ways(byLog)).toEqual(['create', 'create', 'create']);
  expect(ways({ ...byLog, singleWriter: true })).toEqual(['nothing', 'nothing', 'nothing']);
});

test('a store must keep what commits rely on, and is told so when it does not', () => {
  const fit = (['A', 'B', 'C'] as const).map((tier) =>
    (['swap', 'create', 'nothing'] as const).filter((reliance) => whyUnfit(tier, reliance) === undefined),
  );
  expect(fit).toEqual([['swap', 'create', 'nothing'], ['create', 'nothing'], ['nothing']]);
  expect(whyUnfit('B', 'swap')).toMatch(/begun with compare and swap.*a new prefix.*singleWriter: true/);
  expect(whyUnfit('C', 'create')).toContain('singleWriter: true');
});

test('what nobody relies on is a note', () => {
  const gravities = (check: Observation['check']) =>
    (['swap', 'create', 'nothing'] as const).map((reliance) =>
      gravityOf({ check, seen: 'broken', detail: '' }, reliance),
    );
  expect(gravities('swap stale')).toEqual(['problem', 'note', 'note']);
  expect(gravities('create race')).toEqual(['problem', 'problem', 'note']);
});

test('lost bytes and headers are a problem for everybody, a clock that is wrong for nobody', () => {
  expect(gravityOf({ check: 'headers', seen: 'broken', detail: '' }, 'nothing')).toBe('problem');
  expect(gravityOf({ check: 'clock', seen: 'broken', detail: '' }, 'swap')).toBe('note');
  expect(gravityOf({ check: 'headers', seen: 'kept', detail: '' }, 'swap')).toBe('ok');
});

test('success where refusal is due is worse evidence than a refusal', () => {
  const found = firstAgainst(seen(['create', 'refused'], ['swap stale', 'broken']), 'swap');
  expect(found?.check).toBe('swap stale');
  expect(firstAgainst(seen(['swap stale', 'broken']), 'create')).toBeUndefined();
  expect(firstAgainst(seen(), 'swap')).toBeUndefined();
});
