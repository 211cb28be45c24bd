import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { manifestKey } from '../../src/domain/origin-keys.js';
import type { Digest } from '../../src/domain/types.js';
import { anotherJob, aPublishedWorld, ask, say } from '../support/project.js';
import { liveSnapshot } from '../support/published.js';
import { age, aWorld, fill, type World } from '../support/world.js';

vi.setConfig({ testTimeout: 120_000 });

let world: World;
afterEach(() => world.end());

const dayMs = 86_400_000;

/** As if everything had happened so much earlier: a look's instant, and the runs that the state tells, are moved back. */
async function lookedAgo(ms: number): Promise<void> {
  const file = path.join(world.state, 'last-look.json');
  const look = JSON.parse(await readFile(file, 'utf8'));
  await writeFile(file, JSON.stringify({ ...look, at: Date.now() - ms }));
}

test('a night that nothing needed is not silence', async () => {
  world = await aWorld();
  await fill(world, { pictures: 0, texts: 2 });
  await age(world);
  expect((await ask(world, 'status', '--check')).json).toMatchObject({ verdict: 'silent', exit: 13, lookedAt: null });
  await world.run();
  const published = await ask(world, 'status', '--check');
  expect([published.code, published.json]).toMatchObject([0, { ok: true, verdict: 'published', next: [] }]);
  expect((await world.run()).result?.because).toContain('is published');
  const settled = await ask(world, 'status', '--check');
  expect([settled.code, settled.json]).toMatchObject([0, { ok: true, verdict: 'nothing' }]);
  expect(Date.parse(settled.json.lookedAt)).toBeGreaterThan(Date.parse(published.json.lookedAt));
  expect((await say(world, 'status', '--check', '-q')).stdout).toBe('');
  expect((await world.run(['--now'])).code).toBe(0);
  expect((await ask(world, 'status', '--check')).json).toMatchObject({ verdict: 'unchanged' });
});

test('cron that is dead is told from nights that fail', async () => {
  world = await aPublishedWorld();
  const silent = await say(world, 'status', '--check', '--max-age', '0s');
  expect(silent).toMatchObject({
    code: 13,
    stdout: expect.stringMatching(/PROBLEM {2}nobody looked .*does cron run\?/),
  });
  expect(silent.stdout).toContain('next      nightpress run night');
  await rename(world.source, `${world.source}-gone`);
  expect((await world.run(['--now'])).code).toBe(75);
  const failing = await ask(world, 'status', '--check');
  expect([failing.code, failing.json]).toMatchObject([13, { ok: false, verdict: 'failing' }]);
});

test('a call that failed before it had a run is told in its own words', async () => {
  world = await aPublishedWorld();
  await rename(world.origin, `${world.origin}-gone`);
  expect((await world.run(['--now'])).code).toBe(13);
  await rename(`${world.origin}-gone`, world.origin);
  const { json } = await ask(world, 'status', '--check');
  expect(json).toMatchObject({
    ok: false,
    verdict: 'failing',
    next: [`nightpress doctor night --project ${world.folder}`],
  });
  expect(json.because).toContain('head');
});

test('a held night and one with holes need somebody, whatever was called since', async () => {
  world = await aPublishedWorld();
  for (const key of ['texts/t0.txt', 'texts/t1.txt', 'texts/t2.txt']) await world.remove(key);
  expect((await world.run(['--now'])).code).toBe(4);
  expect((await ask(world, 'status', '--check')).json).toMatchObject({ ok: false, verdict: 'held' });
  expect((await say(world, 'publish', '--override', 'shrink', '--reason', 'gone for good')).code).toBe(0);
  expect((await ask(world, 'status', '--check')).json).toMatchObject({ ok: true, verdict: 'published' });
});

test('every job is told, also beside one that cannot be loaded; the exit code is of the worst', async () => {
  world = await aPublishedWorld();
  await anotherJob(world, 'other');
  await writeFile(path.join(world.folder, 'jobs', 'broken.ts'), 'export default { source: 1 };\n');
  const { code, stdout } = await say(world, 'status', '--all', '--check');
  expect(code).toBe(13);
  expect(stdout).toMatch(/^broken {2}PROBLEM/m);
  expect(stdout).toMatch(/^night {2}ok/m);
  expect(stdout).toMatch(/^other {2}PROBLEM {2}nobody looked/m);
});

test('a damaged trace counts as none, and the runs are still known', async () => {
  world = await aPublishedWorld();
  await lookedAgo(30 * dayMs);
  expect((await ask(world, 'status', '--check', '--max-age', '26h')).json).toMatchObject({ verdict: 'published' });
  await writeFile(path.join(world.state, 'last-look.json'), '{"at":');
  expect((await ask(world, 'status', '--check')).json).toMatchObject({ ok: true, verdict: 'published' });
  await rm(world.state, { recursive: true });
  expect((await ask(world, 'status', '--check')).json).toMatchObject({ ok: false, verdict: 'silent' });
});

test('options that mean nothing together are refused', async () => {
  world = await aWorld();
  for (const words of [
    ['--max-age', '1h'],
    ['--check', '--watch'],
    ['--check', '--max-age', 'soon'],
  ]) {
    expect((await say(world, 'status', 'night', ...words)).code, words.join(' ')).toBe(2);
  }
});

test('a live manifest that is lost is a problem of the check, and of a run that has nothing else to do', async () => {
  world = await aPublishedWorld();
  const live = await liveSnapshot(world.origin);
  await rm(path.join(world.origin, manifestKey(live as Digest)));
  const { code, json } = await ask(world, 'status', '--check');
  const next = [`nightpress run night --adopt --project ${world.folder}`];
  expect([code, json]).toMatchObject([13, { ok: false, verdict: 'damaged', next }]);
  expect(json.because).toContain('is missing at the origin');
  const run = await world.run(['--now']);
  expect([run.code, run.result?.next]).toEqual([13, ['nightpress run night --adopt']]);
});
