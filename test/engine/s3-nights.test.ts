import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseHead } from '../../src/domain/head-text.js';
import { resolveSwap } from '../../src/engine/fence.js';
import { type HeadParts, pinSnapshot, rollBack, thaw } from '../../src/engine/move-head.js';
import { endBucket, gate, originAt, startBucket } from '../support/bucket-nights.js';
import { type Cutter, startCutter } from '../support/cutter.js';
import { NightWorld } from '../support/night-world.js';
import { type Asked, next, type S3d } from '../support/s3d/index.js';

/** Whole nights against a store that fails in every way a network can, through a way that can be cut. */
let s3d: S3d;
let cutter: Cutter;
let world: NightWorld;
const worlds: NightWorld[] = [];

beforeEach(async () => {
  s3d = await startBucket();
  cutter = await startCutter(s3d.port);
  world = aWorld();
  for (const name of ['a', 'b', 'c', 'd']) world.put(`${name}.txt`, `content of ${name}`);
});

afterEach(async () => {
  for (const one of worlds.splice(0)) one.close();
  await cutter.close();
  await endBucket(s3d);
});

function aWorld(more: Partial<NightWorld['job']> = {}): NightWorld {
  const origin = originAt(cutter.endpoint);
  const made = new NightWorld({ origin, ...more });
  worlds.push(made);
  return made;
}

function head() {
  return parseHead(s3d.bucket().get('site/head.json')?.body.toString() ?? '');
}

async function nextNight(which = world) {
  which.nextDay();
  return await which.run();
}

const byHand = async (): Promise<HeadParts> => ({
  origin: await world.openOrigin(),
  clock: () => world.now,
  job: world.job,
});

interface Way {
  readonly tier: 'A' | 'B';
  /** What is created or replaced in the one moment that counts. */
  readonly commitKey: (seq: number) => string;
  readonly commitLine: RegExp;
}

/** A store that compares and swaps, and one that only creates. */
const ways: readonly Way[] = [
  { tier: 'A', commitKey: () => 'site/head.json', commitLine: /^PUT \/media\/site\/head\.json/ },
  {
    tier: 'B',
    commitKey: (seq) => `site/log/${String(seq).padStart(12, '0')}.json`,
    commitLine: /^PUT \/media\/site\/log\//,
  },
];
let way = ways[0] as Way;

const isCommitKey = (key: string) => (way.tier === 'A' ? key === 'site/head.json' : key.startsWith('site/log/'));
const isCommit = ({ kind, key }: Pick<Asked, 'kind' | 'key'>) => kind === 'put' && isCommitKey(key);
const headGet = ({ kind, key }: Asked) => kind === 'get' && key === 'site/head.json';
const headPut = ({ kind, key }: Asked) => kind === 'put' && key === 'site/head.json';
const isBlobPut = ({ kind, key }: Pick<Asked, 'kind' | 'key'>) => kind === 'put' && key.startsWith('site/b/');

/** Until the store has answered, or would have answered, so many commits. */
async function commitsDone(count: number): Promise<void> {
  const done = () => s3d.log.filter((asked) => isCommit(asked) && asked.status);
  await expect.poll(() => done().length).toBe(count);
}

