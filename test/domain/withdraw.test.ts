import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sha256 } from '../../src/domain/digest.js';
import { findSnapshot } from '../../src/domain/find-snapshot.js';
import {
  addPin,
  firstHead,
  type Head,
  parseHead,
  publishTo,
  rollBackTo,
  serializeHead,
} from '../../src/domain/head.js';
import { blobKey } from '../../src/domain/origin-keys.js';
import type { Entry, RunId, SnapshotId } from '../../src/domain/types.js';
import {
  cleaned,
  emptiedKeys,
  erased,
  keysOf,
  liftFrom,
  newsSeq,
  takedownReference,
  toErase,
  whereTheyLie,
  withdrawFrom,
  withheldBy,
} from '../../src/domain/withdraw.js';

const snap = (n: number) => sha256(`snapshot ${n}`) as SnapshotId;
const stamp = { txn: 't', now: Date.parse('2026-11-26T03:00:00Z') };

function published(...numbers: number[]): Head {
  return numbers.reduce(
    (head, n) => publishTo(head, { ...stamp, snapshot: snap(n), window: `night ${n}`, run: `run-${n}` as RunId }),
    firstHead({ origin: 'o', job: 'catalog', now: 0 }),
  );
}

interface Taken {
  readonly key?: string;
  readonly source?: string;
  readonly clean?: readonly (readonly [number, number])[];
  readonly unreadable?: readonly number[];
}

function taken(head: Head, { key = 'a.jpg', source = 'a', clean = [], unreadable = [] }: Taken = {}): Head {
  const blobs = [{ sha256: sha256(`blob of ${source}`), ext: 'jpg' }];
  return withdrawFrom(head, {
    ...stamp,
    reason: 'licence ended',
    contents: [
      { key, source: sha256(source), items: [sha256(`made of ${source}`)], blobs, paths: [`${key}/640w.jpg`] },
    ],
    cleaned: new Map(clean.map(([from, to]) => [snap(from), snap(to)])),
    unreadable: new Set(unreadable.map(snap)),
  });
}

function entry(source: string, items: Readonly<Record<string, string>>): Entry {
  const made = Object.entries(items).map(([recipe, of]) => [
    recipe,
    { fingerprint: sha256(`made of ${of}`), derivatives: [], ...(of !== source && { carried: sha256(source) }) },
  ]);
  return {
    key: 'k',
    source: { sha256: sha256(source), bytes: 1, type: 'text/plain' },
    items: Object.fromEntries(made),
  };
}

describe('an entry without withdrawn content', () => {
  const content = { sources: new Set([sha256('a')]), items: new Set([sha256('made of a')]) };
  const other = entry('b', { one: 'b' });
  test.each([
    ['is gone when its source is withdrawn, whatever it shows', entry('a', { one: 'a', two: 'older' }), undefined],
    ['is itself when it shows none of it', other, other],
    ['loses what it carries of it', entry('b', { one: 'b', two: 'a' }), entry('b', { one: 'b' })],
    ['is gone when it carries nothing else', entry('b', { one: 'a' }), undefined],
  ])('%s', (_, before, after) => {
    expect(cleaned(before, content)).toEqual(after);
    if (before === after) expect(cleaned(before, content)).toBe(before);
  });
});

