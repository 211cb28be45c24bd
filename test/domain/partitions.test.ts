import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { partitionId, sha256 } from '../../src/domain/digest.js';
import { balance, type Weighted } from '../../src/domain/partitions.js';
import type { ItemId } from '../../src/domain/types.js';

const item = (name: number | string, seconds: number): Weighted => ({
  id: sha256(String(name)) as string as ItemId,
  seconds,
  priority: 0,
});
const items = (seconds: readonly number[]) => seconds.map((value, index) => item(index, value));
const costs = fc.array(fc.double({ min: 0.01, max: 1000, noNaN: true }), { maxLength: 60 });
const workers = fc.integer({ min: 1, max: 6 });
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

describe('balance', () => {
  it('has nothing to hand out when there is nothing to do', () => expect(balance([], { workers: 2 })).toEqual([]));

  it('puts every item into exactly one partition named by its items', () => {
    fc.assert(
      fc.property(costs, workers, (seconds, count) => {
        const input = items(seconds);
        const partitions = balance(input, { workers: count });
        expect(partitions.flatMap((partition) => partition.items).sort()).toEqual(input.map(({ id }) => id).sort());
        const secondsOf = new Map(input.map((weighted) => [weighted.id, weighted.seconds]));
        for (const partition of partitions) {
          expect(partition.items.length).toBeGreaterThan(0);
          expect(partition.id).toBe(partitionId(partition.items));
          expect(partition.predictedSeconds).toBeCloseTo(sum(partition.items.map((id) => secondsOf.get(id) ?? 0)), 6);
        }
      }),
    );
  });

  it('does not care about the order of its input, not even among equal costs', () => {
    const shuffled = fc
      .array(fc.constantFrom(0.5, 1, 2, 300, 900), { maxLength: 60 })
      .chain((seconds) =>
        fc.tuple(fc.constant(items(seconds)), fc.shuffledSubarray(items(seconds), { minLength: seconds.length })),
      );
    fc.assert(
      fc.property(shuffled, workers, ([calm, mixed], count) => {
        expect(balance(mixed, { workers: count })).toEqual(balance(calm, { workers: count }));
      }),
    );
  });

  it('orders partitions by their dearest item', () => {
    fc.assert(
      fc.property(costs, workers, (seconds, count) => {
        const input = items(seconds);
        const secondsOf = new Map(input.map((weighted) => [weighted.id, weighted.seconds]));
        const partitions = balance(input, { workers: count });
        expect(partitions.map(({ ordinal }) => ordinal)).toEqual(partitions.map((_, index) => index));
        const dearest = partitions.map((partition) => Math.max(...partition.items.map((id) => secondsOf.get(id) ?? 0)));
        expect(dearest).toEqual(dearest.toSorted((a, b) => b - a));
      }),
    );
  });

  it('works urgent items first, in partitions of their own, however cheap they are', () => {
    const urgent = items([1, 2, 3]).map((one, at) => ({ ...one, id: item(`urgent ${at}`, 0).id, priority: 10 }));
    const late = { ...item('late', 400), priority: -1 };
    const partitions = balance([late, ...items([50, 60, 70]), ...urgent], { workers: 2 });
    const classes = partitions.map(({ items: ids }) => {
      const found = ids.map((id) =>
        urgent.some((one) => one.id === id) ? 'urgent' : id === late.id ? 'late' : 'usual',
      );
      return [...new Set(found)].join();
    });
    const order = ['urgent', 'usual', 'late'];
    expect(classes).toEqual(classes.toSorted((a, b) => order.indexOf(a) - order.indexOf(b)));
    expect(new Set(classes)).toEqual(new Set(order));
  });

  it('never exceeds the bound of list scheduling', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.01, max: 50, noNaN: true }), { minLength: 1, maxLength: 60 }),
        (seconds) => {
          const loads = balance(items(seconds), { workers: 2 }).map(({ predictedSeconds }) => predictedSeconds);
          const bound = sum(seconds) / loads.length + Math.max(...seconds) * (1 - 1 / loads.length);
          expect(Math.max(...loads)).toBeLessThanOrEqual(bound + 1e-9);
        },
      ),
    );
  });

  it('is within 4/3 of the best of all assignments', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 5, maxLength: 8 }), (seconds) => {
        const loads = balance(items(seconds), { workers: 1 }).map(({ predictedSeconds }) => predictedSeconds);
        expect(Math.max(...loads)).toBeLessThanOrEqual((4 / 3) * best(seconds, loads.length) + 1e-9);
      }),
      { numRuns: 60 },
    );
  });

  it('leaves a heavy item alone', () => {
    const heavy = item('film', 5000);
    const partitions = balance([...items(Array.from({ length: 300 }, () => 1)), heavy], { workers: 2 });
    expect(partitions[0]).toMatchObject({ items: [heavy.id], predictedSeconds: 5000, ordinal: 0 });
    expect(partitions).toHaveLength(8);
  });

  it('gives every worker several partitions as long as there are items', () => {
    expect(balance(items([1, 1, 1]), { workers: 2 })).toHaveLength(3);
    expect(balance(items(Array.from({ length: 40 }, () => 1)), { workers: 2 })).toHaveLength(8);
  });

  it('makes partitions small enough to be worth re-running by hand', () => {
    const long = balance(items(Array.from({ length: 400 }, () => 60)), { workers: 2 });
    expect(Math.max(...long.map(({ predictedSeconds }) => predictedSeconds))).toBeLessThanOrEqual(300);
    const many = balance(items([...Array.from({ length: 9000 }, () => 0.01), ...Array.from({ length: 10 }, () => 8)]), {
      workers: 1,
    });
    expect(Math.max(...many.map((partition) => partition.items.length))).toBeLessThanOrEqual(500);
    expect(sum(many.map((partition) => partition.items.length))).toBe(9010);
  });
});

/** The smallest largest load over all ways to spread `seconds` over `count` places. */
function best(seconds: readonly number[], count: number): number {
  const loads = Array.from({ length: count }, () => 0);
  let least = Number.POSITIVE_INFINITY;
  const place = (index: number) => {
    const [next] = seconds.slice(index);
    if (next === undefined) least = Math.min(least, Math.max(...loads));
    else if (Math.max(...loads) < least) {
      for (const [at, load] of loads.entries()) {
        loads[at] = load + next;
        place(index + 1);
        loads[at] = load;
      }
    }
  };
  place(0);
  return least;
}
