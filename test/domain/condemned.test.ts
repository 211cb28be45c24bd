import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  condemnedMs,
  isBraked,
  listKey,
  listsKept,
  movesOf,
  parseList,
  placeOf,
  serializeList,
} from '../../src/domain/condemned.js';
import { sha256 } from '../../src/domain/digest.js';
import { withLists, withMoved } from '../../src/domain/head.js';
import { parseHead, serializeHead } from '../../src/domain/head-text.js';
import { blobKey, keyInGeneration, manifestKey, parseKey } from '../../src/domain/origin-keys.js';

const key = blobKey({ sha256: sha256('x'), ext: 'jpg' });
const generation = (number: number) => keyInGeneration(key, number);

describe('the place of bytes', () => {
  test('is the key of their name while nothing is condemned', () => {
    expect(placeOf(key, { moved: undefined, condemned: new Set() })).toBe(key);
    expect(placeOf(key, { moved: { [key]: generation(1) }, condemned: new Set() })).toBe(generation(1));
  });

  test('stays where the head says, although the key of their name is condemned', () => {
    expect(placeOf(key, { moved: { [key]: generation(3) }, condemned: new Set([key]) })).toBe(generation(3));
  });

  test('is never condemned, the first that is free, and the same for everybody who knows the same', () => {
    const known = fc.record({
      condemned: fc.uniqueArray(fc.integer({ min: 0, max: 6 })).map((numbers) => new Set(numbers.map(generation))),
      moved: fc.option(
        fc.integer({ min: 1, max: 6 }).map((number) => ({ [key]: generation(number) })),
        {
          nil: undefined,
        },
      ),
    });
    fc.assert(
      fc.property(known, (placement) => {
        const place = placeOf(key, placement);
        expect(placement.condemned.has(place)).toBe(false);
        expect(parseKey(place)).toMatchObject({ kind: 'blob', sha256: sha256('x') });
        const lower = Array.from({ length: parseKey(place)?.generation ?? 0 }, (_, number) => generation(number));
        const isSaid = placement.moved?.[key] === place;
        expect(isSaid || lower.every((one) => placement.condemned.has(one))).toBe(true);
      }),
    );
  });

  test('is told for what does not lie where its name says, and for nothing else', () => {
    const other = manifestKey(sha256('y'));
    const placement = { moved: undefined, condemned: new Set([key]) };
    expect(movesOf([key, other], placement)).toEqual({ [key]: generation(1) });
  });
});

describe('a list of condemned keys', () => {
  test('is the same for the same keys and commit, and says them again', () => {
    const keys = [generation(1), key, manifestKey(sha256('y'))];
    const bytes = serializeList({ txn: 't', keys });
    expect(bytes).toEqual(serializeList({ txn: 't', keys: keys.toReversed() }));
    expect(bytes).not.toEqual(serializeList({ txn: 'u', keys }));
    expect(parseList(bytes)?.toSorted()).toEqual(keys.toSorted());
    expect(listKey(sha256(bytes))).toMatch(/^g\/[0-9a-f]{64}\.json$/);
  });

  test.each(['', '{}', '[]', '{"nightpress":2,"keys":[]}', '{"nightpress":1,"keys":["head.json"]}'])(
    '%j is none',
    (text) => {
      expect(parseList(Buffer.from(text))).toBeUndefined();
    },
  );

  test('counts for 30 days', () => {
    const now = Date.parse('2026-11-26T03:00:00Z');
    const list = (age: number) => ({ list: sha256('l'), at: new Date(now - age).toISOString(), objects: 1 });
    const [fresh, last, over] = [list(0), list(condemnedMs - 1), list(condemnedMs)];
    expect(listsKept([over, last, fresh], now)).toEqual([last, fresh]);
  });
});

test.each([
  [10, 100, 0.1, false],
  [11, 100, 0.1, true],
  [0, 0, 0.1, false],
  [5, 5, 1, false],
  [1, 5, 0, true],
])('%i of %i with at most %d: braked %s', (count, stored, maxDelete, braked) => {
  expect(isBraked(count, stored, maxDelete)).toBe(braked);
});

describe('a head', () => {
  const at = '2026-11-26T03:00:00.000Z';
  const commits = [{ seq: 1, txn: 't', kind: 'retain' }] as const;
  const head = {
    nightpress: 1,
    origin: 'o',
    job: 'j',
    seq: 1,
    at,
    channels: {},
    retained: [],
    pins: [],
    commits,
  } as const;

  test('carries both, and has neither when there is nothing to say', () => {
    const lists = [{ list: sha256('l'), at, objects: 2 }];
    const full = withMoved(withLists(head, lists), { [key]: generation(1) });
    expect(parseHead(serializeHead(full))).toEqual({ ...head, gc: { lists }, moved: { [key]: generation(1) } });
    expect(withMoved(withLists(full, []), {})).toEqual(head);
  });

  test.each([
    [{ moved: { [key]: 'head.json' } }, 'moved'],
    [{ moved: { [generation(1)]: key } }, 'moved'],
    [{ moved: { 'b/../head.json': generation(1) } }, 'moved'],
    [{ moved: { [key]: 'b/some/where.jpg' } }, 'expected a key of the same name'],
    [{ moved: { [key]: blobKey({ sha256: sha256('another'), ext: 'jpg' }) } }, 'expected a key of the same name'],
    [{ gc: { lists: [{ list: 'x', at, objects: 1 }] } }, 'gc.lists.0.list'],
    [{ gc: { lists: [{ list: sha256('l'), at: 'yesterday', objects: 1 }] } }, 'gc.lists.0.at'],
  ])('that says %j is refused', (wrong, where) => {
    const text = JSON.stringify({ ...head, ...wrong });
    expect(() => parseHead(text)).toThrow(where);
  });
});
