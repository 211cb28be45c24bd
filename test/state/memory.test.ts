import { expect, test } from 'vitest';
import type { KnownAsset, Mark, Settlement, State } from '../../src/state/contract.js';
import { openState } from '../../src/state/open.js';
import {
  closing,
  decodeFailed,
  digest,
  idOf,
  made,
  newRun,
  night2,
  plan,
  runA,
  runB,
  runC,
  tempFolder,
} from './world.js';

function fresh(): State {
  return closing(openState(tempFolder()));
}

function known(key: string, more: Partial<KnownAsset> = {}): Omit<KnownAsset, 'firstSeenAt'> {
  return {
    key,
    bytes: 10,
    modifiedAt: 5.5,
    listing: `of ${key}`,
    sha256: digest(key),
    recipes: 1,
    settled: digest('set'),
    ...more,
  };
}

function settlement(more: Partial<Settlement>): Settlement {
  return { origin: { origin: 'uuid', seq: 1, snapshot: digest('live') }, upserts: [], removed: [], at: 100, ...more };
}

/** A run of the plan in which a.jpg was made under `print`. */
function nightOf(state: State, run: typeof runA, print: string): void {
  state.beginRun(newRun(run, { window: { ...night2, opens: state.windows().length * 10 } }));
  state.freezePlan(run, plan);
  const at = 1500;
  const marks: Mark[] = [
    { kind: 'made', run, at, made: made(print, `blob of ${print}`) },
    { kind: 'attempt', run, item: idOf('a.jpg'), startedAt: 1, endedAt: 2, outcome: 'finished' },
    { kind: 'ended', run, item: idOf('a.jpg'), disposition: 'done', at, fingerprint: digest(print) },
  ];
  state.commit(marks);
  state.endRun(run, { outcome: 'published', endedAt: 1900, result: {} });
}

test('settled assets are remembered with the origin they were settled against', () => {
  const state = fresh();
  state.settle(settlement({ upserts: [known('a.jpg'), known('b.jpg')] }));
  const origin = { origin: 'uuid', seq: 2, snapshot: digest('next') };
  const changed = known('b.jpg', { listing: undefined, sha256: undefined, settled: undefined });
  state.settle({ origin, upserts: [changed, known('c.jpg')], removed: ['a.jpg', 'never.jpg'], at: 200 });
  expect(state.origin()).toEqual(origin);
  expect(state.assetKeys()).toEqual(['b.jpg', 'c.jpg']);
  expect(state.asset('b.jpg')).toEqual({ ...changed, firstSeenAt: 100 });
  expect(state.asset('c.jpg')).toEqual({ ...known('c.jpg'), firstSeenAt: 200 });
  expect(state.asset('a.jpg')).toBeUndefined();
});

test('an asset whose name is hostile is an asset like any other', () => {
  const state = fresh();
  const keys = ["it's; DROP TABLE asset", '-rf %00 "x"', 'ordner/Ärger\n.jpg', '__proto__', '表.png'];
  state.settle(settlement({ upserts: keys.map((key) => known(key)) }));
  expect(new Set(state.listings(digest('set')).keys())).toEqual(new Set(keys));
  state.unsettle(keys.slice(0, 2));
  state.settle(settlement({ removed: keys.slice(2) }));
  expect(state.asset(keys[0] ?? '')?.settled).toBeUndefined();
  expect(state.assetKeys().length).toBe(2);
});

test('listings of all assets come page by page, with content where it may be asked for', () => {
  const state = fresh();
  const keys = Array.from({ length: 10_001 }, (_, n) => `${n}\u{1F600}"\\\n`);
  state.settle(settlement({ upserts: keys.map((key) => known(key)) }));
  state.settle(
    settlement({
      upserts: [known('old', { settled: digest('old') }), known('new', { settled: undefined, listing: undefined })],
    }),
  );
  const listings = state.listings(digest('set'));
  expect(listings.size).toBe(10_003);
  const settled = (key: string) => ({ listing: `of ${key}`, recipes: 1, settled: digest('set') });
  expect(keys.map((key) => listings.get(key))).toEqual(keys.map(settled));
  expect(listings.get('old')).toEqual({
    listing: 'of old',
    recipes: 1,
    sha256: digest('old'),
    settled: digest('old'),
  });
  expect(listings.get('new')).toEqual({ recipes: 1, sha256: digest('new') });
});

