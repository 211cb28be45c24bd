import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Sampleable, stratifiedSample, stratumOf } from '../../src/domain/sample.js';

function asset(key: string, bytes = 1000, recipes: readonly string[] = ['pictures']): Sampleable {
  return { key, bytes, recipes };
}

const libraries = fc.uniqueArray(
  fc.record({
    key: fc
      .tuple(fc.stringMatching(/^[a-z0-9]{1,4}$/), fc.constantFrom('.jpg', '.PNG', '.mp4', ''))
      .map((parts) => parts.join('')),
    bytes: fc.integer({ min: 0, max: 20_000 }),
    recipes: fc.subarray(['pictures', 'clips', 'rest'], { minLength: 1 }),
  }),
  { selector: ({ key }) => key, maxLength: 80 },
);

function sizes(assets: readonly Sampleable[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const one of assets) counts.set(stratumOf(one), (counts.get(stratumOf(one)) ?? 0) + 1);
  return counts;
}

describe('a stratified sample', () => {
  test('has as many assets as asked for, each of the library and once, by key', () => {
    fc.assert(
      fc.property(libraries, fc.integer({ min: 1, max: 100 }), (listed, size) => {
        const keys = stratifiedSample(listed, size).map(({ key }) => key);
        expect(keys).toHaveLength(Math.min(size, listed.length));
        expect(keys).toEqual([...new Set(keys)].sort());
        expect(listed.map(({ key }) => key)).toEqual(expect.arrayContaining(keys));
      }),
    );
  });

  test('shows every stratum that there is room for, and more of the larger ones', () => {
    fc.assert(
      fc.property(libraries, fc.integer({ min: 1, max: 100 }), (listed, size) => {
        const all = sizes(listed);
        const shown = sizes(stratifiedSample(listed, size));
        expect(shown.size).toBe(Math.min(size, all.size));
        for (const [one, members] of all) {
          for (const [other, others] of all) {
            if (members > others) expect(shown.get(one) ?? 0).toBeGreaterThanOrEqual(shown.get(other) ?? 0);
          }
        }
      }),
    );
  });

  test('is the same whatever the order of the library', () => {
    fc.assert(
      fc.property(libraries, fc.integer({ min: 1, max: 100 }), fc.nat(), (listed, size, turn) => {
        const at = turn % (listed.length + 1);
        const other = [...listed.slice(at), ...listed.slice(0, at)].reverse();
        expect(stratifiedSample(other, size)).toEqual(stratifiedSample(listed, size));
      }),
    );
  });

  test('stays mostly the same when the library grows: other strata do not choose for this one', () => {
    const listed = Array.from({ length: 50 }, (_, n) => asset(`a${n}.jpg`));
    const before = stratifiedSample(listed, 10).map(({ key }) => key);
    const after = stratifiedSample([...listed, asset('clip.mp4', 1000, ['clips'])], 11).map(({ key }) => key);
    expect(after).toEqual([...before, 'clip.mp4']);
  });

  test('shares the places out in proportion', () => {
    const listed = [
      ...Array.from({ length: 80 }, (_, n) => asset(`a${n}.jpg`)),
      ...Array.from({ length: 18 }, (_, n) => asset(`b${n}.png`)),
      ...Array.from({ length: 2 }, (_, n) => asset(`c${n}.mp4`)),
    ];
    expect([...sizes(stratifiedSample(listed, 20)).values()].sort((a, b) => b - a)).toEqual([16, 3, 1]);
  });
});

describe('a stratum', () => {
  test.each([
    ['the same kind', asset('a.jpg', 1000), asset('b.JPG', 9999), true],
    ['another size', asset('a.jpg', 999), asset('b.jpg', 1000), false],
    ['another extension', asset('a.jpg'), asset('a.png'), false],
    ['other recipes', asset('a.jpg'), asset('b.jpg', 1000, ['pictures', 'rest']), false],
    ['recipes in another order', asset('a.jpg', 1, ['a', 'b']), asset('b.jpg', 1, ['b', 'a']), true],
    ['nothing in it', asset('a.jpg', 0), asset('b.jpg', 9), true],
  ])('%s', (_what, one, other, same) => {
    expect(stratumOf(one) === stratumOf(other)).toBe(same);
  });
});
