import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { listKey, serializeList } from '../../src/domain/condemned.js';
import { sha256 } from '../../src/domain/digest.js';
import { serializeHead } from '../../src/domain/head-text.js';
import { blobKey } from '../../src/domain/origin-keys.js';
import { type CollectOptions, type CollectParts, collect, whyStored } from '../../src/engine/collect.js';
import { rollBack } from '../../src/engine/move-head.js';
import { lift, withdraw } from '../../src/engine/withdraw.js';
import { endBucket, gate, liveBy, originAt, startBucket } from '../support/bucket-nights.js';
import { originIn } from '../support/bucket-whole.js';
import { Killed, NightWorld } from '../support/night-world.js';
import { type Asked, next, type S3d } from '../support/s3d/index.js';

/** Collecting in a bucket, where nobody can keep publishers out and a collector may sleep for as long as it likes. */
const hour = 3_600_000;
const day = 24 * hour;
let s3d: S3d;
let world: NightWorld;
const worlds: NightWorld[] = [];

beforeEach(async () => {
  s3d = await startBucket({ clock: () => world.now });
  world = aWorld();
  liveBy(() => world.now);
});

afterEach(async () => {
  expect(await originIn(s3d).flaws()).toEqual([]); // whatever happened, all that the head names is there
  for (const one of worlds.splice(0)) one.close();
  await endBucket(s3d);
});

function aWorld(source?: NightWorld['job']['source']): NightWorld {
  const origin = originAt(s3d.endpoint);
  const keep = { last: 1, withinMs: hour };
  const made = new NightWorld({ origin, keep, ...(source && { source }) });
  worlds.push(made);
  return made;
}

const at = (key: string) => originIn(s3d).at(key);
const head = () => originIn(s3d).head();
const keyOf = (text: string) => blobKey({ sha256: sha256(text), ext: 'txt' });
const lies = (text: string) => head().moved?.[keyOf(text)] ?? keyOf(text);
const isStored = (text: string) => at(lies(text)) !== undefined;
const countOf = (folder: string) =>
  s3d
    .bucket()
    .keys()
    .filter((key) => key.startsWith(`site/${folder}`)).length;

/** As a machine of its own does it, which knows nothing of what others have made. */
async function gc(options: Partial<CollectOptions> = {}, state?: CollectParts['state']) {
  const parts = { origin: await world.openOrigin(), clock: () => world.now, job: world.job, state };
  return await collect(parts, { remove: true, maxDelete: 1, ...options });
}

async function night(files: Readonly<Record<string, string>>, which = world) {
  for (const [name, text] of Object.entries(files)) which.put(name, text);
  world.nextDay();
  which.now = world.now;
  const result = await which.run();
  expect(result).toMatchObject({ exit: 0 });
  return result;
}

/** `old` was live, was let go, and its grace is over: nothing needs it. */
async function withGarbage(old = 'the old a'): Promise<void> {
  await night({ 'a.txt': old, 'b.txt': 'b' });
  await night({ 'a.txt': 'the new a' });
  await night({ 'b.txt': 'another b' });
  world.now += 4 * day;
}

/** A run stored everything, and was killed before it could publish. */
async function withRunKilledDaysAgo(): Promise<void> {
  await night({ 'a.txt': 'a' });
  world.put('late.txt', 'made long ago');
  world.nextDay();
  world.onEvent = ({ type }) => {
    if (type === 'manifest-ready') throw new Killed();
  };
  await expect(world.run()).rejects.toThrow(Killed);
  world.onEvent = () => undefined;
  world.now += 5 * day;
}

/** Another machine collects when the store is asked for the next commit, before it answers. Tells whether that came. */
function gcBeforeTheNextCommit(): () => boolean {
  let isCollected = false;
  s3d.hooks.push(async (asked) => {
    if (!isHeadPut(asked) || isCollected) return undefined;
    isCollected = true;
    await gc();
    return undefined;
  });
  return () => isCollected;
}

const isSweep = ({ kind }: Pick<Asked, 'kind'>) => kind === 'delete-many';
const isHeadPut = ({ kind, key }: Pick<Asked, 'kind' | 'key'>) => kind === 'put' && key === 'site/head.json';

