import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sha256 } from '../../src/domain/digest.js';
import { Fault } from '../../src/domain/faults.js';
import {
  addPin,
  commitsKept,
  firstHead,
  type Head,
  landed,
  parseHead,
  publishTo,
  removePin,
  retainOnly,
  rollBackTo,
  serializeHead,
  stageIn,
  unfreeze,
  unstage,
  withRetained,
} from '../../src/domain/head.js';
import { protectedSnapshots, retain } from '../../src/domain/retention.js';
import type { RunId, SnapshotId } from '../../src/domain/types.js';
import { withdrawFrom } from '../../src/domain/withdraw.js';

const start = Date.parse('2026-11-22T03:00:00Z');
const empty = firstHead({ origin: '4f7c1a52-6d6f-4a75-9a1f-0f9a2c1f7a11', job: 'catalog', now: start });

/** Night `n` makes the snapshot `snap(n)`. */
function snap(n: number): SnapshotId {
  return sha256(`night ${n}`);
}

function night(n: number) {
  return {
    txn: `txn-${n}`,
    now: start + n * 86_400_000,
    snapshot: snap(n),
    window: `night ${n}`,
    run: `run-${n}` as RunId,
  };
}

function stamp(name: string) {
  return { txn: name, now: start };
}

function nights(...numbers: number[]): Head {
  return numbers.reduce((head, n) => publishTo(head, night(n)), empty);
}

describe('publishing', () => {
  test('the first publish writes seq 1 and retains what it made live', () => {
    const head = nights(1);
    expect(head.seq).toBe(1);
    expect(head.channels.live).toEqual({
      snapshot: snap(1),
      seq: 1,
      at: '2026-11-23T03:00:00.000Z',
      window: 'night 1',
      run: 'run-1',
    });
    expect(head.retained).toEqual([head.channels.live]);
    expect(head.commits).toEqual([{ seq: 1, txn: 'txn-1', kind: 'publish' }]);
  });

  test('a snapshot that becomes live again is retained once, as the newest', () => {
    const head = nights(1, 2, 1);
    expect(head.retained.map(({ snapshot, seq }) => [snapshot, seq])).toEqual([
      [snap(2), 2],
      [snap(1), 3],
    ]);
  });

  test('what was staged is gone after a publish, whether it was this or an older one', () => {
    const staged = stageIn(nights(1), { ...night(2), rules: ['shrink'] });
    expect(publishTo(staged, night(2)).channels.staged).toBeUndefined();
    expect(publishTo(staged, night(3)).channels.staged).toBeUndefined();
  });

  test('staging leaves live and retained as they are, and takes the place of what was staged before', () => {
    const before = nights(1);
    const head = stageIn(stageIn(before, { ...night(2), rules: ['shrink'] }), { ...night(3), rules: ['frozen'] });
    expect(head.channels.live).toEqual(before.channels.live);
    expect(head.retained).toEqual(before.retained);
    expect(head.channels.staged).toMatchObject({ snapshot: snap(3), seq: 3, rules: ['frozen'] });
  });

  test('a frozen head cannot be published to, only staged into', () => {
    const frozen = rollBackTo(nights(1, 2), { ...stamp('back'), snapshot: snap(1), freeze: 'bad colours' });
    expect(() => publishTo(frozen, night(3))).toThrow('bad colours');
    expect(stageIn(frozen, { ...night(3), rules: ['frozen'] }).channels.live?.snapshot).toBe(snap(1));
  });
});

