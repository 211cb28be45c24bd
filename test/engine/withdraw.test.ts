import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sha256 } from '../../src/domain/digest.js';
import type { Head } from '../../src/domain/head.js';
import { blobKey } from '../../src/domain/origin-keys.js';
import type { Job, Output, SnapshotId } from '../../src/domain/types.js';
import { collect } from '../../src/engine/collect.js';
import { explainAsset } from '../../src/engine/explain.js';
import { keptAsset } from '../../src/engine/kept-asset.js';
import { type HeadParts, promote, publishStaged, rollBack, thaw } from '../../src/engine/move-head.js';
import { previewNight } from '../../src/engine/preview.js';
import { retryNight } from '../../src/engine/retry.js';
import { verify } from '../../src/engine/verify.js';
import { lift, withdraw } from '../../src/engine/withdraw.js';
import type { Origin } from '../../src/origins/contract.js';
import type { OutboxFile, WorkOrder } from '../../src/processors/contract.js';
import { openState } from '../../src/state/open.js';
import { endBucket, originAt, startBucket } from '../support/bucket-nights.js';
import { aFakeEdge } from '../support/fake-edge.js';
import { Killed, NightWorld } from '../support/night-world.js';
import type { S3d } from '../support/s3d/index.js';

let s3d: S3d;
let world: NightWorld;
const worlds: NightWorld[] = [];

beforeEach(async () => {
  s3d = await startBucket();
});

afterEach(async () => {
  for (const one of worlds.splice(0)) one.close();
  await endBucket(s3d);
});

function aWorld(kind: 'directory' | 's3', job: Partial<Job> = {}): NightWorld {
  const bucket = originAt(s3d.endpoint);
  const made = new NightWorld({
    gate: { tolerate: { share: 1 }, shrink: { count: 0 } },
    ...(kind === 's3' && { origin: bucket }),
    ...job,
  });
  worlds.push(made);
  for (const name of ['a', 'b', 'c']) made.put(`${name}.txt`, `content of ${name}`);
  return made;
}

const byHand = async (): Promise<HeadParts> => ({
  origin: await world.openOrigin(),
  clock: () => world.now,
  job: world.job,
});

async function head(): Promise<Head> {
  const read = await (await world.openOrigin()).readHead();
  if (!read) throw new Error('nothing is live');
  return read.head;
}

const takeDown = async (key: string) => await withdraw(await byHand(), { key, reason: 'a court said so' });

async function holds(text: string): Promise<boolean> {
  for await (const stored of (await world.openOrigin()).listStored()) if (stored.sha256 === sha256(text)) return true;
  return false;
}

/** Every snapshot the head names can be read and has all its blobs. */
async function isWhole(): Promise<boolean> {
  const origin = await world.openOrigin();
  const { channels, retained, pins } = await head();
  const named = [...Object.values(channels), ...retained, ...pins].flatMap((one) => one?.snapshot ?? []);
  const found = await Promise.all(named.map((snapshot) => verify(origin, snapshot, { deep: true })));
  return found.every(({ findings }) => findings.length === 0);
}

async function live(): Promise<SnapshotId> {
  const { channels } = await head();
  if (!channels.live) throw new Error('nothing is live');
  return channels.live.snapshot;
}

async function assets(snapshot: SnapshotId): Promise<number> {
  return (await verify(await world.openOrigin(), snapshot, { deep: false })).assets;
}

async function nextNight() {
  world.nextDay();
  return await world.run();
}

/** Every file below the origin's folder that holds this text. */
function filesWith(text: string, folder = path.join(world.root, 'public')): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((found) => {
    const file = path.join(folder, found.name);
    if (found.isDirectory()) return filesWith(text, file);
    return found.isFile() && readFileSync(file, 'utf8').includes(text) ? [file] : [];
  });
}

