import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { type FailedTry, nextTry, pauseMs } from '../../src/domain/tries.js';

const limits = { random: () => 0.5, infrastructureLeft: 10 };
const refused = (failure: FailedTry['class']): FailedTry => ({ class: failure, died: false, alone: false });
const death: FailedTry = { class: 'resource', died: true, alone: false };
const times = (n: number, one: FailedTry) => Array.from({ length: n }, () => one);

describe('what becomes of an item that failed', () => {
  it.each<[string, readonly FailedTry[], string]>([
    ['bad input is bad input', [refused('input')], 'give-up'],
    ['so is a recipe that cannot work', [refused('recipe')], 'give-up'],
    ['also after something that passed', [refused('transient'), refused('input')], 'give-up'],
    ['what may pass is tried again', [refused('transient')], 'again'],
    ['and again', times(2, refused('transient')), 'again'],
    ['but not for ever', times(3, refused('transient')), 'give-up'],
    ['resources likewise', times(3, refused('resource')), 'give-up'],
    [
      'resources and passing trouble share their tries',
      [refused('resource'), ...times(2, refused('transient'))],
      'give-up',
    ],
    ['the machinery has tries of its own', [...times(2, refused('transient')), refused('infrastructure')], 'again'],
    ['which do not use up those of the item', [...times(3, refused('infrastructure')), refused('transient')], 'again'],
    ['and end too', times(4, refused('infrastructure')), 'give-up'],
    ['a first death', [death], 'again'],
    ['a second death: alone', times(2, death), 'alone'],
    ['whatever came between', [death, refused('transient'), death], 'alone'],
    ['a death alone', [...times(2, death), { ...death, alone: true }], 'poison'],
    [
      'alone, what may pass is still tried again',
      [...times(2, death), { ...refused('transient'), alone: true }],
      'again',
    ],
    ['alone, a proper refusal is no death', [...times(2, death), { ...refused('input'), alone: true }], 'give-up'],
  ])('%s', (_, failed, kind) => {
    expect(nextTry(failed, limits).kind).toBe(kind);
  });

  it('gives up at once when the night has no patience with its machinery left', () => {
    expect(nextTry([refused('infrastructure')], { ...limits, infrastructureLeft: 0 }).kind).toBe('give-up');
    expect(nextTry([refused('transient')], { ...limits, infrastructureLeft: 0 }).kind).toBe('again');
  });
});

test('whatever fails how, an item ends after a bounded number of tries', () => {
  const failure = fc.record<FailedTry>({
    class: fc.constantFrom('input', 'recipe', 'transient', 'resource', 'infrastructure'),
    died: fc.boolean(),
    alone: fc.constant(false),
  });
  fc.assert(
    fc.property(fc.array(failure, { minLength: 12, maxLength: 12 }), (failures) => {
      const ends = failures.findIndex((_, n) => nextTry(failures.slice(0, n + 1), limits).kind !== 'again');
      expect(ends).toBeGreaterThanOrEqual(0);
      expect(ends).toBeLessThan(8);
    }),
  );
});

test('a pause is anything up to a bound that doubles, and at most eight seconds', () => {
  expect([1, 2, 3, 4, 5, 60].map((failures) => pauseMs(failures, () => 0.999_999))).toEqual([
    999, 1999, 3999, 7999, 7999, 7999,
  ]);
  expect(pauseMs(3, () => 0)).toBe(0);
});
