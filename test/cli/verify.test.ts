import { chmod, readFile, rm, unlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { renderResult } from '../../src/cli/render/result.js';
import { openTerminal } from '../../src/cli/terminal.js';
import { blobKey, manifestKey } from '../../src/domain/origin-keys.js';
import type { Result } from '../../src/domain/result.js';
import { holdJobLock } from '../../src/state/lock.js';
import { aPublishedWorld, ask, liveTexts, say } from '../support/project.js';
import { derivativesOf, flawsOf, liveSnapshot } from '../support/published.js';
import { age, executions, type World } from '../support/world.js';

vi.setConfig({ testTimeout: 120_000 });

let world: World;
afterEach(() => world.end());

test('a blob that went bad is found by its bytes, made again alone, and shown again, in the same snapshot', async () => {
  world = await aPublishedWorld();
  const snapshot = await liveSnapshot(world.origin);
  const bad = await blobOf('texts/t1.txt');
  await damage(bad);
  expect(await flawsOf(world.origin)).toHaveLength(2); // the blob, and the live tree, which links to it
  expect((await ask(world, 'verify')).code).toBe(0); // its size is right

  const found = await ask(world, 'verify', '--deep');
  expect(found.code).toBe(13);
  expect(found.json.findings).toHaveLength(1);
  expect(found.json.findings[0]).toMatchObject({ code: 'blob-bad', key: 'texts/t1.txt' });
  expect(found.json.findings[0].message).toContain('texts/t1.txt has other content');
  expect(found.json.remedy).toMatchObject({ kind: 'repaired', condemned: ['texts/t1.txt'] });
  expect(found.json.next).toEqual(['nightpress run night --now']);

  const told = await say(world, 'status');
  expect(told.stdout).toMatch(/^night {2}the live snapshot is damaged, says verify\n/);
  expect(told.stdout).toMatch(
    /cause {5}the blob of texts\/t1.txt has other content.* \[blob-bad\]\n +next {6}nightpress run night --now/,
  );
  const checked = await ask(world, 'status', '--check');
  expect([checked.code, checked.json]).toMatchObject([
    13,
    { verdict: 'damaged', because: expect.stringContaining('blob of texts/t1.txt') },
  ]);

  const since = Date.now();
  await age(world);
  const again = await world.run(['--now']);
  expect([again.code, again.result?.outcome]).toEqual([0, 'unchanged']);
  expect(verdictOf(again.result as Result)).toContain('snapshot unchanged; 1 blob made again');
  expect((await executions(world, since)).size).toBe(1);
  expect((await ask(world, 'verify', '--deep')).code).toBe(0);
  expect(await liveSnapshot(world.origin)).toBe(snapshot);
  expect((await ask(world, 'status')).json).toMatchObject({ verdict: 'unchanged', damage: null });
  expect(await flawsOf(world.origin)).toEqual([]);
  expect((await liveTexts(world))['texts/t1.txt']).toBe('text 1\n');
});

test('a plain run works its settled window again because of a bad blob, and once it is mended has nothing to do', async () => {
  world = await aPublishedWorld();
  await age(world);
  expect((await world.run()).code).toBe(0); // the scheduled window, too, is settled now
  await damage(await blobOf('texts/t1.txt'));
  expect((await ask(world, 'verify', '--deep')).code).toBe(13);
  expect((await ask(world, 'plan')).json.decision.because).toBe('verify found blobs of 1 asset damaged');
  const since = Date.now();
  const again = await world.run();
  expect([again.code, again.result?.outcome]).toEqual([0, 'unchanged']);
  expect((await executions(world, since)).size).toBe(1);
  expect((await ask(world, 'verify', '--deep')).code).toBe(0);
  expect(await flawsOf(world.origin)).toEqual([]);
  expect((await liveTexts(world))['texts/t1.txt']).toBe('text 1\n');
  expect(verdictOf((await world.run(['--now'])).result as Result)).toContain('unchanged, nothing written');
  expect((await world.run()).result?.because).toMatch(/^window \S+ is unchanged; the next opens/);
});

test('a live blob made again is shown again even when the night itself is held', async () => {
  world = await aPublishedWorld();
  await unlink(await blobOf('texts/t1.txt'));
  await damage(await blobOf('texts/t2.txt'));
  expect((await ask(world, 'verify', '--deep')).json.remedy.condemned).toEqual(['texts/t1.txt', 'texts/t2.txt']);
  expect((await ask(world, 'rollback', '--yes')).code).toBe(2); // nothing older is kept
  await world.remove('texts/t0.txt');
  await world.remove('pictures/p0.jpg');
  await world.remove('texts/t1.txt'); // gone from the source: its live blob cannot be made again
  const held = await world.run(['--now']);
  expect(held.code).toBe(4);
  expect((await liveTexts(world))['texts/t2.txt']).toBe('text 2\n');
  expect((await liveTexts(world))['texts/t1.txt']).toBe('text 1\n'); // its tree still has the bytes that were good
});

test('a bad blob whose source went bad too leaves the site, and does not stop the night', async () => {
  world = await aPublishedWorld();
  await unlink(await blobOf('pictures/p0.jpg/16w.jpg'));
  expect((await ask(world, 'verify')).json.remedy.condemned).toEqual(['pictures/p0.jpg']);
  await world.write('pictures/p0.jpg', 'no picture any more');
  await age(world);
  const night = await world.run(['--now']);
  expect([night.code, night.result?.items.carried, night.result?.items.failed]).toEqual([3, 0, 1]);
  expect(await flawsOf(world.origin)).toEqual([]);
  expect((await ask(world, 'verify', '--deep')).code).toBe(0);
});

test('a public path that shows something else is put right at once', async () => {
  world = await aPublishedWorld();
  const live = path.join(world.origin, 'live', 'texts');
  await rm(path.join(live, 't0.txt'));
  await rm(path.join(live, 't1.txt'));
  await writeFile(path.join(live, 't1.txt'), 'another text');
  await rm(path.join(live, 't2.txt'));
  await writeFile(path.join(live, 't2.txt'), 'tex! 2\n'); // the same size
  const shallow = await ask(world, 'verify', '--state', path.join(world.folder, 'elsewhere'));
  expect([shallow.code, shallow.json.remedy.kind]).toEqual([13, 'no-state']);
  expect(shallow.json.findings.map((one: { key: string }) => one.key)).toEqual(['texts/t0.txt', 'texts/t1.txt']);

  const found = await ask(world, 'verify', '--deep');
  expect(found.code).toBe(13);
  expect(found.json.findings.map((one: { code: string }) => one.code)).toEqual(['path-bad', 'path-bad', 'path-bad']);
  expect(found.json.remedy).toEqual({ kind: 'repaired', condemned: [], mended: 3, treeMade: false, entrances: [] });
  expect(await flawsOf(world.origin)).toEqual([]);
  expect((await ask(world, 'verify', '--deep')).code).toBe(0);

  await rm(path.join(world.origin, 'trees'), { recursive: true });
  expect((await ask(world, 'verify')).json).toMatchObject({
    findings: [{ code: 'tree-missing' }],
    remedy: { treeMade: true },
  });
  expect(await flawsOf(world.origin)).toEqual([]);
});

test('names by which readers find the head are missed, and made again', async () => {
  world = await aPublishedWorld();
  await rm(path.join(world.origin, 'live'));
  await rm(path.join(world.origin, 'head.json'));
  const found = await ask(world, 'verify');
  expect([found.code, found.json.remedy.entrances]).toEqual([13, ['head.json', 'live']]);
  expect(found.json.findings.map((one: { code: string }) => one.code)).toEqual(['entrance-lost', 'entrance-lost']);
  expect((await ask(world, 'verify')).code).toBe(0);
  expect((await liveTexts(world))['texts/t1.txt']).toBe('text 1\n');
});

test('while a run holds the job, and for snapshots that are not live, verify only reports', async () => {
  world = await aPublishedWorld([(it) => it.write('texts/t0.txt', 'text 0, again\n')]);
  const old = await blobOf('texts/t0.txt', 'previous');
  await unlink(old);
  const older = await ask(world, 'verify', 'previous');
  expect([older.code, older.json.remedy.kind]).toEqual([13, 'not-live']);
  expect((await say(world, 'rollback', 'night', '--yes')).stderr).toContain('is not whole and cannot go live');

  const bad = await blobOf('texts/t1.txt');
  await damage(bad);
  const lock = await holdJobLock(world.state, { pid: process.pid, host: 'here', startedAt: Date.now() });
  try {
    const found = await ask(world, 'verify', '--deep');
    expect([found.code, found.json.remedy.kind]).toEqual([13, 'locked']);
    expect(await readFile(bad)).not.toHaveLength(0);
  } finally {
    lock.release();
  }
});

test('a damaged manifest is a finding with the way out, and a rollback leads out', async () => {
  world = await aPublishedWorld([(it) => it.write('texts/t0.txt', 'text 0, again\n')]);
  const live = await liveSnapshot(world.origin);
  if (!live) throw new Error('a published world has a live snapshot');
  const node = path.join(world.origin, manifestKey(live));
  await chmod(node, 0o644);
  await writeFile(node, (await readFile(node, 'utf8')).replace('texts', 'TEXTS'));
  const found = await say(world, 'verify');
  expect(found.code).toBe(13);
  expect(found.stdout).toContain('[manifest-bad]');
  expect(found.stdout).toMatch(/next {6}nightpress run night --adopt\n +next {6}nightpress rollback night/);
  expect((await say(world, 'snapshots')).stdout).toContain('manifest damaged');
  const back = await say(world, 'rollback', '--yes');
  expect([back.code, back.stderr]).toEqual([0, expect.stringContaining('cannot be compared')]);
  expect(await flawsOf(world.origin)).toEqual([]);
});

async function blobOf(publicPath: string, which: 'live' | 'previous' = 'live'): Promise<string> {
  const rows = (await ask(world, 'snapshots')).json.snapshots as readonly Record<string, unknown>[];
  const snapshot = rows.find((row) => row[which] === true)?.snapshot;
  const derivatives = await derivativesOf(world.origin, snapshot as Parameters<typeof derivativesOf>[1]);
  const derivative = derivatives.get(publicPath);
  if (!derivative) throw new Error(`no snapshot shows ${publicPath}`);
  return path.join(world.origin, blobKey(derivative));
}

/** Other bytes in the same file, as a bad disk makes them: every link shows them. */
async function damage(file: string): Promise<void> {
  const bytes = await readFile(file);
  bytes[0] = (bytes[0] ?? 0) ^ 1;
  await chmod(file, 0o644);
  await writeFile(file, bytes);
}

/** What a person reads of it first. */
function verdictOf(result: Result): string | undefined {
  const lines: string[] = [];
  renderResult({ ...openTerminal({ NO_COLOR: '1' }), out: (line) => lines.push(line) }, result, undefined);
  return lines[0];
}