/** While the next run is at this event for the first time, this happens. */
function onceAt(type: string, happens: () => Promise<unknown>): void {
  const original = world.night.bind(world);
  world.night = async (state) => {
    const night = await original(state);
    let done: Promise<unknown> | undefined;
    return {
      ...night,
      emit: (event) => {
        night.emit(event);
        if (event.type === type) done ??= happens();
      },
      origin: {
        ...night.origin,
        readHead: async () => {
          await done;
          return await night.origin.readHead();
        },
        putBlob: async (name, from) => {
          await done;
          await night.origin.putBlob(name, from);
        },
        swapHead: async (next, base) => {
          await done;
          return await night.origin.swapHead(next, base);
        },
      },
    };
  };
}

describe('what was made of withdrawn content before', () => {
  /** Removals that the next run makes, and whether others were kept out meanwhile. */
  async function removals(): Promise<readonly boolean[]> {
    const made: boolean[] = [];
    let inside = 0;
    const original = world.night.bind(world);
    world.night = async (state) => {
      const night = await original(state);
      const { exclusively } = night.origin;
      const counted = async <T>(work: (swapHead: Origin['swapHead']) => Promise<T>): Promise<T> => {
        if (!exclusively) throw new Error('nobody can be kept out here');
        inside++;
        try {
          return await exclusively(work);
        } finally {
          inside--;
        }
      };
      const remove = async (keys: readonly string[]) => {
        made.push(inside > 0);
        await night.origin.remove(keys);
      };
      return { ...night, origin: { ...night.origin, remove, ...(exclusively && { exclusively: counted }) } };
    };
    await world.run();
    return made;
  }

  test('is deleted from a folder while others are kept out, because they may have stored it anew', async () => {
    world = aWorld('directory');
    await world.run();
    await takeDown('a.txt');
    world.nextDay();
    expect(await removals()).toEqual([true]);
  });

  test('is left to the nights of live by those of a channel', async () => {
    world = aWorld('directory');
    await world.run();
    world.job = { ...world.job, channel: 'preview' };
    world.stateName = 'preview';
    await world.run({ now: true });
    world.job = { ...world.job, channel: undefined };
    await takeDown('a.txt');
    world.job = { ...world.job, channel: 'preview' };
    world.nextDay();
    expect(await removals()).toEqual([]);
  });
});

