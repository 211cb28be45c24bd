import { describe, expect, test } from 'vitest';
import { channelNameProblem, seenFrom, writtenTo } from '../../src/domain/channels.js';
import { rootsOf } from '../../src/domain/collect.js';
import { sha256 } from '../../src/domain/digest.js';
import { Fault } from '../../src/domain/faults.js';
import { findSnapshot } from '../../src/domain/find-snapshot.js';
import {
  firstHead,
  type Head,
  parseHead,
  promoteFrom,
  publishTo,
  rollBackTo,
  serializeHead,
  stageIn,
} from '../../src/domain/head.js';
import { retain } from '../../src/domain/retention.js';
import type { RunId } from '../../src/domain/types.js';

const start = Date.parse('2026-11-22T03:00:00Z');
const empty = firstHead({ origin: '4f7c1a52-6d6f-4a75-9a1f-0f9a2c1f7a11', job: 'catalog', now: start });
const made = (name: string) => ({
  txn: `txn ${name}`,
  now: start,
  snapshot: sha256(name),
  window: '2026-11-22T02:00',
  run: `run ${name}` as RunId,
});

/** A commit as a run on the channel makes it. */
function onPreview(head: Head, change: (seen: Head) => Head): Head {
  return writtenTo(head, change(seenFrom(head, 'preview')), 'preview');
}

const live = publishTo(empty, made('live'));
const withPreview = onPreview(live, (seen) => publishTo(seen, made('preview')));

describe('a run on a channel', () => {
  test('moves its channel and leaves live, what is retained, pins and freeze as they are', () => {
    const frozen = rollBackTo(publishTo(live, made('newer')), {
      txn: 'back',
      now: start,
      snapshot: sha256('live'),
      freeze: 'broken',
    });
    const after = onPreview(frozen, (seen) => publishTo(seen, made('preview')));
    expect(after.channels.preview?.snapshot).toBe(sha256('preview'));
    expect(after).toMatchObject({
      seq: frozen.seq + 1,
      channels: frozen.channels,
      retained: frozen.retained,
      frozen: frozen.frozen,
    });
    expect(after.commits.at(-1)).toMatchObject({ seq: after.seq, kind: 'publish' });
    expect(parseHead(serializeHead(after))).toEqual(after);
  });

  test('begins with what is live, and goes on with its own', () => {
    expect(seenFrom(live, 'preview').channels.live?.snapshot).toBe(sha256('live'));
    expect(seenFrom(withPreview, 'preview').channels.live?.snapshot).toBe(sha256('preview'));
  });

  test('that is held is staged beside its channel, which itself stays', () => {
    const held = onPreview(live, (seen) => stageIn(seen, { ...made('held'), rules: ['shrink'] }));
    expect(held.channels.preview).toBeUndefined();
    expect(held.channels.staged).toBeUndefined();
    expect(held.channels['preview.staged']).toMatchObject({ snapshot: sha256('held'), rules: ['shrink'] });
    expect(seenFrom(held, 'preview').channels.staged?.rules).toEqual(['shrink']);
    const published = onPreview(held, (seen) => publishTo(seen, made('held')));
    expect(Object.keys(published.channels).sort()).toEqual(['live', 'preview']);
  });

  test('may be the first of an origin', () => {
    const first = writtenTo(undefined, publishTo(empty, made('preview')), 'preview');
    expect(first).toMatchObject({ seq: 1, channels: { preview: { snapshot: sha256('preview') } }, retained: [] });
    expect(first.channels.live).toBeUndefined();
    expect(parseHead(serializeHead(first))).toEqual(first);
  });

  test('and a night that is live do not undo each other', () => {
    const newer = publishTo(withPreview, made('newer'));
    expect(newer.channels.preview).toEqual(withPreview.channels.preview);
    expect(seenFrom(newer, 'preview').channels.live?.snapshot).toBe(sha256('preview'));
  });
});