describe('rolling back', () => {
  test('a rollback is a new commit: seq grows, the older snapshot is live and newest; window, run and place in time stay its own', () => {
    const head = rollBackTo(nights(1, 2, 3), { ...stamp('back'), snapshot: snap(1), freeze: 'bad colours' });
    expect(head.seq).toBe(4);
    expect(head.channels.live).toEqual({
      snapshot: snap(1),
      seq: 4,
      published: 1,
      at: '2026-11-22T03:00:00.000Z',
      window: 'night 1',
      run: 'run-1',
    });
    expect(head.retained.map(({ snapshot }) => snapshot)).toEqual([snap(2), snap(3), snap(1)]);
    expect(head.frozen).toEqual({ reason: 'bad colours', at: '2026-11-22T03:00:00.000Z' });
  });

  test('without a reason nothing is frozen, and a freeze of before stays', () => {
    const back = rollBackTo(nights(1, 2, 3), { ...stamp('back'), snapshot: snap(1) });
    expect(back.frozen).toBeUndefined();
    const frozen = rollBackTo(nights(1, 2, 3), { ...stamp('back'), snapshot: snap(1), freeze: 'once' });
    expect(rollBackTo(frozen, { ...stamp('again'), snapshot: snap(2) }).frozen?.reason).toBe('once');
  });

  test('a snapshot that was let go can be rolled back to, and is let go no more', () => {
    const [first, ...others] = nights(1, 2, 3).retained;
    if (!first) throw new Error('three nights retain three snapshots');
    const dropped = withRetained(nights(1, 2, 3), [{ ...first, droppedAt: '2026-11-25T03:00:00.000Z' }, ...others]);
    const head = rollBackTo(dropped, { ...stamp('back'), snapshot: snap(1) });
    expect(head.retained.at(-1)).toEqual(head.channels.live);
  });

  test('a snapshot that is not retained is refused by name', () => {
    const refused = fault(() => rollBackTo(nights(1), { ...stamp('back'), snapshot: snap(9) }));
    expect(refused).toMatchObject({ code: 'snapshot-unknown', message: expect.stringContaining(snap(9)) });
  });

  test('unfreezing lets runs publish again and leaves a staged snapshot held by no rule of the freeze', () => {
    const frozen = rollBackTo(nights(1, 2), { ...stamp('back'), snapshot: snap(1), freeze: 'bad colours' });
    const held = stageIn(frozen, { ...night(3), rules: ['shrink', 'frozen'] });
    expect(unfreeze(held, stamp('thaw')).channels.staged?.rules).toEqual(['shrink']);
    const thawed = unfreeze(frozen, stamp('thaw'));
    expect(thawed).not.toHaveProperty('frozen');
    expect(publishTo(thawed, night(3)).channels.live?.snapshot).toBe(snap(3));
  });
});

describe('pins', () => {
  const pinned = addPin(nights(1, 2), { ...stamp('pin'), name: 'christmas', snapshot: snap(1) });

  test('a pin names a snapshot that is held, and can be taken away again', () => {
    expect(pinned.pins).toEqual([{ name: 'christmas', snapshot: snap(1), at: '2026-11-22T03:00:00.000Z' }]);
    expect(removePin(pinned, { ...stamp('unpin'), name: 'christmas' }).pins).toEqual([]);
    const staged = stageIn(nights(1), { ...night(2), rules: ['shrink'] });
    expect(addPin(staged, { ...stamp('pin'), name: 'staged', snapshot: snap(2) }).pins).toHaveLength(1);
  });

  test('a name in use, a name of no pin and a snapshot that is not held are refused', () => {
    expect(fault(() => addPin(pinned, { ...stamp('x'), name: 'christmas', snapshot: snap(2) })).code).toBe('usage');
    expect(fault(() => removePin(pinned, { ...stamp('x'), name: 'easter' })).message).toContain("'christmas'");
    expect(fault(() => addPin(pinned, { ...stamp('x'), name: 'easter', snapshot: snap(9) })).code).toBe(
      'snapshot-unknown',
    );
  });
});

describe('commits', () => {
  test(`a commit is known to have landed until ${commitsKept} others came after it`, () => {
    let head = nights(1);
    for (let n = 1; n < commitsKept; n++) head = unstage(head, stamp(`other-${n}`));
    expect(landed(head, 'txn-1')).toBe(true);
    expect(landed(unstage(head, stamp('one more')), 'txn-1')).toBe(false);
    expect(landed(head, 'never')).toBe(false);
  });

  test('the live snapshot cannot be left out of what is retained, nor be let go', () => {
    const head = nights(1, 2);
    expect(() => withRetained(head, head.retained.slice(0, 1))).toThrow('must stay retained');
    expect(() =>
      withRetained(
        head,
        head.retained.map((entry) => ({ ...entry, droppedAt: entry.at })),
      ),
    ).toThrow('must stay retained');
    expect(retainOnly(head, { ...stamp('retain'), retained: head.retained.slice(1) })).toMatchObject({
      seq: 3,
      retained: [{ snapshot: snap(2) }],
    });
  });
});