describe.each(['directory', 's3'] as const)('a takedown at an origin of type %s', (kind) => {
  beforeEach(() => {
    world = aWorld(kind);
  });

  test('takes the asset out of every snapshot, in one commit, and deletes its blob at once', async () => {
    await world.run();
    world.put('b.txt', 'second b');
    await nextNight();
    const { contents } = await takeDown('a.txt');
    expect(contents.map(({ key }) => key)).toEqual(['a.txt']);
    const now = await head();
    expect(now.commits.map((commit) => commit.kind)).toEqual([
      ...['publish', 'publish', 'withdraw'],
      ...(kind === 's3' ? ['retain', 'erase'] : ['erase']), // nothing is deleted from a bucket that was not condemned
    ]);
    expect(now.withdrawn).toMatchObject([{ key: 'a.txt', source: sha256('content of a'), reason: 'a court said so' }]);
    expect(now.retained.map(({ snapshot }) => snapshot)).toHaveLength(2);
    expect(await Promise.all(now.retained.map(({ snapshot }) => assets(snapshot)))).toEqual([2, 2]);
    expect([await holds('content of a'), await holds('content of b'), await isWhole()]).toEqual([false, true, true]);
    if (kind === 'directory') expect(filesWith('content of a')).toEqual([]);
  });

  test('is not undone by the next run, which says why it leaves the asset out and does nothing else', async () => {
    await world.run();
    await takeDown('a.txt');
    const before = await head();
    world.job = { ...world.job, gate: { ...world.job.gate, grow: { count: 0 } } };
    const result = await nextNight();
    expect(result).toMatchObject({ outcome: 'unchanged', exit: 0, items: { withheld: 1 } });
    expect(result.findings).toMatchObject([{ code: 'withdrawn', severity: 'notice', key: 'a.txt' }]);
    expect(result.findings[0]?.message).toContain('a court said so');
    expect(await head()).toEqual(before);
    world.put('b.txt', 'second b');
    expect(await nextNight()).toMatchObject({ outcome: 'published', items: { withheld: 1, done: 1 } });
    expect([await holds('content of a'), await assets(await live())]).toEqual([false, 2]);
  });

  test('is not undone by a run that must read the bytes to know them: nothing is made or stored', async () => {
    await world.run();
    await takeDown('a.txt');
    world.put('new name.txt', 'content of a');
    world.stateName = 'another machine';
    world.executed.clear();
    const result = await nextNight();
    expect(result.findings.map(({ code, key }) => [code, key])).toEqual([
      ['withdrawn', 'a.txt'],
      ['withdrawn', 'new name.txt'],
    ]);
    expect([result.outcome, world.executed.has('new name.txt'), await holds('content of a')]).toEqual([
      'unchanged',
      false,
      false,
    ]);
  });

  test('leaves the key free: new content under it is published, and the old one stays away', async () => {
    await world.run();
    await takeDown('a.txt');
    world.put('a.txt', 'harmless a');
    expect(await nextNight()).toMatchObject({ outcome: 'published', findings: [] });
    expect(await assets(await live())).toBe(3);
    world.put('a.txt', 'content of a');
    expect(await nextNight()).toMatchObject({ outcome: 'published', items: { withheld: 1 } });
    expect([await assets(await live()), await holds('content of a')]).toEqual([2, false]);
  });

  test('is not undone by a rollback, which finds the cleaned snapshot by the old id and the old seq', async () => {
    const first = await world.run();
    world.put('b.txt', 'second b');
    const second = await nextNight();
    await takeDown('a.txt');
    for (const to of ['previous', String(second.snapshot), String(first.snapshot).slice(0, 12), '2', '1']) {
      await rollBack(await byHand(), { to });
      expect([await assets(await live()), await holds('content of a')]).toEqual([2, false]);
    }
    expect(await isWhole()).toBe(true);
  });

  test('is not stopped by a freeze, nor by what is staged, and neither brings the content back', async () => {
    await world.run();
    world.put('b.txt', 'second b');
    await nextNight();
    await rollBack(await byHand(), { to: '1', freeze: 'broken colours' });
    world.put('c.txt', 'second c');
    expect((await nextNight()).outcome).toBe('held');
    await takeDown('a.txt');
    const { frozen, channels } = await head();
    expect([frozen?.reason, channels.staged?.rules]).toEqual(['broken colours', ['frozen']]);
    expect((await thaw(await byHand())).channels.staged).toBeUndefined();
    expect([await assets(await live()), await holds('content of a'), await isWhole()]).toEqual([2, false, true]);
  });

  test('is not undone by publishing what a gate rule held', async () => {
    await world.run();
    world.remove('c.txt');
    expect(await nextNight()).toMatchObject({ outcome: 'held', held: [{ rule: 'shrink' }] });
    await takeDown('a.txt');
    await publishStaged(await byHand(), { overridden: ['shrink'] });
    expect([await assets(await live()), await holds('content of a')]).toEqual([1, false]);
  });

  test('reaches the snapshots of other channels, and promoting them brings nothing back', async () => {
    await world.run();
    const job = world.job;
    world.job = { ...job, channel: 'preview' };
    world.stateName = 'work@preview';
    world.put('d.txt', 'content of d');
    expect((await nextNight()).outcome).toBe('published');
    world.job = job;
    await takeDown('a.txt');
    expect(await isWhole()).toBe(true);
    await promote({ ...(await byHand()), job }, { channel: 'preview' });
    expect([await assets(await live()), await holds('content of a')]).toEqual([3, false]);
  });

  test('is not undone by the night of another channel that made the content before', async () => {
    await world.run();
    const job = world.job;
    const onPreview = { ...job, channel: 'preview' };
    [world.job, world.stateName] = [onPreview, 'work@preview'];
    await nextNight();
    [world.job, world.stateName] = [job, 'work'];
    await takeDown('a.txt');
    [world.job, world.stateName] = [onPreview, 'work@preview'];
    world.put('b.txt', 'second b');
    expect(await nextNight()).toMatchObject({ outcome: 'published', items: { withheld: 1 } });
    world.job = job;
    expect([await holds('content of a'), await isWhole()]).toEqual([false, true]);
  });

  test('takes the same bytes under another key with it', async () => {
    world.put('copy of a.txt', 'content of a');
    await world.run();
    const { contents } = await takeDown('a.txt');
    expect(contents.map(({ key }) => key)).toEqual(['a.txt', 'copy of a.txt']);
    expect([await assets(await live()), await holds('content of a')]).toEqual([2, false]);
    expect((await nextNight()).items.withheld).toBe(2);
  });

  test('is also of what only an older snapshot shows', async () => {
    await world.run();
    world.put('a.txt', 'harmless a');
    world.put('b.txt', 'content of a');
    await nextNight();
    await takeDown('a.txt');
    const pairs = ((await head()).withdrawn ?? []).map(({ key, source }) => `${key} ${source}`);
    const a = [sha256('content of a'), sha256('harmless a')].sort().map((source) => `a.txt ${source}`);
    expect(pairs).toEqual([...a, `b.txt ${sha256('content of a')}`]);
    expect([await assets(await live()), await isWhole()]).toEqual([1, true]);
  });

  test('of everything there is leaves an empty site, and no rule of the gate says a word', async () => {
    for (const name of ['b', 'c']) world.remove(`${name}.txt`);
    await world.run();
    await takeDown('a.txt');
    expect(await nextNight()).toMatchObject({ outcome: 'unchanged', exit: 0 });
    world.job = { ...world.job, gate: { tolerate: { share: 1 }, shrink: { count: 0 }, grow: { count: 1 } } };
    world.put('d.txt', 'content of d');
    expect(await nextNight()).toMatchObject({ outcome: 'published' });
  });

  test.each([
    ['has stored it', 'manifest-ready'],
    ['is about to store it', 'item-started'],
  ])(
    'that comes while a run %s is heeded: all else is published, and what it stored of it is deleted',
    async (_, at) => {
      await world.run();
      world.put('a.txt', 'second a');
      await nextNight();
      world.put('copy.txt', 'content of a'); // made and stored again before the takedown lands
      world.put('d.txt', 'content of d');
      onceAt(at, () => takeDown('a.txt'));
      const result = await nextNight();
      expect(result).toMatchObject({ outcome: 'published', items: { withheld: 1, done: 1 } });
      expect(result.findings).toMatchObject([{ code: 'withdrawn', key: 'copy.txt' }]);
      expect([await holds('content of a'), await holds('second a'), await holds('content of d')]).toEqual([
        false,
        false,
        true,
      ]);
      expect([await assets(await live()), await isWhole()]).toEqual([3, true]);
      if (kind === 'directory') expect(filesWith('content of a')).toEqual([]);
      expect(await nextNight()).toMatchObject({ outcome: 'unchanged', items: { withheld: 2 } });
    },
  );

  test('is ended by whoever comes next, when it was killed between its commit and the deletion', async () => {
    await world.run();
    const parts = await byHand();
    const dead = { ...parts.origin, remove: () => Promise.reject(new Killed()) };
    for (const ends of ['run', 'command', 'collection'] as const) {
      const key = { run: 'a.txt', command: 'b.txt', collection: 'c.txt' }[ends];
      await expect(withdraw({ ...parts, origin: dead }, { key, reason: 'late' })).rejects.toThrow(Killed);
      expect([await holds(`content of ${key[0]}`), (await head()).withdrawn?.at(-1)?.erasedAt]).toEqual([
        true,
        undefined,
      ]);
      if (ends === 'run') await world.run();
      else if (ends === 'command') await takeDown(key);
      else await collect(parts, { remove: true });
      expect([await holds(`content of ${key[0]}`), (await head()).withdrawn?.at(-1)?.erasedAt]).toEqual([
        false,
        expect.any(String),
      ]);
    }
  });

  test('said again does nothing more; of what no snapshot shows it is refused', async () => {
    await world.run();
    await takeDown('a.txt');
    const before = await head();
    expect((await takeDown('a.txt')).contents).toEqual([]);
    expect(await head()).toEqual(before);
    await expect(takeDown('z.txt')).rejects.toMatchObject({ code: 'asset-unknown' });
  });

  test('is not undone by a retry of the very asset', async () => {
    world.broken.add('b.txt');
    await world.run();
    await takeDown('a.txt');
    const state = openState(path.join(world.root, world.stateName));
    const retried = await retryNight(await world.night(state), { items: (key) => key === 'a.txt', remake: true });
    state.close();
    expect(retried.items.withheld).toBe(1);
    expect([await assets(await live()), await holds('content of a')]).toEqual([1, false]);
  });

  test('is not undone by an adopted origin, nor by a state that was lost', async () => {
    await world.run();
    await takeDown('a.txt');
    world.stateName = 'fresh';
    world.nextDay();
    expect(await world.run({ adopt: true })).toMatchObject({ outcome: 'unchanged', items: { withheld: 1 } });
    expect(await holds('content of a')).toBe(false);
  });

  test('is told by plan and explain', async () => {
    await world.run();
    await takeDown('a.txt');
    world.nextDay();
    const state = openState(path.join(world.root, world.stateName));
    const night = await world.night(state);
    const preview = await previewNight(night);
    expect(preview.plan.items).toMatchObject([
      { key: 'a.txt', disposition: 'withheld', finding: { code: 'withdrawn' } },
    ]);
    const story = await explainAsset(night, 'a.txt', false);
    expect(story.recipes).toEqual([{ recipe: 'all', now: 'withheld', because: 'its content was withdrawn' }]);
    expect(story.withdrawn).toMatchObject([{ key: 'a.txt', reason: 'a court said so' }]);
    state.close();
  });

  test('ends when it is lifted: the next run publishes the content again', async () => {
    const { snapshot } = await world.run();
    await takeDown('a.txt');
    await nextNight();
    await lift(await byHand(), { key: 'a.txt', reason: 'the court was wrong' });
    const result = await nextNight();
    expect([result.outcome, result.snapshot, await holds('content of a')]).toEqual(['published', snapshot, true]);
    expect(await head()).not.toHaveProperty('withdrawn');
    await expect(lift(await byHand(), { key: 'a.txt', reason: 'twice' })).rejects.toMatchObject({
      code: 'asset-unknown',
    });
  });

  test('tells edges of the head and of what is gone, now or with the next run', async () => {
    const [cdn, varnish] = [aFakeEdge('cdn'), aFakeEdge('varnish')];
    world.edges = [cdn, varnish];
    await world.run();
    await takeDown('a.txt');
    cdn.trouble = 'POST https://api.example/purge: ECONNREFUSED';
    const key = blobKey({ sha256: sha256('content of a'), ext: 'txt' });
    const stale = ['head.json', key, ...(kind === 'directory' ? ['live/a.txt'] : [])];
    await world.run();
    expect([cdn.told.length, varnish.told.at(-1)?.keys]).toEqual([1, stale]);
    cdn.trouble = undefined;
    await world.run();
    expect([cdn.told.at(-1)?.keys, varnish.told.length]).toEqual([stale, 2]);
    expect(cdn.told.at(-1)?.reference).toBe(varnish.told.at(-1)?.reference);
    world.put('b.txt', 'second b');
    await nextNight();
    expect(cdn.told.at(-1)?.keys).toEqual(['head.json']);
  });

  test('lets go of a snapshot that nobody can read any more, and is refused while that is the live one', async () => {
    const first = await world.run();
    world.put('b.txt', 'second b');
    const second = await nextNight();
    const origin = await world.openOrigin();
    await origin.remove([`m/${first.snapshot}.json`]);
    await takeDown('a.txt');
    expect((await head()).retained).toHaveLength(1);
    expect([await assets(await live()), await isWhole()]).toEqual([2, true]);
    expect(second.snapshot).not.toBe(await live());
    await origin.remove([`m/${await live()}.json`]);
    await expect(takeDown('b.txt')).rejects.toMatchObject({ code: 'origin-corrupt' });
  });
});

