import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sha256 } from '../../src/domain/digest.js';
import {
  addPin,
  firstHead,
  type Head,
  publishTo,
  type Retained,
  rollBackTo,
  stageIn,
  withRetained,
} from '../../src/domain/head.js';
import { letGo, protectedSnapshots, type Retention, retain } from '../../src/domain/retention.js';
import type { KeepSpec, RunId, SnapshotId } from '../../src/domain/types.js';

const DAY = 86_400_000;
const graceMs = 3 * DAY;
const start = Date.parse('2026-01-01T03:00:00Z');

function snap(n: number): SnapshotId {
  return sha256(`night ${n}`);
}

/** One publish a night, from night 1. */
function nights(count: number): Head {
  let head = firstHead({ origin: 'origin', job: 'catalog', now: start });
  for (let n = 1; n <= count; n++) head = publishTo(head, publication(n));
  return head;
}

function publication(n: number) {
  return { txn: `txn-${n}`, now: start + n * DAY, snapshot: snap(n), window: `night ${n}`, run: `run-${n}` as RunId };
}

/** What becomes of each night, in letters: K kept, D let go but still held, C collectable. */
function fates(head: Head, keep: KeepSpec, now: number): string {
  return letters(head, retain(head.retained, keep, { head, now, graceMs }));
}

function letters(head: Head, { kept, collectable }: Retention): string {
  const fate = ({ snapshot }: Retained) => {
    if (collectable.some((entry) => entry.snapshot === snapshot)) return 'C';
    return kept.find((entry) => entry.snapshot === snapshot)?.droppedAt === undefined ? 'K' : 'D';
  };
  return head.retained.map(fate).join('');
}

test('the newest of each of the last weeks that have one stays, however old it is; weeks begin on Mondays in UTC', () => {
  // Night 17 was a Sunday, night 10 the one before.
  const keep = { last: 1, withinMs: 0, weekly: 3 };
  expect(fates(nights(20), keep, start + 20 * DAY)).toBe('DDDDDDDDDKDDDDDDKDKK');
  expect(fates(nights(20), keep, start + 400 * DAY)).toBe('DDDDDDDDDKDDDDDDKDKK');
});

test('a commit lets go, and leaves it to a collection to forget', () => {
  const head = nights(6);
  const late = start + 6 * DAY;
  const dropped = withRetained(head, letGo(head.retained, { last: 2, withinMs: 0 }, { head, now: late }));
  expect(fates(dropped, { last: 2, withinMs: 0 }, late + 4 * DAY)).toBe('CCCCKK');
  expect(letGo(dropped.retained, { last: 2, withinMs: 0 }, { head, now: late + 4 * DAY })).toEqual(dropped.retained);
});

describe('which snapshots stay', () => {
  const at = start + 8 * DAY;
  const table: [what: string, head: Head, keep: KeepSpec, fates: string][] = [
    ['the newest by number', nights(8), { last: 3, withinMs: 0 }, 'DDDDDKKK'],
    ['all that are young enough', nights(8), { last: 1, withinMs: 4 * DAY }, 'DDDKKKKK'],
    ['whichever of the two keeps more', nights(8), { last: 6, withinMs: 4 * DAY }, 'DDKKKKKK'],
    ['more than there are', nights(2), { last: 14, withinMs: 0 }, 'KK'],
    ['the predecessor of live, although one is enough', nights(8), { last: 1, withinMs: 0 }, 'DDDDDDKK'],
    [
      'a pinned one',
      addPin(nights(8), { txn: 'pin', now: at, name: 'x', snapshot: snap(2) }),
      { last: 1, withinMs: 0 },
      'DKDDDDKK',
    ],
    [
      'a staged one that was live before',
      stageIn(nights(8), { ...publication(3), rules: ['shrink'] }),
      { last: 1, withinMs: 0 },
      'DDKDDDKK',
    ],
    [
      'after a rollback, what was live before it',
      rollBackTo(nights(4), { txn: 'back', now: at, snapshot: snap(1) }),
      { last: 1, withinMs: 0 },
      'DDKK',
    ],
  ];

  test.each(table)('%s', (_what, head, keep, expected) => {
    expect(fates(head, keep, at)).toBe(expected);
  });

  test('nothing at all is retained before the first publish', () => {
    const head = nights(0);
    expect(retain(head.retained, { last: 1, withinMs: 0 }, { head, now: start, graceMs })).toEqual({
      kept: [],
      collectable: [],
    });
    expect(protectedSnapshots(head).size).toBe(0);
  });
});