const denied = { kind: 'answer', status: 403, code: 'AccessDenied' } as const;

/** Resolves once the store was asked for this. */
async function asked(is: (one: Pick<Asked, 'kind' | 'key'>) => boolean): Promise<void> {
  await expect.poll(() => s3d.log.filter(is).length).toBeGreaterThan(0);
}

test('a list that condemns what is live is not believed, and nothing is deleted', async () => {
  await night({ 'a.txt': 'a' });
  const bytes = serializeList({ txn: 'x', keys: [keyOf('a')] });
  const list = { list: sha256(bytes), at: new Date(world.now).toISOString(), objects: 1 };
  const put = (key: string, body: Buffer) => s3d.bucket().put(`site/${key}`, { body, headers: {}, at: world.now });
  put(listKey(list.list), bytes);
  put('head.json', Buffer.from(serializeHead({ ...head(), gc: { lists: [list] } })));
  const message = expect.stringContaining(`condemns ${keyOf('a')}, which a snapshot of the head needs`);
  await expect(gc()).rejects.toMatchObject({ code: 'origin-corrupt', message });
  expect(isStored('a')).toBe(true);
});

test('what no snapshot needs is condemned by a commit, then deleted; the head names the list', async () => {
  await withGarbage();
  const before = head();
  const { objects, forgotten } = await gc();
  expect(objects.map(({ key }) => key)).toContain(keyOf('the old a'));
  expect([forgotten, isStored('the old a'), isStored('the new a')]).toEqual([1, false, true]);
  const after = head();
  expect(after.seq).toBe(before.seq + 1);
  expect(after.commits.at(-1)?.kind).toBe('retain');
  expect(after.gc?.lists).toHaveLength(1);
  expect(at(listKey(after.gc?.lists[0]?.list ?? sha256('')))?.body.toString()).toContain(keyOf('the old a'));
  expect(await gc()).toMatchObject({ objects: [], forgotten: 0 });
  expect(head()).toEqual(after);
});

test('a night collects by itself once a grace is over', async () => {
  await night(Object.fromEntries(Array.from({ length: 40 }, (_, number) => [`${number}.txt`, `content ${number}`])));
  await night({ '0.txt': 'replaced' });
  await night({ '1.txt': 'replaced too' });
  const first = `m/${head().retained[0]?.snapshot}.json`;
  expect(at(first)).toBeDefined();
  world.now += 4 * day;
  await night({ '2.txt': 'and this' });
  expect(at(first)).toBeUndefined();
  expect(isStored('content 0')).toBe(true); // a checkpoint of this state counts on it
  expect(world.of('collected').at(-1)?.objects).toBeGreaterThan(0);
  expect(await night({})).toMatchObject({ outcome: 'unchanged' });
});

test('a look says what would go and changes nothing', async () => {
  await withGarbage();
  const before = head();
  const { objects } = await gc({ remove: false });
  expect(objects.map(({ key }) => key)).toContain(keyOf('the old a'));
  expect(head()).toEqual(before);
  expect([isStored('the old a'), countOf('g/')]).toEqual([true, 0]);
});