describe.each(ways)('at a store of tier $tier', (given) => {
  beforeEach(() => {
    way = given;
    s3d.rules = { ...s3d.rules, tier: given.tier };
  });

  test('the same sources give the same snapshot at a bucket and in a folder', async () => {
    const other = new NightWorld({ source: world.job.source });
    worlds.push(other);
    const [bucket, folder] = [await world.run(), await other.run()];
    expect(bucket).toMatchObject({ outcome: 'published', exit: 0 });
    expect(bucket.snapshot).toBe(folder.snapshot);
  });

  describe('a commit whose answer is lost on the way', () => {
    test('is found in the head: the night is published', async () => {
      await world.run();
      world.put('a.txt', 'second a');
      cutter.next(way.commitLine, { kind: 'cut-answer' });
      expect(await nextNight()).toMatchObject({ outcome: 'published', exit: 0 });
      expect(cutter.made).toBe(1);
      expect(head()).toMatchObject({ seq: 2, commits: [{ kind: 'publish' }, { kind: 'publish' }] });
    });

    test('also the very first one', async () => {
      cutter.next(way.commitLine, { kind: 'cut-answer' });
      expect(await world.run()).toMatchObject({ outcome: 'published', exit: 0 });
      expect(head().seq).toBe(1);
    });

    test('and is a 500 instead: the head tells', async () => {
      await world.run();
      world.put('a.txt', 'second a');
      s3d.hooks.push(next(isCommit, { kind: 'answer-after', status: 500 }));
      expect(await nextNight()).toMatchObject({ outcome: 'published', exit: 0 });
    });
  });

  describe('a commit that did not get through and may land late', () => {
    async function unanswered() {
      const { snapshot } = await world.run();
      world.put('a.txt', 'second a');
      const late = gate();
      cutter.next(way.commitLine, { kind: 'late', until: late.until });
      const result = await nextNight();
      expect(result).toMatchObject({ outcome: 'unknown', exit: 6, fault: { code: 'swap-unknown' } });
      expect(result.next).toEqual(['nightpress run world', 'nightpress publish world --resolve']);
      expect(head()).toMatchObject({ seq: 1, channels: { live: { snapshot } } });
      return { late, old: snapshot };
    }

    test('that lands before the next run is taken for what it is', async () => {
      const { late } = await unanswered();
      late.open();
      await commitsDone(2);
      const result = await world.run();
      expect(result).toMatchObject({ exit: 0, snapshot: head().channels.live?.snapshot });
      expect(head().seq).toBe(2);
      const told = way.tier === 'A' ? [] : ['entrance-lost']; // readers were not shown it until this run
      expect(world.of('finding').map(({ finding }) => finding.code)).toEqual(told);
    });

    test('is fenced off by the next run, and is refused when it lands', async () => {
      const { late, old } = await unanswered();
      const result = await world.run();
      expect(result).toMatchObject({ outcome: 'published', exit: 0 });
      expect(head().commits.map(({ kind }) => kind)).toEqual(['publish', 'fence', 'publish']);
      expect(world.of('finding').map(({ finding }) => finding.code)).toEqual(['swap-settled']);
      const before = s3d.bucket().get('site/head.json');
      late.open();
      await commitsDone(4);
      expect(s3d.log.filter(isCommit).map(({ status }) => status)).toContain(412);
      expect(s3d.log.at(-1)).toMatchObject({ kind: 'put', key: way.commitKey(2) });
      expect(s3d.bucket().get('site/head.json')).toBe(before);
      expect(result.snapshot).not.toBe(old);
    });

    test('and lands while the next run fences: the fence is refused, the commit counts', async () => {
      const { late } = await unanswered();
      const others = s3d.log.length;
      s3d.hooks.push(async (asked) => {
        if (!isCommit(asked) || s3d.log.length === others) return undefined;
        s3d.hooks.length = 0;
        late.open();
        await commitsDone(2);
        return undefined;
      });
      const result = await world.run();
      expect(result).toMatchObject({ exit: 0, snapshot: head().channels.live?.snapshot });
      expect(head().commits.map(({ kind }) => kind)).toEqual(['publish', 'publish']);
      const [told] = world.of('finding');
      expect(told?.finding.message).toBe('seq 2 landed after all');
    });

    test('is settled by hand, and the next run publishes', async () => {
      const { late, old } = await unanswered();
      const open = { openSwap: () => ({ txn: 'lost', seq: 2, at: 0 }), storeProvedAt: () => undefined };
      const { head: settled, landed } = await resolveSwap(await byHand(), open);
      expect(landed).toBe(false);
      expect(settled).toMatchObject({ seq: 2, channels: { live: { snapshot: old } } });
      late.open();
      await commitsDone(3);
      expect(head()).toEqual(settled);
      expect(await world.run()).toMatchObject({ outcome: 'published', exit: 0 });
    });

    test('of a first publish is fenced off by a head that shows nothing yet', async () => {
      const late = gate();
      cutter.next(way.commitLine, { kind: 'late', until: late.until });
      expect(await world.run()).toMatchObject({ outcome: 'unknown', exit: 6 });
      expect(await world.run()).toMatchObject({ outcome: 'published', exit: 0 });
      expect(head().commits.map(({ kind }) => kind)).toEqual(['fence', 'publish']);
      late.open();
      await commitsDone(3);
      expect(head().seq).toBe(2);
    });

    test('of a rollback is made again on the same head, so that only one of them lands', async () => {
      const first = await world.run();
      world.put('a.txt', 'second a');
      await nextNight();
      const late = gate();
      cutter.next(way.commitLine, { kind: 'late', until: late.until });
      const rolledBack = await rollBack(await byHand(), { to: first.snapshot ?? '', freeze: 'bad pictures' });
      expect(rolledBack).toEqual(head());
      late.open();
      await commitsDone(4);
      expect(head()).toEqual(rolledBack);
      expect(head().seq).toBe(3);
    });
  });

  test('a commit of a person whose answers stay away ends as unknown, with the command that settles it', async () => {
    const { snapshot } = await world.run();
    s3d.hooks.push((asked) => (isCommit(asked) ? { kind: 'answer', status: 500 } : undefined));
    const pinned = pinSnapshot(await byHand(), { to: snapshot ?? '', name: 'spring' });
    await expect(pinned).rejects.toMatchObject({ code: 'swap-unknown', hint: 'nightpress publish {job} --resolve' });
    s3d.hooks.length = 0;
    const { landed, head: settled } = await resolveSwap(await byHand(), undefined);
    expect([landed, settled.pins]).toEqual([undefined, []]);
  });

  describe('another publisher', () => {
    test('that commits in between is followed: its changes and ours are live', async () => {
      await world.run();
      const other = aWorld();
      for (const name of ['a', 'b', 'c', 'd']) other.put(`${name}.txt`, `content of ${name}`);
      await other.run();
      other.put('other.txt', 'of the other');
      world.put('ours.txt', 'of ours');
      world.nextDay();
      other.nextDay();
      let isFirst = true;
      s3d.hooks.push(async (asked) => {
        if (!isCommit(asked) || !isFirst) return undefined;
        isFirst = false;
        world.executed.clear();
        expect(await other.run()).toMatchObject({ outcome: 'published' });
        return undefined;
      });
      expect(await world.run()).toMatchObject({ outcome: 'published', exit: 0 });
      expect(head().seq).toBe(3);
      const { snapshot } = await nextNight(other);
      expect(snapshot).toBe(head().channels.live?.snapshot);
    });

    test('that commits at the same moment: both end well, one after the other', async () => {
      await world.run();
      const other = aWorld({ source: world.job.source });
      await other.run();
      world.put('a.txt', 'second a');
      world.nextDay();
      other.nextDay();
      const results = await Promise.all([world.run(), other.run()]);
      expect(results.map(({ exit }) => exit)).toEqual([0, 0]);
      expect(results[0]?.snapshot).toBe(results[1]?.snapshot);
      expect(head().seq).toBe(2);
    });

    test('that answers with 409 while it is at it is waited for', async () => {
      await world.run();
      world.put('a.txt', 'second a');
      s3d.hooks.push(next(isCommit, { kind: 'answer', status: 409, code: 'ConditionalRequestConflict' }));
      expect(await nextNight()).toMatchObject({ outcome: 'published', exit: 0 });
      expect(head().seq).toBe(2);
    });

    test('that rolls back while a run publishes is not undone: the run is put on top or staged', async () => {
      const first = await world.run();
      world.put('a.txt', 'second a');
      await nextNight();
      world.put('b.txt', 'third b');
      let isFirst = true;
      s3d.hooks.push(async (asked) => {
        if (!isCommit(asked) || !isFirst) return undefined;
        isFirst = false;
        await rollBack(await byHand(), { to: first.snapshot ?? '', freeze: 'bad pictures' });
        return undefined;
      });
      expect(await nextNight()).toMatchObject({ outcome: 'held', exit: 4 });
      expect(head()).toMatchObject({
        channels: { live: { snapshot: first.snapshot } },
        frozen: { reason: 'bad pictures' },
      });
      s3d.hooks.length = 0;
      expect((await thaw(await byHand())).channels.live?.snapshot).not.toBe(first.snapshot);
    });
  });

  test('a refused commit leaves nothing to settle', async () => {
    await world.run();
    world.put('a.txt', 'second a');
    s3d.hooks.push(next(isCommit, { kind: 'answer', status: 403, code: 'AccessDenied' }));
    expect(await nextNight()).toMatchObject({ outcome: 'failed', exit: 77, fault: { code: 'credentials-refused' } });
    expect(await world.run()).toMatchObject({ outcome: 'published', exit: 0 });
    expect(head().commits.map(({ kind }) => kind)).toEqual(['publish', 'publish']);
  });
});