/** Beside its own derivative every asset shows a black frame, as videos do. */
function withPosters(): void {
  const output = (text: string, variant: string): Output => ({
    ...{ variant, ext: 'txt', type: 'text/plain' },
    ...{ sha256: sha256(text), bytes: Buffer.byteLength(text) },
  });
  const execute = async ({ outbox, input }: WorkOrder) => {
    const text = readFileSync(input.file, 'utf8');
    await mkdir(outbox, { recursive: true });
    await writeFile(path.join(outbox, 'own'), `made of ${text}`);
    await writeFile(path.join(outbox, 'poster'), 'a black frame');
    const outputs: [OutboxFile, OutboxFile] = [
      { ...output(`made of ${text}`, 'own'), file: 'own' },
      { ...output('a black frame', 'poster'), file: 'poster' },
    ];
    const source = { type: 'text/plain' };
    return { kind: 'finished' as const, result: { ok: true as const, source, outputs, findings: [], verifyCpuMs: 0 } };
  };
  world.executors = {
    open: () => ({ execute, kill: async () => undefined, close: async () => undefined }),
    reap: async () => [],
  };
  const [recipe] = world.job.recipes;
  if (recipe) world.job = { ...world.job, recipes: [{ ...recipe, path: '{key}/{variant}.{ext}' }] };
}

