import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Handout, type Waiting } from '../../src/domain/handout.js';
import type { PartitionId } from '../../src/domain/types.js';

interface Piece {
  readonly name: string;
  readonly predictedSeconds: number;
}

const partition = (id: string, ...seconds: number[]): Waiting<Piece> => ({
  id: id as PartitionId,
  load: () => seconds.map((predictedSeconds, at) => ({ name: `${id}${at}`, predictedSeconds })),
});
const nameOf = (handed: { readonly item: Piece } | undefined) => handed?.item.name;

describe('a place', () => {
  test('keeps to its partition, then opens the next one', () => {
    const handout = new Handout([partition('a', 3, 2), partition('b', 1)]);
    expect([1, 2, 3, 4].map(() => nameOf(handout.take(0)))).toEqual(['a0', 'a1', 'b0', undefined]);
  });

  test('takes over the dearest of what others have left when nothing new is waiting', () => {
    const handout = new Handout([partition('a', 9, 1, 1), partition('b', 8, 5, 4), partition('c', 2)]);
    expect([handout.take(0), handout.take(1), handout.take(2)].map(nameOf)).toEqual(['a0', 'b0', 'c0']);
    expect([1, 2, 3, 4, 5].map(() => nameOf(handout.take(2)))).toEqual(['b1', 'b2', 'a1', 'a2', undefined]);
  });

  test('foresees what it would take, which is kept for nobody', () => {
    const handout = new Handout([partition('a', 100), partition('b', 90), partition('c', 3, 1)]);
    expect(nameOf(handout.take(0))).toBe('a0');
    expect(handout.foresee(0)?.name).toBe('b0');
    expect(nameOf(handout.take(1))).toBe('b0');
    expect(handout.foresee(1)?.name).toBe('c0');
    expect(handout.foresee(0)).toBeUndefined();
    expect(nameOf(handout.take(1))).toBe('c0');
    expect(handout.foresee(1)?.name).toBe('c1');
    expect([0, 1].map((place) => nameOf(handout.take(place)))).toEqual(['c1', undefined]);
  });
});

const pieces = fc.array(fc.array(fc.double({ min: 0.01, max: 100, noNaN: true }), { maxLength: 8 }), { maxLength: 8 });

test('every item is handed out exactly once, to whoever asks in whatever order', () => {
  const asks = fc.array(fc.record({ place: fc.nat(3), ahead: fc.boolean() }), { maxLength: 200 });
  fc.assert(
    fc.property(pieces, asks, (seconds, order) => {
      const partitions = seconds.map((own, at) => partition(`p${at}-`, ...own));
      const handout = new Handout(partitions);
      const got: string[] = [];
      const take = (place: number) => {
        const handed = handout.take(place);
        if (handed) got.push(handed.item.name);
        return handed;
      };
      const asking = [...order];
      for (const { place, ahead } of asking) {
        take(place);
        if (ahead) handout.foresee(place);
      }
      for (let place = 0; place < 4; ) if (!take(place)) place++;
      expect(got.sort()).toEqual(partitions.flatMap(({ load }) => load().map(({ name }) => name)).sort());
    }),
  );
});

test('nobody is idle while an item waits: never later than total by places plus the longest', () => {
  fc.assert(
    fc.property(pieces, fc.integer({ min: 1, max: 4 }), (seconds, places) => {
      const handout = new Handout(seconds.map((own, at) => partition(`p${at}-`, ...own.toSorted((a, b) => b - a))));
      const all = seconds.flat();
      const free = Array.from({ length: places }, () => 0);
      let end = 0;
      for (let busy = true; busy; ) {
        const [place, from] = [...free.entries()].reduce((a, b) => (b[1] < a[1] ? b : a));
        const handed = handout.take(place);
        busy = handed !== undefined;
        if (!handed) continue;
        handout.foresee(place);
        free[place] = from + handed.item.predictedSeconds;
        end = Math.max(end, free[place]);
      }
      const total = all.reduce((sum, one) => sum + one, 0);
      expect(end).toBeLessThanOrEqual(total / places + Math.max(0, ...all) + 1e-9);
    }),
  );
});