describe('at a store that compares and swaps', () => {
  beforeEach(() => {
    way = ways[0] as Way;
  });

  test('a night without changes asks for the head, once, and for nothing else', async () => {
    await world.run();
    s3d.log.length = 0;
    expect(await nextNight()).toMatchObject({ outcome: 'unchanged', exit: 0 });
    expect(s3d.log).toEqual([{ kind: 'get', key: 'site/head.json', status: 200 }]);
  });

  test('what readers get has its type and says how long it may be kept', async () => {
    await world.run();
    const headers = Object.fromEntries(
      s3d
        .bucket()
        .keys()
        .map((key) => [key.slice(0, 6), s3d.bucket().get(key)?.headers]),
    );
    expect(headers).toEqual({
      'site/h': {
        'content-type': 'application/json',
        'cache-control': 'public, max-age=0, s-maxage=5, stale-if-error=86400',
      },
      'site/m': { 'content-type': 'application/json', 'cache-control': 'public, max-age=31536000, immutable' },
      'site/b': { 'content-type': 'text/plain', 'cache-control': 'public, max-age=31536000, immutable' },
    });
  });

  test('a stale look at the head costs a lost swap, never a lost commit', async () => {
    const first = await world.run();
    world.put('a.txt', 'second a');
    await nextNight();
    world.put('b.txt', 'third b');
    let reads = 0;
    s3d.hooks.push((asked) =>
      asked.kind === 'get' && asked.key === 'site/head.json' && ++reads === 2 ? { kind: 'stale' } : undefined,
    );
    expect(await nextNight()).toMatchObject({ outcome: 'published', exit: 0 });
    expect(head()).toMatchObject({ seq: 3, retained: [{ snapshot: first.snapshot }, {}, {}] });
  });

  test('a head that is deleted while a run is at it is not made anew', async () => {
    await world.run();
    world.put('a.txt', 'second a');
    s3d.hooks.push((asked) => {
      if (headPut(asked)) s3d.bucket().delete('site/head.json');
      return undefined;
    });
    expect(await nextNight()).toMatchObject({ outcome: 'failed', exit: 13, fault: { code: 'origin-rewound' } });
    expect(s3d.bucket().get('site/head.json')).toBeUndefined();
  });

  test('where storing is slower than making, no more than two items wait in each place', async () => {
    for (let n = 0; n < 20; n++) world.put(`many/${n}.txt`, `number ${n}`);
    const way = gate();
    s3d.hooks.push(async (asked) => {
      if (isBlobPut(asked)) await way.until;
      return undefined;
    });
    const waiting: number[] = [];
    world.onExecute = () => waiting.push(world.executed.size - world.of('item-ended').length);
    const running = world.run();
    const soon = { timeout: 10_000 };
    await expect.poll(() => s3d.log.filter(isBlobPut).length, soon).toBe(world.workers);
    await expect.poll(() => world.executed.size, soon).toBe(2 * world.workers);
    way.open();
    expect(await running).toMatchObject({ outcome: 'published', derivatives: { made: 24 } });
    expect(Math.max(...waiting)).toBe(2 * world.workers);
  });
});

