import { existsSync } from 'node:fs';
import { mkdir, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { sha256 } from '../../src/domain/digest.js';
import { blobKey } from '../../src/domain/origin-keys.js';
import { aPublishedWorld, ask, say } from '../support/project.js';
import { flawsOf } from '../support/published.js';
import type { World } from '../support/world.js';

vi.setConfig({ testTimeout: 120_000 });

let world: World;
afterEach(() => world.end());

test('gc looks, and deletes with --yes only, what is left over and old; --why names every reason of the rest', async () => {
  world = await aPublishedWorld([(it) => it.write('texts/t0.txt', 'text 0, again\n')]);
  const [old, young] = [await leftOver('left over', 100), await leftOver('just stored', 1)];
  const looked = await ask(world, 'gc');
  expect(looked.json).toMatchObject({
    removed: false,
    withState: true,
    blobs: { objects: 1, bytes: 9 },
    manifests: { objects: 0 },
  });
  expect(looked.json.objects.map((one: { key: string }) => one.key)).toEqual([old]);
  expect(existsSync(path.join(world.origin, old))).toBe(true);

  expect((await ask(world, 'gc', '--why', old)).json).toMatchObject({ kept: false, reasons: [] });
  expect((await ask(world, 'gc', '--why', young)).json.reasons).toMatchObject([{ kind: 'young' }]);
  const shared = await ask(world, 'gc', '--why', 'texts/t1.txt');
  expect(shared.json.reasons.map((reason: { kind: string }) => reason.kind)).toEqual([
    'live',
    'retained',
    'retained',
    'checkpoint',
    'young',
  ]);
  expect((await say(world, 'gc', '--why', 'texts/t1.txt')).stdout).toContain('because   the live snapshot has it');
  expect((await say(world, 'gc', '--why', 'texts/nothing.txt')).code).toBe(2);

  const done = await ask(world, 'gc', '--yes');
  expect(done.json).toMatchObject({ removed: true, blobs: { objects: 1 } });
  expect([existsSync(path.join(world.origin, old)), existsSync(path.join(world.origin, young))]).toEqual([false, true]);
  expect(await flawsOf(world.origin)).toEqual([]);
  expect((await ask(world, 'gc', '--yes')).json.objects).toEqual([]);
  expect((await ask(world, 'verify', 'previous', '--deep')).code).toBe(0);
});

test('gc without a local state says that only age protects what another run has not published', async () => {
  world = await aPublishedWorld();
  const plain = await say(world, 'gc', '--state', path.join(world.folder, 'elsewhere'));
  expect([plain.code, plain.stdout]).toEqual([0, expect.stringContaining('only their age protects')]);
});

async function leftOver(content: string, hoursOld: number): Promise<string> {
  const key = blobKey({ sha256: sha256(content), ext: 'txt' });
  const file = path.join(world.origin, key);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, content);
  const at = new Date(Date.now() - hoursOld * 3_600_000);
  await utimes(file, at, at);
  return key;
}
