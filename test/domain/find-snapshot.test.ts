import { describe, expect, test } from 'vitest';
import { findSnapshot, formerSnapshot, pinNameProblem, previousSnapshot } from '../../src/domain/find-snapshot.js';
import { addPin, firstHead, type Head, publishTo, rollBackTo, stageIn } from '../../src/domain/head.js';
import type { RunId, SnapshotId } from '../../src/domain/types.js';
import { withdrawFrom } from '../../src/domain/withdraw.js';

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

  test('before the live one also after a rollback: one step further back each time, never what was rolled back from', () => {
    const once = rollBackTo(head(), { ...made, snapshot: second });
    expect([findSnapshot(once, 'live'), previousSnapshot(once), formerSnapshot(once)]).toEqual([second, first, third]);
    const twice = rollBackTo(once, { ...made, snapshot: first });
    expect(previousSnapshot(twice)).toBeUndefined();
    expect(() => findSnapshot(twice, 'previous')).toThrow('nothing to go back to');
    const forth = rollBackTo(twice, { ...made, snapshot: third });
    expect(previousSnapshot(forth)).toBe(second);
  });

  test('before what was published after a rollback: what was live until then', () => {
    const later = publishTo(rollBackTo(head(), { ...made, snapshot: second }), { ...made, snapshot: fourth });
    expect(previousSnapshot(later)).toBe(second);
    expect(previousSnapshot(rollBackTo(later, { ...made, snapshot: second }))).toBe(first);
  });

  test('before the live one after a takedown, which moves its seq and not its place', () => {
    const once = rollBackTo(head(), { ...made, snapshot: second });
    const clean = new Map([[second, id('c1ea')]]);
    const gone = withdrawFrom(once, { ...made, reason: 'r', contents: [], cleaned: clean, unreadable: new Set() });
    expect([findSnapshot(gone, 'live'), previousSnapshot(gone)]).toEqual([id('c1ea'), first]);
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