describe('at a store that only creates', () => {
  beforeEach(() => {
    way = ways[1] as Way;
    s3d.rules = { ...s3d.rules, tier: 'B' };
  });

  const entry = (seq: number) => s3d.bucket().get(way.commitKey(seq))?.body.toString();
  const shown = () => s3d.bucket().get('site/head.json')?.body.toString();
  const showing = (text: string) => {
    const { headers = {} } = s3d.bucket().get('site/head.json') ?? {};
    s3d.bucket().put('site/head.json', { body: Buffer.from(text), headers, at: 0 });
  };
  const codes = () => world.of('finding').map(({ finding }) => finding.code);

  test('the first head says for ever that commits are entries of a log, and readers are shown the newest', async () => {
    await world.run();
    world.put('a.txt', 'second a');
    await nextNight();
    expect(head()).toMatchObject({ commitsBy: 'log', seq: 2 });
    expect(shown()).toBe(entry(2));
    expect(s3d.bucket().get(way.commitKey(2))?.headers['cache-control']).toContain('immutable');
  });

  test('a run on a channel begins the log too', async () => {
    world.job = { ...world.job, channel: 'preview' };
    expect(await world.run()).toMatchObject({ outcome: 'published' });
    expect(head()).toMatchObject({ commitsBy: 'log', seq: 1 });
    expect(shown()).toBe(entry(1));
  });

  test('a run that finds nothing to do shows readers a commit that landed and could not be shown', async () => {
    const { snapshot } = await world.run();
    world.put('a.txt', 'second a');
    await nextNight();
    s3d.hooks.push((asked) => (headPut(asked) ? { kind: 'answer', status: 403, code: 'AccessDenied' } : undefined));
    await rollBack(await byHand(), { to: 'previous', freeze: 'bad night' }).catch(() => undefined);
    s3d.hooks.length = 0;
    expect([head().seq, entry(3)]).toEqual([2, expect.any(String)]);
    expect(await world.run()).toMatchObject({ outcome: 'unchanged', exit: 0 });
    expect(head()).toMatchObject({ seq: 3, channels: { live: { snapshot } }, frozen: { reason: 'bad night' } });
    expect(codes()).toEqual(['entrance-lost']);
  });

  test('a night without changes asks for the head and for the entry that is not there yet', async () => {
    await world.run();
    s3d.log.length = 0;
    expect(await nextNight()).toMatchObject({ outcome: 'unchanged', exit: 0 });
    expect(s3d.log).toEqual([
      { kind: 'get', key: 'site/head.json', status: 200 },
      { kind: 'get', key: way.commitKey(2), status: 404 },
    ]);
  });

  test('a publisher that dies before readers are shown its commit has committed; the next run shows it', async () => {
    await world.run();
    world.put('a.txt', 'second a');
    const before = shown();
    s3d.hooks.push((asked) => (headPut(asked) ? { kind: 'drop' } : undefined));
    expect(await nextNight()).toMatchObject({ outcome: 'unknown', exit: 6 });
    expect([shown() === before, entry(2) !== undefined]).toEqual([true, true]);
    s3d.hooks.length = 0;
    expect(await world.run()).toMatchObject({ exit: 0, snapshot: parseHead(entry(2) ?? '').channels.live?.snapshot });
    expect(head().seq).toBe(2);
    expect(shown()).toBe(entry(2));
    expect(codes()).toEqual(['entrance-lost']);
  });

  test('what a person committed is shown although it was not at first', async () => {
    const { snapshot } = await world.run();
    s3d.hooks.push(next(headPut, { kind: 'answer', status: 500 }, 5));
    const pinned = await pinSnapshot(await byHand(), { to: snapshot ?? '', name: 'spring' });
    expect(pinned).toEqual(head());
    expect(shown()).toBe(entry(2));
  });

  test('settling by hand shows what landed', async () => {
    await world.run();
    world.put('a.txt', 'second a');
    s3d.hooks.push((asked) => (headPut(asked) ? { kind: 'drop' } : undefined));
    expect(await nextNight()).toMatchObject({ exit: 6 });
    s3d.hooks.length = 0;
    const txn = parseHead(entry(2) ?? '').commits.at(-1)?.txn ?? '';
    const open = { openSwap: () => ({ txn, seq: 2, at: 0 }), storeProvedAt: () => undefined };
    expect(await resolveSwap(await byHand(), open)).toMatchObject({ landed: true, head: { seq: 2 } });
    expect(shown()).toBe(entry(2));
  });

  test('an older head over a newer one, put by who came late, is mended by the next night', async () => {
    await world.run();
    const old = shown() ?? '';
    world.put('a.txt', 'second a');
    await nextNight();
    showing(old);
    expect(await nextNight()).toMatchObject({ outcome: 'unchanged', exit: 0 });
    expect([shown() === entry(2), codes()]).toEqual([true, ['entrance-lost']]);
  });

  test('whoever was asleep while others committed shows the newest, not its own', async () => {
    await world.run();
    world.put('a.txt', 'second a');
    const { snapshot } = await nextNight();
    s3d.hooks.push(async (asked) => {
      if (!headPut(asked)) return undefined;
      s3d.hooks.length = 0;
      await pinSnapshot(await byHand(), { to: snapshot ?? '', name: 'spring' });
      return undefined;
    });
    world.put('b.txt', 'third b');
    expect(await nextNight()).toMatchObject({ outcome: 'published', exit: 0 });
    expect(head()).toMatchObject({ seq: 4, pins: [{ name: 'spring' }] });
    expect(shown()).toBe(entry(4));
  });

  test('a stale look, at the head or past it, costs a lost commit at most', async () => {
    await world.run();
    world.put('a.txt', 'second a');
    await nextNight();
    world.put('b.txt', 'third b');
    let reads = 0;
    s3d.hooks.push(
      (asked) => (headGet(asked) && ++reads === 2 ? { kind: 'stale' } : undefined),
      next(({ kind, key }) => kind === 'get' && key === way.commitKey(2) && reads === 2, { kind: 'stale' }),
    );
    expect(await nextNight()).toMatchObject({ outcome: 'published', exit: 0 });
    expect(head().commits.map(({ kind }) => kind)).toEqual(['publish', 'publish', 'publish']);
    expect(s3d.log.filter(isCommit).map(({ status }) => status)).toEqual([200, 200, 412, 200]);
  });

  test('a head that somebody deleted is made again from the log', async () => {
    const { snapshot } = await world.run();
    s3d.bucket().delete('site/head.json');
    expect(await nextNight()).toMatchObject({ outcome: 'unchanged', exit: 0, snapshot });
    expect(shown()).toBe(entry(1));
  });

  test('the log is gone on with when the store has learned to compare and swap', async () => {
    await world.run();
    s3d.rules = { ...s3d.rules, tier: 'A' };
    world.put('a.txt', 'second a');
    await nextNight();
    expect([head().seq, shown() === entry(2)]).toEqual([2, true]);
  });
});