describe('bytes that were condemned and are wanted again', () => {
  test('are stored under a fresh key, and the head says where: blob, leaf and root', async () => {
    await night({ 'a.txt': 'first', 'b.txt': 'b' });
    const first = head().channels.live?.snapshot;
    await night({ 'a.txt': 'second' });
    await night({ 'a.txt': 'third' });
    world.now += 4 * day;
    await gc();
    await night({ 'a.txt': 'first' });
    expect(head().channels.live?.snapshot).toBe(first);
    const key = keyOf('first');
    expect(head().moved).toEqual({
      [key]: key.replace('.txt', '~1.txt'),
      [`m/${first}.json`]: `m/${first}~1.json`,
    });
    expect([at(key), at(`m/${first}.json`)]).toEqual([undefined, undefined]);
    expect(at(lies('first'))?.headers['content-type']).toBe('text/plain');
  });

  test('keep their place while they are needed, and the next generation is taken after that', async () => {
    await withGarbage();
    await gc();
    await night({ 'a.txt': 'the old a' });
    expect(lies('the old a')).toContain('~1');
    world.now += 40 * day; // the list that condemned the first key is no longer kept
    await night({ 'b.txt': 'b later' });
    await gc();
    expect(head().gc?.lists.length ?? 0).toBeLessThanOrEqual(1);
    expect([lies('the old a'), isStored('the old a')]).toEqual([keyOf('the old a').replace('.txt', '~1.txt'), true]);

    await night({ 'a.txt': 'something else' });
    await night({ 'b.txt': 'b again' });
    world.now += 4 * day;
    await gc();
    expect(head().moved ?? {}).not.toHaveProperty([keyOf('the old a')]);
    expect(at(keyOf('the old a').replace('.txt', '~1.txt'))).toBeUndefined();
    await night({ 'a.txt': 'the old a' });
    expect(lies('the old a')).toBe(keyOf('the old a')); // its own key was condemned so long ago that it is free again
  });

  test('are told apart from the same bytes under another extension', async () => {
    await night({ 'a.txt': 'same', 'a.md': 'same' });
    await night({ 'a.txt': 'other' });
    await night({ 'a.txt': 'another' });
    world.now += 4 * day;
    await gc();
    const markdown = blobKey({ sha256: sha256('same'), ext: 'md' });
    expect([at(keyOf('same')), at(markdown) !== undefined]).toEqual([undefined, true]);
    await night({ 'a.txt': 'same' });
    expect(Object.keys(head().moved ?? {})).toContain(keyOf('same'));
    expect(Object.keys(head().moved ?? {})).not.toContain(markdown);
  });
});

describe('a collector that sleeps', () => {
  test('for a day before it deletes finds nothing that anybody uses', async () => {
    await withGarbage();
    const sleep = gate();
    s3d.hooks.push(next(isSweep, { kind: 'late', until: sleep.until }));
    const sleeping = gc();
    await asked(isSweep);
    await night({ 'a.txt': 'the old a' });
    expect(isStored('the old a')).toBe(true);
    sleep.open();
    expect((await sleeping).objects.map(({ key }) => key)).toContain(keyOf('the old a'));
    expect(at(keyOf('the old a'))).toBeUndefined();
    expect(isStored('the old a')).toBe(true);
  });

  test('between two batches stops when its list is no longer named', async () => {
    await withGarbage();
    const sleep = gate();
    const isGet = ({ kind, key }: Pick<Asked, 'kind' | 'key'>) => kind === 'get' && key === 'site/head.json';
    const isMarked = () => head().gc !== undefined;
    s3d.hooks.push(next((one) => isGet(one) && isMarked(), { kind: 'late', until: sleep.until }));
    const sleeping = gc();
    await expect.poll(isMarked).toBe(true);
    world.now += 31 * day;
    await gc(); // the list of long ago is forgotten, and what it should have deleted is on a new one
    world.now += 31 * day;
    await gc();
    expect(head().gc).toBeUndefined();
    await night({ 'a.txt': 'the old a' });
    expect(lies('the old a')).toBe(keyOf('the old a'));
    sleep.open();
    expect((await sleeping).objects).toEqual([]);
  });

  test('before its commit loses it to whoever published meanwhile, and looks again', async () => {
    await withGarbage();
    const sleep = gate();
    s3d.hooks.push(next(isHeadPut, { kind: 'late', until: sleep.until }));
    const sleeping = gc();
    s3d.log.length = 0;
    await asked(isHeadPut);
    await night({ 'a.txt': 'the old a' });
    sleep.open();
    const { objects } = await sleeping;
    expect(objects.map(({ key }) => key)).not.toContain(keyOf('the old a'));
    expect(lies('the old a')).toBe(keyOf('the old a'));
  });
});

