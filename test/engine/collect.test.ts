import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sha256 } from '../../src/domain/digest.js';
import type { Digest, KeepSpec } from '../../src/domain/types.js';
import { type CollectParts, collect, whyStored } from '../../src/engine/collect.js';
import { pinSnapshot, unpinSnapshot } from '../../src/engine/move-head.js';
import type { Origin } from '../../src/origins/contract.js';
import { directory } from '../../src/origins/directory/index.js';
import { publisher, services } from '../contracts/origins/publisher.js';

const hour = 3_600_000;
const keep: KeepSpec = { last: 1, withinMs: hour };
let folder: string;
let origin: Origin;
let now: number;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'nightpress-collect-'));
  origin = directory.open({ type: 'directory', path: path.join(folder, 'public') }, services);
  now = Date.now();
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function parts(state?: CollectParts['state']) {
  return { origin, job: { name: 'catalog', keep }, clock: () => now, state };
}

async function holds(content: string): Promise<boolean> {
  return (await origin.blobBytes({ sha256: sha256(content), ext: 'txt' })) !== undefined;
}

/** Four nights, long ago by the head's own times. */
async function fourNights(): Promise<void> {
  const publish = publisher(origin, folder);
  for (const night of ['one', 'two', 'three', 'four']) await publish.publish(night);
}

test('a snapshot is let go, lives on whole for its grace, and then goes with all that only it had', async () => {
  await fourNights();
  expect(await collect(parts(), { remove: false })).toEqual({ objects: [], bytes: 0, letGo: 2, forgotten: 0 });
  expect((await origin.readHead())?.head.retained.every((entry) => entry.droppedAt === undefined)).toBe(true);
  expect(await collect(parts(), { remove: true })).toMatchObject({ objects: [], letGo: 2, forgotten: 0 });

  now += 71 * hour;
  expect(await collect(parts(), { remove: true })).toEqual({ objects: [], bytes: 0, letGo: 0, forgotten: 0 });
  expect(await holds('one')).toBe(true);

  now += 2 * hour;
  const { objects, forgotten } = await collect(parts(), { remove: true });
  expect([forgotten, objects.filter(({ kind }) => kind === 'blob').length, objects.length]).toEqual([2, 2, 4]);
  expect(await Promise.all(['one', 'two', 'three', 'four'].map(holds))).toEqual([false, false, true, true]);
  expect((await origin.readHead())?.head.retained).toHaveLength(2);
});

test('a share of what is stored brakes it where one is given', async () => {
  await fourNights();
  await collect(parts(), { remove: true });
  now += 100 * hour;
  expect(await collect(parts(), { remove: true, maxDelete: 0.1 })).toMatchObject({ brakedOf: 8, forgotten: 2 });
  expect(await holds('one')).toBe(true);
  expect((await collect(parts(), { remove: true, maxDelete: 0.5 })).objects).toHaveLength(4);
});

test('a pin keeps its snapshot whole through every collection, and no longer', async () => {
  await fourNights();
  await pinSnapshot(parts(), { to: '1', name: 'spring' });
  await collect(parts(), { remove: true });
  now += 100 * hour;
  await collect(parts(), { remove: true });
  expect(await Promise.all(['one', 'two'].map(holds))).toEqual([true, false]);
  const key = `b/${sha256('one').slice(0, 2)}/${sha256('one')}.txt`;
  expect(await whyStored(parts(), key)).toMatchObject([{ kind: 'pin', name: 'spring' }, { kind: 'retained' }]);

  await unpinSnapshot(parts(), 'spring');
  await collect(parts(), { remove: true });
  now += 100 * hour;
  await collect(parts(), { remove: true });
  expect(await holds('one')).toBe(false);
  expect(await whyStored(parts(), key)).toBeUndefined();
});

test('what a checkpoint counts on stays however old it is; without that state it goes', async () => {
  await fourNights();
  const file = path.join(folder, randomUUID());
  await writeFile(file, 'not published yet');
  const made: Digest = sha256('not published yet');
  await origin.putBlob({ sha256: made, ext: 'txt' }, file);
  now += 100 * hour;
  await collect(parts({ madeDigests: () => [made] }), { remove: true });
  expect(await holds('not published yet')).toBe(true);
  await collect(parts(), { remove: true });
  expect(await holds('not published yet')).toBe(false);
});

test('nothing is deleted when a manifest that must stay cannot be read', async () => {
  await fourNights();
  const live = (await origin.readHead())?.head.channels.live?.snapshot;
  if (!live) throw new Error('four nights make one live');
  await origin.remove([`m/${live}.json`]);
  now += 100 * hour;
  await expect(collect(parts(), { remove: true })).rejects.toMatchObject({ code: 'origin-corrupt' });
  expect(await Promise.all(['one', 'two', 'three', 'four'].map(holds))).toEqual([true, true, true, true]);
});
