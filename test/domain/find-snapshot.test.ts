import { describe, expect, test } from 'vitest';
import { findSnapshot, pinNameProblem, previousSnapshot } from '../../src/domain/find-snapshot.js';
import { addPin, firstHead, type Head, publishTo, rollBackTo, stageIn } from '../../src/domain/head.js';
import type { RunId, SnapshotId } from '../../src/domain/types.js';

const id = (start: string) => start.padEnd(64, '0') as SnapshotId;
const [first, second, third, fourth] = [id('aaaaaa1'), id('aaaaaa2'), id('123456'), id('feed0')];
const made = { txn: 't', now: 0, window: '2026-11-22T02:00', run: 'run' as RunId };

/** Seqs 1, 2, 3 put `first`, `second`, `third` live; 4 staged `fourth`; 5 pinned `first`. */
function head(): Head {
  const live = [first, second, third].reduce(
    (before, snapshot) => publishTo(before, { ...made, snapshot }),
    firstHead({ origin: 'o', job: 'catalog', now: 0 }),
  );
  const staged = stageIn(live, { ...made, snapshot: fourth, rules: ['shrink'] });
  return addPin(staged, { ...made, name: 'spring', snapshot: first });
}

describe('a snapshot is found', () => {
  test.each([
    ['live', third],
    ['previous', second],
    ['staged', fourth],
    ['spring', first],
    ['1', first],
    ['3', third],
    ['4', fourth],
    ['feed0000', fourth],
    ['123456', third],
    [second, second],
  ])('by %s', (text, expected) => {
    expect(findSnapshot(head(), text)).toBe(expected);
  });

  test('by what its pin says even when it was staged once and never live', () => {
    const pinned = addPin(head(), { ...made, name: 'trial', snapshot: fourth });
    const replaced = stageIn(pinned, { ...made, snapshot: id('beef'), rules: [] });
    expect([findSnapshot(replaced, 'trial'), findSnapshot(replaced, 'feed000')]).toEqual([fourth, fourth]);
  });

  test('before the live one also after a rollback', () => {
    const back = rollBackTo(head(), { ...made, snapshot: first });
    expect([previousSnapshot(back), findSnapshot(back, 'live')]).toEqual([third, first]);
  });
});

test.each([
  ['aaaaaa', 'names 2 snapshots'],
  ['aaaaa', 'names no snapshot'],
  ['7', 'names no snapshot'],
  ['summer', 'names no snapshot'],
  ['', 'names no snapshot'],
])('%j finds none and says what would', (text, why) => {
  expect(() => findSnapshot(head(), text)).toThrow(why);
  expect(() => findSnapshot(firstHead({ origin: 'o', job: 'catalog', now: 0 }), 'live')).toThrow("of 'catalog'");
});

test.each(['spring-2026', 'v1.2', 'A', 'abcde', '12x', 'deadbeef-1'])('a pin may be named %j', (name) => {
  expect(pinNameProblem(name)).toBeUndefined();
});

test.each(['live', 'staged', 'previous', '12', 'abcdef01', 'a b', '-x', '', 'ü', 'x'.repeat(65)])(
  'no pin may be named %j',
  (name) => {
    expect(pinNameProblem(name)).toBeTypeOf('string');
  },
);