describe('a publisher in flight', () => {
  test('loses its commit to a collection, and names no key that was condemned', async () => {
    await withGarbage();
    const collected = gcBeforeTheNextCommit();
    await night({ 'c.txt': 'one more' });
    expect(collected()).toBe(true);
    expect(
      head()
        .commits.slice(-2)
        .map(({ kind }) => kind),
    ).toEqual(['retain', 'publish']);
  });

  test('whose bytes were condemned before it could publish says so, and the next run makes them again', async () => {
    await withRunKilledDaysAgo();
    const collected = gcBeforeTheNextCommit();
    expect(await world.run()).toMatchObject({ exit: 75, fault: { code: 'swap-lost' } });
    expect(collected()).toBe(true);
    expect(await world.run()).toMatchObject({ exit: 0 });
    expect(isStored('made long ago')).toBe(true);
  });

  test('that was killed days ago and is resumed makes what was collected again, under a fresh key', async () => {
    await withRunKilledDaysAgo();
    await gc();
    expect(at(keyOf('made long ago'))).toBeUndefined();
    expect(await world.run()).toMatchObject({ exit: 0 });
    expect(lies('made long ago')).toBe(keyOf('made long ago').replace('.txt', '~1.txt'));
    expect(isStored('made long ago')).toBe(true);
  });

  test('whose state is here keeps what its checkpoints count on', async () => {
    await night({ 'a.txt': 'a' });
    await night({ 'a.txt': 'second' });
    await night({ 'a.txt': 'third' });
    world.now += 4 * day;
    await gc({}, { madeDigests: () => [sha256('a')] });
    expect(at(keyOf('a'))).toBeDefined();
  });
});

test('two collectors at once condemn and delete as one would', async () => {
  await withGarbage();
  const both = await Promise.all([gc(), gc()]);
  expect(both.flatMap(({ objects }) => objects.map(({ key }) => key))).toContain(keyOf('the old a'));
  expect(head().gc?.lists).toHaveLength(1);
  expect(at(keyOf('the old a'))).toBeUndefined();
});

test('one killed between commit and deletion is finished by the next', async () => {
  await withGarbage();
  s3d.hooks.push(next(isSweep, denied));
  await expect(gc()).rejects.toMatchObject({ code: 'credentials-refused' });
  expect(at(keyOf('the old a'))).toBeDefined();
  expect(head().gc?.lists).toHaveLength(1);
  const { objects } = await gc();
  expect(objects.map(({ key }) => key)).toContain(keyOf('the old a'));
  expect(at(keyOf('the old a'))).toBeUndefined();
  expect(head().gc?.lists).toHaveLength(1);
});

test('by the log, one killed before readers were shown its commit is finished by the next, which shows it before it deletes', async () => {
  s3d.rules = { ...s3d.rules, tier: 'B' };
  await withGarbage();
  s3d.hooks.push(next(isHeadPut, denied, Number.POSITIVE_INFINITY));
  await expect(gc()).rejects.toMatchObject({ code: 'swap-unknown' });
  expect(head().gc).toBeUndefined();
  const shown: unknown[] = [];
  s3d.hooks.splice(0, 1, (asked) => void (isSweep(asked) && shown.push(head().gc?.lists.length)));
  await gc();
  expect(shown).toEqual([1]);
});

test('a commit whose answer is lost is found in the head, and the deletion goes on', async () => {
  await withGarbage();
  s3d.hooks.push(next(isHeadPut, { kind: 'drop-after' }));
  expect((await gc()).objects.map(({ key }) => key)).toContain(keyOf('the old a'));
  expect(head().gc?.lists).toHaveLength(1);
});

test('ages go by the clock of the store, whatever ours says', async () => {
  await withGarbage();
  const parts = { origin: await world.openOrigin(), job: world.job };
  s3d.rules = { ...s3d.rules, clock: () => world.now - 4 * day };
  expect(await collect({ ...parts, clock: () => world.now + 400 * day }, { remove: false })).toMatchObject({
    objects: [],
  });
  s3d.rules = { ...s3d.rules, clock: () => world.now };
  const { objects } = await collect({ ...parts, clock: () => 0 }, { remove: false });
  expect(objects).not.toEqual([]);
});