test.each(['directory', 's3'] as const)('a blob that other content shows, too, stays: %s', async (kind) => {
  world = aWorld(kind);
  withPosters();
  await world.run();
  const { contents } = await takeDown('a.txt');
  expect(contents.flatMap(({ blobs }) => blobs)).toEqual([{ sha256: sha256('made of content of a'), ext: 'txt' }]);
  expect([await holds('made of content of a'), await holds('a black frame'), await isWhole()]).toEqual([
    false,
    true,
    true,
  ]);
});

test('bytes that assets of different content show do not say which of them is meant', async () => {
  world = aWorld('directory');
  withPosters();
  await world.run();
  const named = async (text: string) => await keptAsset(await byHand(), await head(), { text, bases: ['https://cdn'] });
  const frame = blobKey({ sha256: sha256('a black frame'), ext: 'txt' });
  await expect(named(`https://cdn/${frame}`)).rejects.toThrow("expected the key of one, of 'a.txt', 'b.txt', 'c.txt'");
  expect(await named('https://cdn/live/b.txt/poster.txt')).toBe('b.txt');
  expect(await named(blobKey({ sha256: sha256('made of content of c'), ext: 'txt' }))).toBe('c.txt');
});

test('blobs of withdrawn content that somebody stored again go with the next collection, however young', async () => {
  world = aWorld('directory');
  await world.run();
  await takeDown('a.txt');
  const parts = await byHand();
  const file = path.join(world.root, 'again');
  writeFileSync(file, 'content of a');
  await parts.origin.putBlob({ sha256: sha256('content of a'), ext: 'txt' }, file);
  expect((await collect(parts, { remove: false })).objects.map(({ sha256: digest }) => digest)).toEqual([
    sha256('content of a'),
  ]);
  await collect(parts, { remove: true });
  expect(existsSync(path.join(world.root, 'public', blobKey({ sha256: sha256('content of a'), ext: 'txt' })))).toBe(
    false,
  );
});