describe('a takedown', () => {
  test('is one commit: live moves on, what is retained keeps its place, window and run', () => {
    const head = taken(published(1, 2), {
      clean: [
        [1, 11],
        [2, 12],
      ],
    });
    expect(head.commits.at(-1)).toMatchObject({ seq: 3, kind: 'withdraw', reason: 'licence ended' });
    expect(head.channels.live).toMatchObject({ snapshot: snap(12), seq: 3, window: 'night 2', run: 'run-2' });
    expect(head.retained).toMatchObject([
      { snapshot: snap(11), seq: 1, was: [{ snapshot: snap(1), seq: 1 }] },
      { snapshot: snap(12), seq: 3, was: [{ snapshot: snap(2), seq: 2 }] },
    ]);
    expect(parseHead(serializeHead(head))).toEqual(head);
  });

  test('of what only older snapshots show leaves live and its seq, but is news', () => {
    const before = published(1, 2);
    const head = taken(before, { clean: [[1, 11]] });
    expect(head.channels.live).toEqual(before.channels.live);
    expect([newsSeq(before), newsSeq(head)]).toEqual([2, 3]);
  });

  test('after which two snapshots are one keeps the newer place, and both names lead there', () => {
    const head = taken(published(1, 2, 3), {
      clean: [
        [1, 11],
        [2, 11],
      ],
    });
    expect(head.retained.map(({ snapshot, seq }) => [snapshot, seq])).toEqual([
      [snap(11), 2],
      [snap(3), 3],
    ]);
    for (const text of [snap(1), snap(2).slice(0, 12), '1', '2']) expect(findSnapshot(head, text)).toBe(snap(11));
    const live = taken(published(1, 2), { clean: [[2, 1]] });
    expect(live.retained).toEqual([live.channels.live]);
  });

  test('lets go of what nobody can read', () => {
    const pinned = addPin(published(1, 2), { ...stamp, name: 'spring', snapshot: snap(1) });
    const head = taken(pinned, { clean: [[2, 12]], unreadable: [1] });
    expect([head.retained.map(({ snapshot }) => snapshot), head.pins]).toEqual([[snap(12)], []]);
  });

  test('is kept through rollbacks, which keep the old names too', () => {
    const head = rollBackTo(
      taken(published(1, 2), {
        clean: [
          [1, 11],
          [2, 12],
        ],
      }),
      { ...stamp, snapshot: snap(11) },
    );
    expect(withheldBy(head).has(sha256('a'))).toBe(true);
    expect([findSnapshot(head, snap(1)), findSnapshot(head, '1')]).toEqual([snap(11), snap(11)]);
  });

  test('a snapshot that has the old id again is meant by it', () => {
    const again = publishTo(
      taken(published(1, 2), {
        clean: [
          [1, 11],
          [2, 12],
        ],
      }),
      {
        ...{ ...stamp, snapshot: snap(2), window: 'night 3', run: 'run-3' as RunId },
      },
    );
    expect(findSnapshot(again, snap(2))).toBe(snap(2));
  });

  test('never loses a name: whatever found a snapshot finds the one in its place', () => {
    const mapping = fc.array(fc.tuple(fc.nat(5), fc.integer({ min: 10, max: 13 })), { maxLength: 6 });
    fc.assert(
      fc.property(fc.array(fc.nat(5), { minLength: 1, maxLength: 8 }), mapping, (numbers, clean) => {
        const before = published(...numbers);
        const place = new Map(clean.map(([from, to]) => [snap(from), snap(to)]));
        const after = taken(before, { clean });
        for (const { snapshot, seq } of before.retained) {
          const expected = place.get(snapshot) ?? snapshot;
          expect([findSnapshot(after, snapshot), findSnapshot(after, String(seq))]).toEqual([expected, expected]);
        }
        expect(new Set(after.retained.map(({ snapshot }) => snapshot)).size).toBe(after.retained.length);
        expect(after.retained.at(-1)).toEqual(after.channels.live);
      }),
    );
  });
});

describe('afterwards', () => {
  test('blobs are to erase until a second commit says that they are gone', () => {
    const head = taken(published(1), { clean: [[1, 11]] });
    expect(toErase(head)).toHaveLength(1);
    const done = erased(head, stamp, toErase(head));
    expect([toErase(done), done.commits.at(-1)?.kind, done.withdrawn?.[0]?.erasedAt]).toEqual([[], 'erase', done.at]);
    expect(erased(done, stamp, toErase(head))).toBe(done);
  });

  test('blobs of a takedown that came in between are still to erase', () => {
    const head = taken(published(1), { clean: [[1, 11]] });
    const both = taken(head, { key: 'b.jpg', source: 'b' });
    expect(toErase(erased(both, stamp, toErase(head))).map(({ key }) => key)).toEqual(['b.jpg']);
  });

  test('what had been moved is known by where it lay, also when the head says so no more', () => {
    const head = taken(published(1), { clean: [[1, 11]] });
    const [blob] = toErase(head)[0]?.blobs ?? [];
    if (!blob) throw new Error('a takedown has blobs');
    const moved = { [blobKey(blob)]: blobKey(blob).replace('.', '~1.') };
    const [placed] = whereTheyLie({ ...head, moved }, toErase(head))[0]?.blobs ?? [];
    expect(placed && keysOf(head, placed)).toEqual([blobKey(blob), moved[blobKey(blob)]]);
    expect(whereTheyLie(head, toErase(head))[0]?.blobs).toEqual(toErase(head)[0]?.blobs);
  });

  test('lifting one key frees its content under every key, and no other', () => {
    const one = taken(published(1), { clean: [[1, 11]] });
    const both = taken(taken(one, { key: 'copy of a.jpg' }), { key: 'b.jpg', source: 'b' });
    const lifted = liftFrom(both, { ...stamp, key: 'copy of a.jpg' });
    expect(lifted.withdrawn?.map(({ key }) => key)).toEqual(['b.jpg']);
    expect(liftFrom(lifted, { ...stamp, key: 'b.jpg' })).not.toHaveProperty('withdrawn');
    expect(() => liftFrom(lifted, { ...stamp, key: 'a.jpg' })).toThrow("nothing of 'a.jpg' is withdrawn");
  });

  test('edges hear of what was emptied since they last heard, by a name of its own', () => {
    const head = taken(taken(published(1), { clean: [[1, 11]] }), { key: 'b.jpg', source: 'b' });
    const blob = (of: string) => `b/${sha256(`blob of ${of}`).slice(0, 2)}/${sha256(`blob of ${of}`)}.jpg`;
    const [a, b] = [
      [blob('a'), 'live/a.jpg/640w.jpg'],
      [blob('b'), 'live/b.jpg/640w.jpg'],
    ];
    expect([emptiedKeys(head, undefined), emptiedKeys(head, 2), emptiedKeys(head, 3)]).toEqual([[...a, ...b], b, []]);
    const live = { origin: 'o', seq: 3 };
    expect(takedownReference(live, a)).not.toBe(takedownReference(live, b));
  });
});