describe('the brake', () => {
  test('keeps a collection from more than a tenth of what is stored', async () => {
    await withGarbage();
    const before = head();
    const braked = await gc({ maxDelete: undefined });
    expect(braked.brakedOf).toBe(countOf('b/') + countOf('m/'));
    expect(braked.objects.length).toBeGreaterThan(0);
    expect([head(), isStored('the old a'), countOf('g/')]).toEqual([before, true, 0]);
    expect(await gc({ maxDelete: undefined, remove: false })).toMatchObject({ brakedOf: braked.brakedOf });
  });

  test('leaves everything that the head names where it is found, also what is only still named', async () => {
    await withGarbage();
    await gc();
    await night({ 'a.txt': 'the old a' });
    await night({ 'a.txt': 'third' });
    await night({ 'a.txt': 'fourth' });
    world.now += 4 * day;
    const { moved, retained } = head();
    expect(moved).toHaveProperty([keyOf('the old a')]);
    expect(await gc({ maxDelete: 0 })).toMatchObject({ brakedOf: expect.any(Number) });
    expect([head().moved, head().retained]).toEqual([moved, retained]);
  });

  test('is a notice of the night that would have collected', async () => {
    await withGarbage();
    await night({ 'b.txt': 'b at last' });
    const [finding] = world.of('finding').map((event) => event.finding);
    expect(finding).toMatchObject({ code: 'gc-braked', severity: 'notice' });
    expect(finding?.message).toMatch(
      /^nothing was collected: \d+ of \d+ stored objects \(\d+ %\) would go, which is more than may: nightpress gc world --yes --max-delete \d+%$/,
    );
    expect(isStored('the old a')).toBe(true);
  });
});

test('a list that is lost keeps everybody from storing, until a collection forgets it', async () => {
  await withGarbage();
  await gc();
  const list = head().gc?.lists[0]?.list ?? sha256('');
  s3d.bucket().delete(`site/${listKey(list)}`);
  world.put('c.txt', 'one more');
  world.nextDay();
  const refused = await world.run();
  expect(refused).toMatchObject({ exit: 13, fault: { code: 'origin-corrupt' } });
  expect(refused.next).toEqual(['nightpress gc world --yes']);
  await gc();
  expect(head().gc?.lists).toHaveLength(1); // a store that lost it for a moment must not make a night forget it
  await gc({ forgetLost: true });
  expect(head().gc).toBeUndefined();
  expect(await world.run()).toMatchObject({ exit: 0 });
});

test('lists are named for 30 days and stored for 30 more, and so are those that no head ever named', async () => {
  await withGarbage();
  s3d.hooks.push(next(isHeadPut, denied));
  await expect(gc()).rejects.toThrow();
  expect(countOf('g/')).toBe(1);
  world.now += 31 * day;
  await night({ 'b.txt': 'b of later' });
  await gc();
  expect(countOf('g/')).toBe(2); // what is no longer named somebody may still ask for
  world.now += 31 * day;
  await night({ 'b.txt': 'b of much later' });
  await gc();
  expect(head().gc?.lists ?? []).toHaveLength(1);
  expect(countOf('g/')).toBe(2);
});

test('after a rollback and on a channel the head still says where everything lies', async () => {
  await withGarbage();
  await gc();
  await night({ 'a.txt': 'the old a' });
  const moved = head().moved;
  await rollBack({ origin: await world.openOrigin(), clock: () => world.now, job: world.job }, { to: 'previous' });
  expect(head().moved).toEqual(moved);
  const preview = aWorld(world.job.source);
  preview.job = { ...preview.job, channel: 'preview' };
  preview.now = world.now;
  preview.put('x.txt', 'of another source');
  expect(await preview.run()).toMatchObject({ exit: 0 });
  expect(head().channels.preview).toBeDefined();
  expect(head().moved).toMatchObject(moved ?? {});
});

test('why something stays, and that what is condemned does not', async () => {
  await withGarbage();
  const parts = { origin: await world.openOrigin(), clock: () => world.now, job: world.job };
  expect(await whyStored(parts, keyOf('the old a'))).toEqual([]);
  expect(await whyStored(parts, keyOf('the new a'))).toMatchObject([
    { kind: 'live' },
    { kind: 'retained' },
    { kind: 'retained' },
  ]);
  s3d.hooks.push(next(isSweep, denied));
  await expect(gc()).rejects.toThrow();
  await night({ 'a.txt': 'the old a' });
  expect(await whyStored(parts, keyOf('the old a'))).toEqual([]);
  expect(await whyStored(parts, lies('the old a'))).toMatchObject([
    { kind: 'live' },
    { kind: 'retained' },
    { kind: 'young' },
  ]);
});