test('promoting makes the snapshot of a channel live and retained in one commit', () => {
  const promoted = promoteFrom(withPreview, { channel: 'preview', txn: 'p', now: start });
  expect(promoted.channels.live).toMatchObject({ snapshot: sha256('preview'), seq: 3, run: 'run preview' });
  expect(promoted.channels.preview).toEqual(withPreview.channels.preview);
  expect(promoted.retained.map(({ snapshot }) => snapshot)).toEqual([sha256('live'), sha256('preview')]);
  expect(promoted.commits.at(-1)).toMatchObject({ kind: 'promote' });
});

test('promoting a channel that is not there names those that are', () => {
  const promote = () => promoteFrom(withPreview, { channel: 'trial', txn: 'p', now: start });
  expect(promote).toThrow(Fault);
  expect(promote).toThrow(/no channel 'trial'.*'preview'/);
});

test('promoting a channel of which all so far was held by its gate says so, and the first of all channels needs a run', () => {
  const { preview, ...channels } = withPreview.channels;
  const held = { ...withPreview, channels: { ...channels, 'preview.staged': preview } };
  const promote = (channel: string) => () => promoteFrom(held, { channel, txn: 'p', now: start });
  expect(promote('preview')).toThrow(/'preview' of 'catalog' shows nothing of its own yet: .* held by its gate/);
  expect(promote('trial')).toThrow(/no channel 'trial' at the origin of 'catalog', expected a run on one first/);
});

test.each(['live', 'staged', 'preview.staged', 'constructor'])(
  "promoting '%s', which is no channel, is refused: what a gate held goes live by publish --override only",
  (channel) => {
    const waits = (head: Head) => stageIn(head, { ...made('waits'), rules: ['shrink'] });
    const held = onPreview(waits(withPreview), waits);
    const promote = () => promoteFrom(held, { channel, txn: 'p', now: start });
    expect(promote).toThrow(`no channel '${channel}' at the origin of 'catalog', expected one of: 'preview'`);
    expect(channelNameProblem(channel)).toBeDefined();
  },
);

test('the snapshot of a channel is a root of collections, and found by its name', () => {
  const at = { now: start, graceMs: 0 };
  expect(rootsOf(withPreview, at)).toContainEqual({
    snapshot: sha256('preview'),
    because: { kind: 'channel', name: 'preview' },
  });
  expect(findSnapshot(withPreview, 'preview')).toBe(sha256('preview'));
});

test('what a run on a channel sees has every root of the head itself', () => {
  const at = { now: start, graceMs: 0 };
  const staged = stageIn(withPreview, { ...made('waits'), rules: ['shrink'] });
  const snapshots = (head: Head) => new Set(rootsOf(head, at).map(({ snapshot }) => snapshot));
  for (const snapshot of snapshots(staged)) expect(snapshots(seenFrom(staged, 'preview'))).toContain(snapshot);
});

test('retention never lets go what a channel shows', () => {
  const promoted = promoteFrom(withPreview, { channel: 'preview', txn: 'p', now: start });
  const later = ['a', 'b', 'c'].reduce((head, name) => publishTo(head, made(name)), promoted);
  const { kept } = retain(later.retained, { last: 1, withinMs: 0 }, { head: later, now: start + 1, graceMs: 1 });
  const dropped = kept.filter(({ droppedAt }) => droppedAt !== undefined).map(({ snapshot }) => snapshot);
  expect(dropped).toContain(sha256('live'));
  expect(dropped).not.toContain(sha256('preview'));
});

test.each(['live', 'staged', 'previous', '', 'Preview', 'a.b', '-a', 'a b', 'x'.repeat(33)])(
  'no channel may be called %j',
  (name) => {
    expect(channelNameProblem(name)).toBeDefined();
  },
);

test('names that may be channels', () => {
  for (const name of ['preview', 'trial-2', 'a']) expect(channelNameProblem(name)).toBeUndefined();
});
