import { describe, expect, it } from 'vitest';
import { predictSeconds, reuseSeconds } from '../../src/domain/cost.js';

describe('cost', () => {
  it('keeps a processor’s estimate', () => expect(predictSeconds(12.5)).toBe(12.5));

  it('is never zero or negative', () => {
    for (const seconds of [predictSeconds(0), predictSeconds(-3), reuseSeconds(0)]) expect(seconds).toBeGreaterThan(0);
  });

  it('refuses an estimate that is no number', () => {
    expect(() => predictSeconds(Number.NaN)).toThrow(RangeError);
    expect(() => predictSeconds(Number.POSITIVE_INFINITY)).toThrow(RangeError);
  });

  it('finds reading a large file again dearer than a small one', () => {
    expect(reuseSeconds(10e9)).toBeGreaterThan(reuseSeconds(1e9));
  });
});
