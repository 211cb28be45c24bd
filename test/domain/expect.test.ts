import { expect, test } from 'vitest';
import { expectReady, paceOf } from '../../src/domain/expect.js';

const start = Date.UTC(2026, 0, 1);
const ended = (seconds: number, predictedSeconds = 1) => ({ predictedSeconds, endedAt: start + seconds * 1000 });
const open = (name: string, predictedSeconds = 1) => ({ predictedSeconds, name });

test('the pace is what the last items took, whatever the night did before them', () => {
  expect(paceOf([ended(0), ended(2), ended(4)], start + 4000)).toBe(2);
  const stoodStill = [ended(-90_000), ...Array.from({ length: 200 }, (_, at) => ended(at))];
  expect(paceOf(stoodStill, start + 199_000)).toBe(1);
});

test('nothing is said about the pace before two items ended, nor when the clock went back', () => {
  expect(paceOf([], start)).toBeUndefined();
  expect(paceOf([ended(1)], start + 9000)).toBeUndefined();
  expect(paceOf([ended(1), ended(2)], start)).toBeUndefined();
});

test('an asset is ready when all before it and its own last item are, the night when everything is', () => {
  const queue = [ended(0), ended(10, 5), open('a', 3), open('b', 1), open('a', 2), open('c', 10)];
  const isA = (item: object) => 'name' in item && item.name === 'a';
  expect(expectReady(queue, isA, start + 10_000)).toEqual({ madeAt: start + 22_000, nightAt: start + 42_000 });
  expect(expectReady(queue, () => false, start + 10_000)).toBeUndefined();
  expect(expectReady([open('a')], () => true, start)).toBeUndefined();
});