test('unsettled assets stay known', () => {
  const state = fresh();
  state.settle(settlement({ upserts: [known('a.jpg'), known('b.jpg')] }));
  state.unsettle(['a.jpg']);
  const settled = () => state.assetKeys().map((key) => state.asset(key)?.settled);
  expect(settled()).toEqual([undefined, digest('set')]);
  state.unsettle('all');
  expect(settled()).toEqual([undefined, undefined]);
});

test('condemned assets are known as such until they are settled, unsettled or gone', () => {
  const state = fresh();
  const keys = ['a.jpg', 'b.jpg', 'c.jpg', 'd.jpg'];
  state.settle(settlement({ upserts: keys.map((key) => known(key)) }));
  expect(state.condemned()).toBe(0);
  state.condemn(keys.slice(0, 3));
  expect(state.condemned()).toBe(3);
  expect(state.asset('a.jpg')?.settled).toBeUndefined();
  expect(state.listings(digest('set')).get('a.jpg')).toEqual({
    listing: 'of a.jpg',
    recipes: 1,
    sha256: digest('a.jpg'),
  });
  state.settle(settlement({ upserts: [known('a.jpg')], removed: ['b.jpg'] }));
  expect(state.condemned()).toBe(1);
  state.unsettle('all');
  expect(state.condemned()).toBe(0);
});

test('what was made is found by fingerprint, in any number, and forgotten', () => {
  const state = fresh();
  nightOf(state, runA, 'one');
  const more = Array.from({ length: 40_000 }, (_, n) => digest(`${n}`));
  expect(state.made([...more, digest('one')])).toEqual(new Map([[digest('one'), made('one', 'blob of one')]]));
  expect([...state.madeDigests()]).toEqual([digest('blob of one')]);
  state.forgetMade([digest('one')]);
  expect(state.made([digest('one')]).size).toBe(0);
  expect([...state.madeDigests()]).toEqual([]);
});

test('a result with a placeholder keeps it', () => {
  const state = fresh();
  state.beginRun(newRun(runA));
  const result = { ...made('one', 'x'), placeholder: 'aGFzaA==' };
  state.commit([{ kind: 'made', run: runA, at: 1, made: result }]);
  expect(state.made([digest('one')]).get(digest('one'))).toEqual(result);
});

test('a fingerprint in quarantine keeps its finding until it is released', () => {
  const state = fresh();
  state.beginRun(newRun(runA));
  const mark = {
    kind: 'quarantined',
    run: runA,
    at: 1,
    key: 'a.jpg',
    recipe: 'pictures',
    finding: decodeFailed,
  } as const;
  state.commit([
    { ...mark, fingerprint: digest('bad') },
    { ...mark, fingerprint: digest('worse') },
  ]);
  const asked = [digest('bad'), digest('worse'), digest('good')];
  expect(state.quarantined(asked).get(digest('bad'))).toEqual(decodeFailed);
  state.releaseQuarantine([digest('bad')]);
  expect([...state.quarantined(asked).keys()]).toEqual([digest('worse')]);
});

test('at most one swap is open, and only its own end closes it', () => {
  const state = fresh();
  const swap = { txn: 'one', run: runA, seq: 4, snapshot: digest('live'), at: 7 };
  state.beginSwap(swap);
  expect(state.openSwap()).toEqual(swap);
  expect(() => state.beginSwap({ txn: 'two', seq: 5, at: 8 })).toThrow('swap one is not settled');
  state.endSwap('two');
  expect(state.openSwap()).toEqual(swap);
  state.endSwap('one');
  expect(state.openSwap()).toBeUndefined();
  state.beginSwap({ txn: 'two', seq: 5, at: 8 });
  expect(state.openSwap()).toEqual({ txn: 'two', seq: 5, at: 8 });
});