describe('head.json', () => {
  const good = stageIn(nights(1, 2), { ...night(3), rules: ['shrink'] });

  test('fields that a newer nightpress added are carried along by a commit', () => {
    const newer = serializeHead(good).replace('"job"', '"moon": { "phase": 3 },\n  "job"');
    expect(JSON.parse(serializeHead(unstage(parseHead(newer), stamp('unstage'))))).toMatchObject({
      moon: { phase: 3 },
    });
  });

  const damaged: [what: string, text: string, says: string][] = [
    ['nothing', '', 'not JSON (0 characters)'],
    ['half a head', serializeHead(good).slice(0, 200), 'not JSON'],
    ['another document', '[]', 'expected object'],
    ['another format', changed({ nightpress: 'one' }), 'nightpress: expected format 1'],
    ['what no commit could write again', deep(9999), '64 levels'],
    ['no seq', changed({ seq: undefined }), 'seq: expected'],
    ['seq 0', serializeHead(empty), 'seq'],
    ['a seq that no commit has', changed({ seq: 9 }), 'commits: expected the newest commit to carry the seq'],
    ['a local time', changed({ at: '2026-11-22T03:00:00+01:00' }), 'at: expected an RFC 3339 time in UTC'],
    [
      'a snapshot of five digits',
      changed({ retained: [{ ...good.retained[0], snapshot: 'abc12' }] }),
      'retained.0.snapshot: expected a sha256',
    ],
    ['live not retained', changed({ retained: [] }), 'retained: expected the live snapshot among them'],
    ['a commit of unknown kind', changed({ commits: [{ seq: 3, txn: 'x', kind: 'wish' }] }), 'commits.0.kind'],
    ['two things', changed({ job: '', pins: 'none' }), '(and 1 more)'],
  ];

  test.each(damaged)('%s is refused, and the message says what is wrong', (_what, text, says) => {
    expect(fault(() => parseHead(text))).toMatchObject({
      code: 'origin-corrupt',
      message: expect.stringContaining(says),
    });
  });

  test('a format to come is not called damaged, and the hint is a newer nightpress', () => {
    const refused = fault(() => parseHead(changed({ nightpress: 2 })));
    expect(refused).toMatchObject({ code: 'origin-corrupt', hint: expect.stringContaining('newer nightpress') });
    expect(refused.message).toBe('head.json has format 2, this nightpress reads 1');
  });

  test('cut anywhere, it is refused', () => {
    const text = serializeHead(good).trimEnd();
    for (let length = 0; length < text.length; length += 7) {
      expect(fault(() => parseHead(text.slice(0, length))).code).toBe('origin-corrupt');
    }
  });

  function deep(levels: number): string {
    return changed({ x: 0 }).replace('"x":0', `"x":${'['.repeat(levels)}${']'.repeat(levels)}`);
  }

  function changed(fields: Record<string, unknown>): string {
    return JSON.stringify({ ...good, ...fields });
  }
});