describe('letting go', () => {
  const keep = { last: 2, withinMs: 0 };
  const head = nights(4);
  const then = start + 4 * DAY;
  const { kept } = retain(head.retained, keep, { head, now: then, graceMs });
  const dropped = withRetained(head, kept);

  test('is stamped once, and collectable only after the grace', () => {
    expect(kept[0]?.droppedAt).toBe(new Date(then).toISOString());
    expect(fates(dropped, keep, then + graceMs)).toBe('DDKK');
    expect(fates(dropped, keep, then + graceMs + 1)).toBe('CCKK');
    const later = retain(dropped.retained, keep, { head: dropped, now: then + DAY, graceMs });
    expect(later.kept).toEqual(kept);
  });

  test('is undone for a snapshot that is to stay again', () => {
    const late = then + 10 * graceMs;
    expect(fates(rollBackTo(dropped, { txn: 'back', now: late, snapshot: snap(1) }), keep, late)).toBe('CDKK');
    expect(fates(addPin(dropped, { txn: 'pin', now: late, name: 'x', snapshot: snap(1) }), keep, late)).toBe('KCKK');
    expect(fates(dropped, { last: 4, withinMs: 0 }, late)).toBe('KKKK');
  });

  test('by a clock that ran ahead counts from now: never sooner, and not years later', () => {
    const ahead = retain(head.retained, keep, { head, now: then + 1000 * DAY, graceMs });
    const wrong = withRetained(head, ahead.kept);
    expect(fates(wrong, keep, then)).toBe('DDKK');
    const mended = withRetained(wrong, retain(wrong.retained, keep, { head: wrong, now: then, graceMs }).kept);
    expect(fates(mended, keep, then + graceMs + 1)).toBe('CCKK');
  });

  test('a snapshot stamped in the future is young, whatever the clock says now', () => {
    expect(fates(nights(6), { last: 1, withinMs: 1 }, start + 2 * DAY)).toBe('DKKKKK');
  });
});

test('for any head, keep and clock: nothing protected is let go, nothing is lost or changed, order stays', () => {
  const input = fc.record({
    count: fc.integer({ min: 1, max: 8 }),
    back: fc.nat(8),
    last: fc.integer({ min: 1, max: 5 }),
    withinDays: fc.nat(6),
    clocks: fc.array(fc.integer({ min: -20, max: 40 }), { minLength: 1, maxLength: 5 }),
  });
  fc.assert(
    fc.property(input, ({ count, back, last, withinDays, clocks }) => {
      const rollsBack = back > 0 && back < count;
      let head = rollsBack
        ? rollBackTo(nights(count), { txn: 'back', now: start, snapshot: snap(back) })
        : nights(count);
      for (const day of clocks) {
        const now = start + day * DAY;
        const retention = retain(head.retained, { last, withinMs: withinDays * DAY }, { head, now, graceMs });
        checkRetention(head, retention, { last, now });
        head = withRetained(head, retention.kept);
      }
    }),
    { numRuns: 200 },
  );
});

function checkRetention(
  head: Head,
  { kept, collectable }: Retention,
  { last, now }: { last: number; now: number },
): void {
  const names = (entries: readonly Retained[]) => entries.map(({ snapshot }) => snapshot);
  const gone = names(collectable);
  expect(names(kept)).toEqual(names(head.retained).filter((snapshot) => !gone.includes(snapshot)));
  const safe = [...protectedSnapshots(head), ...names(head.retained.slice(-last))];
  const letGo = kept.filter(({ droppedAt }) => droppedAt !== undefined);
  for (const snapshot of safe) expect([...gone, ...names(letGo)]).not.toContain(snapshot);
  for (const { droppedAt } of collectable) expect(now - Date.parse(droppedAt ?? '')).toBeGreaterThan(graceMs);
}