test('an upload is remembered with the newest of its parts until it is forgotten', () => {
  const { uploads } = fresh();
  uploads.record({ upload: 'one', place: 's3:media', key: 'b/aa/film.mp4' });
  uploads.record({ upload: 'two', place: 's3:media', key: 'b/bb/film.mp4' });
  uploads.recordPart('one', { number: 2, etag: '"b"', sha256: digest('b') });
  uploads.recordPart('one', { number: 1, etag: '"a"', sha256: digest('a') });
  uploads.recordPart('one', { number: 2, etag: '"c"', sha256: digest('c') });
  expect(uploads.all()[0]).toEqual({
    upload: 'one',
    place: 's3:media',
    key: 'b/aa/film.mp4',
    parts: [
      { number: 1, etag: '"a"', sha256: digest('a') },
      { number: 2, etag: '"c"', sha256: digest('c') },
    ],
  });
  uploads.forget('one');
  expect(uploads.all()).toEqual([{ upload: 'two', place: 's3:media', key: 'b/bb/film.mp4', parts: [] }]);
});

test('process groups are remembered until they are forgotten; a number that came again is the newer one', () => {
  const state = fresh();
  state.recordGroup({ pgid: 12, startedAt: 'boot+1', run: runA });
  state.recordGroup({ pgid: 12, startedAt: 'boot+9', run: runB });
  state.recordGroup({ pgid: 7, startedAt: 'boot+2', run: runA });
  state.forgetGroup(7);
  expect(state.groups()).toEqual([{ pgid: 12, startedAt: 'boot+9', run: runB }]);
});

test('the history of an asset is told newest run first', () => {
  const state = fresh();
  nightOf(state, runC, 'one');
  nightOf(state, runA, 'two');
  const history = state.history('a.jpg');
  expect(history.map((row) => [row.run.id, row.item.fingerprint])).toEqual([
    [runA, digest('two')],
    [runC, digest('one')],
  ]);
  expect(history[0]?.attempts).toHaveLength(1);
  expect(state.history('unknown.jpg')).toEqual([]);
});

test('pruning keeps the newest runs, what they used, the ledger and the open run', () => {
  const state = fresh();
  nightOf(state, runC, 'old');
  nightOf(state, runA, 'used');
  state.beginRun(newRun(runB, { window: night2 }));
  state.freezePlan(runB, plan);
  state.commit([
    { kind: 'ended', run: runB, item: idOf('a.jpg'), disposition: 'reused', at: 1, fingerprint: digest('old') },
  ]);
  state.endRun(runB, { outcome: 'interrupted', endedAt: 3900, result: {} });
  state.prune(0);
  expect(state.runs(9).map((run) => run.id)).toEqual([runB]);
  expect([...state.made([digest('old'), digest('used')]).keys()]).toEqual([digest('old')]);
  expect(state.windows().map((window) => window.run)).toEqual([runC, runA, runB]);
  expect(state.history('a.jpg')).toHaveLength(1);
  expect(state.items(runA)).toEqual([]);
  expect(state.changes(runA)).toEqual([]);
  expect(state.integrity()).toEqual([]);
});

test('pruning to as many runs as there are changes nothing', () => {
  const state = fresh();
  nightOf(state, runA, 'one');
  nightOf(state, runB, 'two');
  state.prune(2);
  expect(state.runs(9)).toHaveLength(2);
  expect(state.made([digest('one'), digest('two')]).size).toBe(2);
  state.prune(1);
  expect(state.runs(9).map((run) => run.id)).toEqual([runB]);
  expect([...state.made([digest('one'), digest('two')]).keys()]).toEqual([digest('two')]);
});

test('what an edge was told of last counts, also where the origin has lost a newer seq', () => {
  const state = fresh();
  const tell = (origin: string, seq: number) => state.rememberTold({ edge: 'cdn', origin, seq, at: seq });
  expect(state.told()).toEqual([]);
  tell('one', 7);
  tell('one', 5);
  state.rememberTold({ edge: 'varnish', origin: 'one', seq: 6, at: 1 });
  expect(state.told()).toEqual([
    { edge: 'cdn', origin: 'one', seq: 5 },
    { edge: 'varnish', origin: 'one', seq: 6 },
  ]);
  tell('another', 2);
  expect(state.told()[0]).toEqual({ edge: 'cdn', origin: 'another', seq: 2 });
});

test('when a store was proved last is remembered by its place', () => {
  const state = fresh();
  expect(state.storeProvedAt('s3:a')).toBeUndefined();
  state.rememberStore('s3:a', 1);
  state.rememberStore('s3:b', 2);
  state.rememberStore('s3:a', 3);
  expect([state.storeProvedAt('s3:a'), state.storeProvedAt('s3:b')]).toEqual([3, 2]);
});
