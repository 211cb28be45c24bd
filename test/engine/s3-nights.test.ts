import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { parseHead } from '../../src/domain/head-text.js';
import { resolveSwap } from '../../src/engine/fence.js';
import { type HeadParts, pinSnapshot, rollBack, thaw } from '../../src/engine/move-head.js';
import { type Cutter, startCutter } from '../support/cutter.js';
import { NightWorld } from '../support/night-world.js';
import { type Asked, next, type S3d, startS3d, testCredentials } from '../support/s3d/index.js';

/** Whole nights against a store that fails in every way a network can, through a way that can be cut. */
let s3d: S3d;
let cutter: Cutter;
let world: NightWorld;
const worlds: NightWorld[] = [];

beforeEach(async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', testCredentials.accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', testCredentials.secretAccessKey);
  s3d = await startS3d();
  cutter = await startCutter(s3d.port);
  world = aWorld();
  for (const name of ['a', 'b', 'c', 'd']) world.put(`${name}.txt`, `content of ${name}`);
});

afterEach(async () => {
  for (const one of worlds.splice(0)) one.close();
  await cutter.close();
  await s3d.close();
  vi.unstubAllEnvs();
});

function aWorld(more: Partial<NightWorld['job']> = {}): NightWorld {
  const origin = { type: 's3', bucket: 'media', prefix: 'site', endpoint: cutter.endpoint, region: 'eu-central-1' };
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

const headPut = (asked: Asked) => asked.kind === 'put' && asked.key === 'site/head.json';
const isBlobPut = ({ kind, key }: Pick<Asked, 'kind' | 'key'>) => kind === 'put' && key.startsWith('site/b/');
const headLine = /^PUT \/media\/site\/head\.json/;

/** Something that resolves when it is told to. */
function gate() {
  const controller = new AbortController();
  return { until: once(controller.signal, 'abort'), open: () => controller.abort() };
}

/** Until the store has answered, or would have answered, so many commits. */
async function commitsDone(count: number): Promise<void> {
  const done = () => s3d.log.filter(({ kind, key, status }) => kind === 'put' && key === 'site/head.json' && status);
  await expect.poll(() => done().length).toBe(count);
}

test('the same sources give the same snapshot at a bucket and in a folder', async () => {
  const other = new NightWorld({ source: world.job.source });
  worlds.push(other);
  const [bucket, folder] = [await world.run(), await other.run()];
  expect(bucket).toMatchObject({ outcome: 'published', exit: 0 });
  expect(bucket.snapshot).toBe(folder.snapshot);
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

describe('a commit whose answer is lost on the way', () => {
  test('is found in the head: the night is published', async () => {
    await world.run();
    world.put('a.txt', 'second a');
    cutter.next(headLine, { kind: 'cut-answer' });
    expect(await nextNight()).toMatchObject({ outcome: 'published', exit: 0 });
    expect(cutter.made).toBe(1);
    expect(head()).toMatchObject({ seq: 2, commits: [{ kind: 'publish' }, { kind: 'publish' }] });
  });

  test('also the very first one', async () => {
    cutter.next(headLine, { kind: 'cut-answer' });
    expect(await world.run()).toMatchObject({ outcome: 'published', exit: 0 });
    expect(head().seq).toBe(1);
  });

  test('and is a 500 instead: the head tells', async () => {
    await world.run();
    world.put('a.txt', 'second a');
    s3d.hooks.push(next(headPut, { kind: 'answer-after', status: 500 }));
    expect(await nextNight()).toMatchObject({ outcome: 'published', exit: 0 });
  });
});

describe('a commit that did not get through and may land late', () => {
  async function unanswered() {
    const { snapshot } = await world.run();
    world.put('a.txt', 'second a');
    const way = gate();
    cutter.next(headLine, { kind: 'late', until: way.until });
    const result = await nextNight();
    expect(result).toMatchObject({ outcome: 'unknown', exit: 6, fault: { code: 'swap-unknown' } });
    expect(result.next).toEqual(['nightpress run world', 'nightpress publish world --resolve']);
    expect(head()).toMatchObject({ seq: 1, channels: { live: { snapshot } } });
    return { way, old: snapshot };
  }

  test('that lands before the next run is taken for what it is', async () => {
    const { way } = await unanswered();
    way.open();
    await commitsDone(2);
    const result = await world.run();
    expect(result).toMatchObject({ exit: 0, snapshot: head().channels.live?.snapshot });
    expect(head().seq).toBe(2);
    expect(world.of('finding')).toEqual([]);
  });

  test('is fenced off by the next run, and is refused when it lands', async () => {
    const { way, old } = await unanswered();
    const result = await world.run();
    expect(result).toMatchObject({ outcome: 'published', exit: 0 });
    expect(head().commits.map(({ kind }) => kind)).toEqual(['publish', 'fence', 'publish']);
    expect(world.of('finding').map(({ finding }) => finding.code)).toEqual(['swap-settled']);
    const before = s3d.bucket().get('site/head.json');
    way.open();
    await commitsDone(4);
    expect(s3d.log.at(-1)).toEqual({ kind: 'put', key: 'site/head.json', status: 412 });
    expect(s3d.bucket().get('site/head.json')).toBe(before);
    expect(result.snapshot).not.toBe(old);
  });

  test('and lands while the next run fences: the fence is refused, the commit counts', async () => {
    const { way } = await unanswered();
    const others = s3d.log.length;
    s3d.hooks.push(async (asked) => {
      if (!headPut(asked) || s3d.log.length === others) return undefined;
      s3d.hooks.length = 0;
      way.open();
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
    const { way, old } = await unanswered();
    const open = { openSwap: () => ({ txn: 'lost', seq: 2, at: 0 }) };
    const { head: settled, landed } = await resolveSwap(await byHand(), open);
    expect(landed).toBe(false);
    expect(settled).toMatchObject({ seq: 2, channels: { live: { snapshot: old } } });
    way.open();
    await commitsDone(3);
    expect(head()).toEqual(settled);
    expect(await world.run()).toMatchObject({ outcome: 'published', exit: 0 });
  });

  test('of a first publish is fenced off by a head that shows nothing yet', async () => {
    const way = gate();
    cutter.next(headLine, { kind: 'late', until: way.until });
    expect(await world.run()).toMatchObject({ outcome: 'unknown', exit: 6 });
    expect(await world.run()).toMatchObject({ outcome: 'published', exit: 0 });
    expect(head().commits.map(({ kind }) => kind)).toEqual(['fence', 'publish']);
    way.open();
    await commitsDone(3);
    expect(head().seq).toBe(2);
  });

  test('of a rollback is made again on the same head, so that only one of them lands', async () => {
    const first = await world.run();
    world.put('a.txt', 'second a');
    await nextNight();
    const way = gate();
    cutter.next(headLine, { kind: 'late', until: way.until });
    const rolledBack = await rollBack(await byHand(), { to: first.snapshot ?? '', freeze: 'bad pictures' });
    expect(rolledBack).toEqual(head());
    way.open();
    await commitsDone(4);
    expect(head()).toEqual(rolledBack);
    expect(head().seq).toBe(3);
  });
});

test('a commit of a person whose answers stay away ends as unknown, with the command that settles it', async () => {
  const { snapshot } = await world.run();
  s3d.hooks.push((asked) => (headPut(asked) ? { kind: 'answer', status: 500 } : undefined));
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
      if (!headPut(asked) || !isFirst) return undefined;
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
    s3d.hooks.push(next(headPut, { kind: 'answer', status: 409, code: 'ConditionalRequestConflict' }));
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
      if (!headPut(asked) || !isFirst) return undefined;
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

test('a refused commit leaves nothing to settle', async () => {
  await world.run();
  world.put('a.txt', 'second a');
  s3d.hooks.push(next(headPut, { kind: 'answer', status: 403, code: 'AccessDenied' }));
  expect(await nextNight()).toMatchObject({ outcome: 'failed', exit: 77, fault: { code: 'credentials-refused' } });
  expect(await world.run()).toMatchObject({ outcome: 'published', exit: 0 });
  expect(head().commits.map(({ kind }) => kind)).toEqual(['publish', 'publish']);
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