describe('a takedown in a bucket', () => {
  const parts = async () => ({ origin: await world.openOrigin(), clock: () => world.now, job: world.job });
  const say = async (key: string) => await withdraw(await parts(), { key, reason: 'a court said so' });
  const stored = (text: string) =>
    s3d
      .bucket()
      .keys()
      .filter((key) => key.startsWith('site/b/') && key.includes(sha256(text)));

  test('of bytes that had been moved, lifted when their first key is free again, leaves the head right', async () => {
    await withGarbage();
    await gc();
    await night({ 'a.txt': 'the old a' });
    expect(lies('the old a')).toContain('~1');
    world.now += 31 * day;
    await gc();
    await say('a.txt');
    await lift(await parts(), { key: 'a.txt', reason: 'it was wrong' });
    await night({});
    expect([lies('the old a'), isStored('the old a')]).toEqual([keyOf('the old a').replace('.txt', '~2.txt'), true]);
  });

  test('finds the copy under an older key that no collector lived to delete', async () => {
    await withGarbage();
    s3d.hooks.push(next(isSweep, denied));
    await expect(gc()).rejects.toThrow();
    await night({ 'a.txt': 'the old a' });
    expect(stored('the old a')).toHaveLength(2);
    await say('a.txt');
    expect(stored('the old a')).toEqual([]);
  });

  test('deletes the same bytes under every extension', async () => {
    await night({ 'a.txt': 'same', 'copy.md': 'same', 'b.txt': 'b' });
    expect(stored('same')).toHaveLength(2);
    await say('a.txt');
    expect(stored('same')).toEqual([]);
  });

  test('whose commit may still land says so, whatever fails after it', async () => {
    await night({ 'a.txt': 'a', 'b.txt': 'b' });
    const late = gate();
    s3d.hooks.push(next(isHeadPut, { kind: 'late', until: late.until, cut: true }));
    let puts = 0;
    s3d.hooks.push(({ kind, key }) => (kind === 'put' && key.startsWith('site/m/') && puts++ > 0 ? denied : undefined));
    await expect(say('a.txt')).rejects.toMatchObject({ code: 'swap-unknown' });
    late.open();
  });

  test('by the log, killed before readers were shown its end, is shown whole when it is said again', async () => {
    s3d.rules = { ...s3d.rules, tier: 'B' };
    await night({ 'a.txt': 'a', 'b.txt': 'b' });
    let puts = 0;
    s3d.hooks.push((asked) => (isHeadPut(asked) && ++puts > 2 ? denied : undefined));
    expect((await say('a.txt')).unerased).toMatchObject({ code: 'swap-unknown' });
    expect(head().withdrawn?.[0]?.erasedAt).toBeUndefined();
    s3d.hooks.length = 0;
    await say('a.txt');
    expect(head().withdrawn?.[0]?.erasedAt).toBeDefined();
  });

  test('that cannot delete is told as what it is: taken down', async () => {
    await night({ 'a.txt': 'a', 'b.txt': 'b' });
    s3d.hooks.push(next(isSweep, denied));
    const { unerased, head: after } = await say('a.txt');
    expect(unerased).toMatchObject({ code: 'credentials-refused' });
    expect(after.withdrawn).toMatchObject([{ key: 'a.txt' }]);
    expect((await say('a.txt')).unerased).toBeUndefined();
    expect(stored('a')).toEqual([]);
  });
});

test('a request to delete that comes when its list is about to expire finds a key that nobody uses yet', async () => {
  await withGarbage();
  s3d.hooks.push(next(isSweep, denied));
  await expect(gc()).rejects.toThrow();
  world.now += 29 * day;
  const sleep = gate();
  s3d.hooks.push(next(isSweep, { kind: 'late', until: sleep.until }));
  s3d.log.length = 0;
  const sleeping = gc();
  await asked(isSweep);
  world.now += 2 * day;
  await gc();
  await night({ 'a.txt': 'the old a' });
  sleep.open();
  await sleeping;
  expect(isStored('the old a')).toBe(true);
});

test('a snapshot whose grace ends this very second is kept whole as long as the head names it', async () => {
  await night({ 'a.txt': 'one' });
  await night({ 'a.txt': 'two' });
  await night({ 'a.txt': 'three' });
  await gc();
  const droppedAt = head().retained[0]?.droppedAt;
  world.now = Date.parse(droppedAt ?? '') + 72 * hour;
  await gc();
});