describe('any sequence of operations', () => {
  type Step = (head: Head, txn: string) => Head;
  const anyNight = fc.nat(9);
  const pick = (head: Head, n: number) => head.retained[n % Math.max(1, head.retained.length)]?.snapshot;
  const anyStep: fc.Arbitrary<Step> = fc.oneof(
    {
      weight: 4,
      arbitrary: anyNight.map(
        (n): Step =>
          (head, txn) => {
            const publication = { ...night(n), txn };
            return head.frozen ? stageIn(head, { ...publication, rules: ['frozen'] }) : publishTo(head, publication);
          },
      ),
    },
    {
      weight: 1,
      arbitrary: anyNight.map(
        (n): Step =>
          (head, txn) =>
            stageIn(head, { ...night(n), txn, rules: ['shrink'] }),
      ),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(fc.nat(20), fc.boolean()).map(
        ([n, freeze]): Step =>
          (head, txn) => {
            const snapshot = pick(head, n);
            return snapshot
              ? rollBackTo(head, { txn, now: start, snapshot, ...(freeze ? { freeze: 'why' } : {}) })
              : head;
          },
      ),
    },
    { weight: 1, arbitrary: fc.constant<Step>((head, txn) => unfreeze(head, { txn, now: start })) },
    {
      weight: 1,
      arbitrary: fc.nat(20).map(
        (n): Step =>
          (head, txn) => {
            const snapshot = pick(head, n);
            return snapshot ? addPin(head, { txn, now: start, name: txn, snapshot }) : head;
          },
      ),
    },
    {
      weight: 1,
      arbitrary: fc.constant<Step>((head, txn) => {
        const [pin] = head.pins;
        return pin ? removePin(head, { txn, now: start, name: pin.name }) : head;
      }),
    },
    {
      weight: 2,
      arbitrary: fc.nat(60).map(
        (days): Step =>
          (head, txn) => {
            const at = { head, now: start + days * 86_400_000, graceMs: 259_200_000 };
            return retainOnly(head, {
              txn,
              now: start,
              retained: retain(head.retained, { last: 2, withinMs: 864_000_000 }, at).kept,
            });
          },
      ),
    },
    { weight: 1, arbitrary: fc.constant<Step>((head, txn) => unstage(head, { txn, now: start })) },
    {
      weight: 1,
      arbitrary: fc.tuple(fc.nat(3), fc.nat(9)).map(
        ([every, content]): Step =>
          (head, txn) => {
            // Snapshots that differ in what is withdrawn alone become one.
            const clean = new Map(
              named(head).map((snapshot, at) => [snapshot, at % 4 > every ? snap(100 + (at % 3)) : snapshot]),
            );
            const cleaned = new Map([...clean].filter(([from, to]) => from !== to));
            const contents = [{ key: 'a.jpg', source: sha256(`content ${content}`), items: [], blobs: [] }];
            return withdrawFrom(head, { txn, now: start, reason: 'why', contents, cleaned, unreadable: new Set() });
          },
      ),
    },
  );
  const named = ({ channels, retained, pins }: Head) => [
    ...new Set([...Object.values(channels), ...retained, ...pins].flatMap((one) => one?.snapshot ?? [])),
  ];

  test('keeps seq strictly growing, live and pins retained, at most 32 commits, and reads back as written', () => {
    fc.assert(
      fc.property(fc.array(anyStep, { minLength: 1, maxLength: 60 }), (steps) => {
        let head = empty;
        steps.forEach((step, index) => {
          const next = step(head, `txn-${index}`);
          if (next === head) return;
          expect(next.seq).toBe(head.seq + 1);
          expect(landed(next, `txn-${index}`)).toBe(true);
          checkInvariants(next);
          head = next;
        });
      }),
      { numRuns: 150 },
    );
  });

  function checkInvariants(head: Head): void {
    const retained = head.retained.map(({ snapshot }) => snapshot);
    const live = head.retained.at(-1);
    expect(head.channels.live ?? live).toEqual(live);
    expect(new Set(retained).size).toBe(retained.length);
    expect(head.commits.length).toBeLessThanOrEqual(commitsKept);
    expect(head.commits.map(({ seq }) => seq)).toEqual(
      head.commits.map((_, index) => head.seq - head.commits.length + 1 + index),
    );
    const held = new Set([...retained, head.channels.staged?.snapshot]);
    for (const snapshot of protectedSnapshots(head)) expect(held).toContain(snapshot);
    expect(parseHead(serializeHead(head))).toEqual(head);
  }
});

function fault(act: () => unknown): Fault {
  try {
    act();
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error('expected a fault');
}
