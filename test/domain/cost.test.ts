import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CostModel, type CostRow, type FinishedWork, type Priced, reuseSeconds } from '../../src/domain/cost.js';

const priced = (kind: string, settings: object = {}): Priced => ({
  recipe: { kind, settings: { ...settings } },
  kind: { priorSeconds: (_, bytes) => bytes / 1e6 },
});
const pictures = priced('image', { widths: [320] });
const recipes = new Map([
  ['pictures', pictures],
  ['thumbs', priced('image', { widths: [16] })],
  ['clips', priced('video')],
]);
const work = (recipe: string, key: string, bytes: number, seconds: number): FinishedWork => ({
  recipe,
  key,
  bytes,
  seconds,
});
const times = (n: number, one: FinishedWork) => Array.from({ length: n }, () => one);
const having = (done: readonly FinishedWork[], before: readonly CostRow[] = []) =>
  new CostModel(new CostModel(before).learn(done, recipes));

describe('without history', () => {
  it('keeps a processor’s estimate', () => expect(new CostModel().predict(pictures, 'a.jpg', 12.5e6)).toBe(12.5));

  it('is never zero or negative', () => {
    for (const bytes of [0, -3]) expect(new CostModel().predict(pictures, 'a.jpg', bytes)).toBeGreaterThan(0);
    expect(reuseSeconds(0)).toBeGreaterThan(0);
  });

  it('refuses an estimate that is no number', () => {
    const broken = { ...pictures, kind: { priorSeconds: () => Number.NaN } };
    expect(() => new CostModel().predict(broken, 'a.jpg', 1)).toThrow(RangeError);
  });

  it('finds reading a large file again dearer than a small one', () => {
    expect(reuseSeconds(10e9)).toBeGreaterThan(reuseSeconds(1e9));
  });
});

describe('with history', () => {
  it('corrects a sort by the median of what it took, whatever single items did', () => {
    const model = having([
      ...times(8, work('pictures', 'a.jpg', 1e6, 3)),
      work('pictures', 'stalled.jpg', 1e6, 900),
      work('pictures', 'trivial.jpg', 1e6, 0.001),
    ]);
    expect(model.predict(pictures, 'new.jpg', 1e6)).toBeCloseTo(3);
  });

  it('knows that small files and large ones are wrong by different factors', () => {
    const model = having([
      ...times(6, work('pictures', 'small.jpg', 1e5, 1)),
      ...times(6, work('pictures', 'large.jpg', 64e6, 32)),
    ]);
    expect(model.predict(pictures, 'x.jpg', 1e5)).toBeCloseTo(1);
    expect(model.predict(pictures, 'x.jpg', 64e6)).toBeCloseTo(32);
  });

  it('asks the nearest sizes when a size is new, and other extensions, settings and kinds when a sort is', () => {
    const model = having([
      ...times(6, work('pictures', 'a.jpg', 1e6, 2)),
      ...times(6, work('pictures', 'a.jpg', 1e9, 100)),
      ...times(6, work('clips', 'a.mp4', 1e6, 7)),
    ]);
    expect(model.predict(pictures, 'a.jpg', 3e6)).toBeCloseTo(6);
    expect(model.predict(pictures, 'a.png', 1e6)).toBeCloseTo(2);
    expect(model.predict(priced('image', { widths: [16] }), 'a.gif', 1e6)).toBeCloseTo(2);
    expect(model.predict(priced('audio'), 'a.mp3', 1e6)).toBeCloseTo(2);
  });

  it('takes two samples of a neighbour for more than one of its own', () => {
    const model = having([work('pictures', 'a.svg', 1e6, 50), ...times(6, work('pictures', 'a.jpg', 1e6, 2))]);
    expect(model.predict(pictures, 'b.svg', 1e6)).toBeCloseTo(2);
  });

  it('forgets: a new machine is known after a few items', () => {
    const slow = new CostModel().learn(times(60, work('pictures', 'a.jpg', 1e6, 9)), recipes);
    const model = having(times(13, work('pictures', 'a.jpg', 1e6, 3)), slow);
    expect(model.predict(pictures, 'a.jpg', 1e6)).toBeCloseTo(3);
    expect(slow).toHaveLength(1);
    expect(slow[0]?.ratios).toHaveLength(25);
  });

  it('remembers nothing of recipes that are gone, nor of clocks that ran backwards', () => {
    expect(new CostModel().learn([work('gone', 'a.jpg', 1, 1), work('pictures', 'a.jpg', 1, -5)], recipes)).toEqual([]);
  });

  it('always predicts something positive and finite', () => {
    const seconds = fc.double({ min: 1e-6, max: 1e6, noNaN: true });
    const bytes = fc.integer({ min: 0, max: 1e12 });
    const one = fc.record({
      recipe: fc.constantFrom(...recipes.keys()),
      key: fc.constantFrom('a.jpg', 'b', 'c.mp4'),
      bytes,
      seconds,
    });
    fc.assert(
      fc.property(fc.array(one, { maxLength: 40 }), bytes, (done, size) => {
        const predicted = having(done).predict(pictures, 'a.jpg', size);
        expect(predicted).toBeGreaterThan(0);
        expect(predicted).toBeLessThan(Number.POSITIVE_INFINITY);
      }),
    );
  });
});
