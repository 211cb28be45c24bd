import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { manifestKey } from '../../src/domain/origin-keys.js';
import type { Digest } from '../../src/domain/types.js';
import { openState } from '../../src/state/open.js';
import { aPublishedWorld, ask, say } from '../support/project.js';
import { liveSnapshot } from '../support/published.js';
import type { World } from '../support/world.js';

vi.setConfig({ testTimeout: 120_000 });

let world: World;
afterEach(() => world.end());

interface Told {
  readonly name: string;
  readonly verdict: string;
  readonly detail: string;
  readonly hint?: string;
}

async function checks(): Promise<ReadonlyMap<string, Told>> {
  const { json } = await ask(world, 'doctor', 'night');
  return new Map((json.checks as readonly Told[]).map((check) => [check.name, check]));
}

test('looks at everything that a night needs, and finds a sound one sound', async () => {
  world = await aPublishedWorld();
  const found = await checks();
  expect([...found.keys()]).toEqual([
    ...['node', 'sqlite', 'tools', 'window', 'clock', 'work folder', 'state', 'lock', 'source', 'origin', 'disk'],
  ]);
  expect([...found.values()].filter(({ verdict }) => verdict !== 'ok')).toEqual([]);
  expect(found.get('tools')?.detail).toMatch(/image: .*sharp \d+\.\d+/);
  const kind = process.platform === 'linux' ? '[a-z0-9.]+' : 'file system 0x[0-9a-f]+';
  expect(found.get('disk')?.detail).toMatch(new RegExp(`needs about \\d+ B; .*free \\(${kind}\\).*free \\(`));
  expect((await say(world, 'doctor')).code).toBe(0);
  expect(await readFile(path.join(world.source, 'texts/t0.txt'), 'utf8')).toBe('text 0\n');
});

test('says who holds the job, and when that run last finished an item', async () => {
  world = await aPublishedWorld();
  await world.write('texts/t0.txt', 'again');
  const run = world.start(['--now'], { env: { NIGHTPRESS_STOP: 'planned' } });
  await run.stoppedAt('planned');
  expect((await checks()).get('lock')).toMatchObject({
    verdict: 'note',
    detail: expect.stringMatching(new RegExp(`^held by pid ${run.pid} on .*; no item ended yet$`)),
  });
  run.signal('SIGKILL');
  await run.ended;
  const later = world.start([], { env: { NIGHTPRESS_STOP: 'manifest-ready' } });
  await later.stoppedAt('manifest-ready');
  expect((await checks()).get('lock')?.detail).toMatch(/; its last item ended .* ago$/);
  later.signal('SIGCONT');
  expect((await later.ended).code).toBe(0);
});

test('names the way out of a damaged live manifest', async () => {
  world = await aPublishedWorld();
  const live = await liveSnapshot(world.origin);
  if (!live) throw new Error('a published world has a live snapshot');
  await rm(path.join(world.origin, manifestKey(live)));
  await world.write('texts/t0.txt', 'again');
  const { code, stdout } = await say(world, 'doctor');
  expect(code).toBe(13);
  expect(stdout).toMatch(
    /PROBLEM {2}origin .*manifest m\/[0-9a-f]{64}\.json is missing.*\(nightpress run night --adopt\)/,
  );
});

test('a rebuilt state still knows uploads that were cut off: no listing shows their parts, and they cost', async () => {
  world = await aPublishedWorld();
  const work = path.join(world.folder, '.nightpress', 'night');
  const upload = { upload: 'u1', place: 's3:aws/media/', key: 'b/aa/large.mp4' };
  const part = { number: 1, etag: '"1"', sha256: 'a'.repeat(64) as Digest };
  const old = openState(work);
  old.uploads.record(upload);
  old.uploads.recordPart(upload.upload, part);
  old.close();
  expect((await say(world, 'doctor', '--rebuild', '--yes')).code).toBe(0);
  const state = openState(work, { readOnly: true });
  expect(state.uploads.all()).toEqual([{ ...upload, parts: [part] }]);
  expect(state.runs(1)).toEqual([]);
  state.close();
});
