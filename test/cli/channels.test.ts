import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { waitOption } from '../../src/cli/options.js';
import { resultMarkdown } from '../../src/cli/render/markdown.js';
import { manifestKey } from '../../src/domain/origin-keys.js';
import type { Result } from '../../src/domain/result.js';
import type { Digest } from '../../src/domain/types.js';
import { aPublishedWorld, ask, liveTexts, publishNow, say } from '../support/project.js';
import { readHead } from '../support/published.js';
import { age, aWorld, fill, type World } from '../support/world.js';

vi.setConfig({ testTimeout: 120_000 });

let world: World;
afterEach(() => world.end());

async function head() {
  const read = await readHead(world.origin);
  if (!read) throw new Error('there is no head');
  return read;
}

async function preview(...words: readonly string[]) {
  await age(world);
  return await world.run(['--now', '--channel', 'preview', ...words]);
}

test('nights on a channel never show on the site, make nothing twice, and go live by one commit', async () => {
  world = await aPublishedWorld();
  const before = await head();
  await world.write('texts/t0.txt', 'another text 0\n');
  const first = await preview();
  expect(first.code, first.stderr).toBe(0);
  const to = first.result?.snapshot;
  expect(first.result).toMatchObject({
    channel: 'preview',
    outcome: 'published',
    items: { total: 4, done: 1, reused: 3 },
    live: { snapshot: to, seq: before.seq + 1 },
    next: ['nightpress promote night preview live', 'nightpress status night --channel preview'],
  });
  expect(resultMarkdown(first.result as Result)).toContain(`| preview | \`${to?.slice(0, 12)}\``);
  expect(first.lines).toContainEqual(expect.objectContaining({ type: 'head-moved', channel: 'preview' }));
  expect(await head()).toMatchObject({
    channels: { live: before.channels.live, preview: { snapshot: to } },
    retained: before.retained,
  });
  expect((await liveTexts(world))['texts/t0.txt']).toBe('text 0\n');
  expect((await preview()).result).toMatchObject({ outcome: 'unchanged', derivatives: { made: 0 } });
  expect((await ask(world, 'diff', 'live', 'preview')).json.totals.assets).toEqual({
    added: 0,
    removed: 0,
    changed: 1,
  });

  const promoted = await ask(world, 'promote', 'night', 'preview', 'live', '--reason', 'looked at it', '--yes');
  expect(promoted.code, promoted.stderr).toBe(0);
  expect(promoted.json).toMatchObject({
    type: 'promote',
    to,
    live: { snapshot: to },
    totals: { assets: { changed: 1 } },
  });
  expect((await liveTexts(world))['texts/t0.txt']).toBe('another text 0\n');
  expect((await ask(world, 'status', '--channel', 'preview')).json.next).toEqual([]);
  const live = await world.run(['--now']);
  expect(live.result).toMatchObject({ outcome: 'unchanged', live: { snapshot: to }, derivatives: { made: 0 } });
});

test('what the gate holds on a channel is staged beside it, told with its own commands, and published there', async () => {
  world = await aPublishedWorld();
  await world.write('texts/only-here.txt', 'x\n');
  expect((await preview()).code).toBe(0);
  for (const key of ['texts/t0.txt', 'texts/t1.txt', 'texts/t2.txt']) await world.remove(key);
  const held = await preview();
  expect([held.code, held.result?.outcome]).toEqual([4, 'held']);
  const command = held.result?.next.find((one) => one.includes('publish'));
  expect(command).toMatch(/^nightpress publish night .*--channel preview$/);
  const { channels } = await head();
  expect(channels.staged).toBeUndefined();
  expect(Object.keys(channels).sort()).toEqual(['live', 'preview', 'preview.staged']);
  expect((await ask(world, 'status')).json).toMatchObject({ verdict: 'published', staged: null });
  expect((await ask(world, 'status', '--channel', 'preview')).json).toMatchObject({
    channel: 'preview',
    verdict: 'held',
  });

  const refused = await say(world, 'publish', '--channel', 'preview');
  expect(refused.stderr).toContain('next: nightpress publish night --override shrink --reason TEXT --channel preview');
  const published = await ask(world, 'publish', '--channel', 'preview', '--override', 'shrink', '--reason', 'meant');
  expect(published.json).toMatchObject({
    type: 'publish',
    channel: 'preview',
    live: { snapshot: held.result?.snapshot },
  });
  expect(Object.keys(await liveTexts(world))).toEqual(['texts/t0.txt', 'texts/t1.txt', 'texts/t2.txt']);
});

test('a collection spares what only a channel shows, also of a night that is not live any more', async () => {
  world = await aPublishedWorld();
  await world.write('texts/t0.txt', 'only in preview\n');
  const shown = await preview();
  await world.write('texts/t0.txt', 'live again\n');
  await publishNow(world);
  const { json } = await ask(world, 'gc', '--why', `m/${shown.result?.snapshot}.json`);
  expect(json.reasons).toContainEqual({ kind: 'channel', name: 'preview' });
  expect((await ask(world, 'verify', 'preview')).json).toMatchObject({ findings: [] });
});

test('the very first nights may be on a channel', async () => {
  world = await aWorld();
  await fill(world, { pictures: 1, texts: 2 });
  expect((await preview()).result).toMatchObject({ outcome: 'published', channel: 'preview' });
  expect(existsSync(path.join(world.origin, 'live', 'texts'))).toBe(false);
  expect((await ask(world, 'promote', 'preview', 'live', '--yes')).code).toBe(0);
  expect(Object.keys(await liveTexts(world))).toEqual(['texts/t0.txt', 'texts/t1.txt']);
});

/** A dead-man switch: the paths it was asked for. */
async function aSwitch() {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = () => new Promise<void>((resolve) => void server.close(() => resolve()));
  return { url: `http://127.0.0.1:${port}`, asked, close };
}

test('a trial that goes well tells nothing to the switch and the metrics of the live nights', async () => {
  world = await aPublishedWorld();
  const { url, asked, close } = await aSwitch();
  try {
    const env = { NIGHTPRESS_PING_URL: url };
    expect((await world.run(['--now', '--channel', 'preview'], { env })).code).toBe(0);
    expect(asked).toEqual([]);
    expect((await world.run(['--now'], { env })).code).toBe(0);
    expect(asked).toContain('/0');
  } finally {
    await close();
  }
  const told = await say(world, 'run', '--channel', 'preview', '--metrics-file', 'night.prom');
  expect([told.code, told.stderr]).toEqual([2, expect.stringContaining('--metrics-file with --channel')]);
  const pinged = await say(world, 'run', '--channel', 'preview', '--ping-url', 'http://127.0.0.1:9/');
  expect([pinged.code, pinged.stderr]).toEqual([2, expect.stringContaining('--ping-url with --channel')]);
});

test('what makes no sense is refused, and names what would', async () => {
  world = await aPublishedWorld([(it) => it.write('texts/t0.txt', 'second night\n')]);
  const refused = async (...words: readonly string[]) => {
    const { code, stderr } = await say(world, ...words);
    return [code, stderr];
  };
  expect(await refused('run', '--channel', 'Pre view')).toEqual([2, expect.stringContaining('lower-case letters')]);
  expect(await refused('run', '--channel', 'staged')).toEqual([2, expect.stringContaining('a name of its own')]);
  expect(await refused('promote', 'preview', 'live')).toEqual([2, expect.stringContaining("no channel 'preview'")]);
  expect(await refused('promote', 'live', 'preview')).toEqual([2, expect.stringContaining("expected 'live' last")]);
  await preview();
  await say(world, 'rollback', '--yes', '--reason', 'broken');
  expect((await preview()).code).toBe(0);
  expect(await refused('promote', 'preview', 'live')).toEqual([2, expect.stringContaining('frozen')]);
});

test('snapshots and status list the channels there are, and status of one that nobody knows is refused with their names', async () => {
  world = await aPublishedWorld();
  expect((await say(world, 'status', '--channel', 'preview')).code).toBe(2);
  await world.write('texts/t0.txt', 'another text 0\n');
  const { result } = await preview();
  const { json } = await ask(world, 'snapshots');
  expect(json.channels).toEqual({
    preview: { shows: expect.objectContaining({ snapshot: result?.snapshot }), staged: null },
  });
  expect((await say(world, 'snapshots')).stdout).toMatch(/channel {3}preview: snapshot [0-9a-f]{12} {2}seq 2 {2}since/);
  expect((await say(world, 'status')).stdout).toContain('channels  beside live: preview\n');
  expect((await ask(world, 'status', '--channel', 'preview')).json.channels).toEqual(['preview']);
  const typo = await say(world, 'status', '--channel', 'pre-view');
  expect([typo.code, typo.stdout]).toEqual([2, '']);
  expect(typo.stderr).toContain("no channel 'pre-view' of 'night': expected one of 'live', 'preview'");
  expect(typo.stderr).toContain('next: nightpress snapshots night\n');
});

test('promote says what changes and that the channel is older, and moves nothing without --yes', async () => {
  world = await aPublishedWorld();
  await world.write('texts/t0.txt', 'another text 0\n');
  const shown = await preview();
  const before = await head();
  const asked = await say(world, 'promote', 'preview', 'live');
  expect([asked.code, asked.stderr]).toEqual([
    2,
    expect.stringContaining('next: nightpress promote night preview live --yes'),
  ]);
  expect(asked.stdout).toMatch(/would change\n {2}assets {4}0 added, 0 removed, 1 changed\n/);
  expect(asked.stdout).not.toContain('older');
  expect(await head()).toEqual(before);

  await world.write('texts/t1.txt', 'newer than the preview\n');
  await publishNow(world);
  const older = await say(world, 'promote', 'preview', 'live');
  expect(older.stdout).toMatch(/older {5}preview came to its snapshot at seq 2, \S+; live has moved since: seq 3/);
  const promoted = await ask(world, 'promote', 'preview', 'live', '--yes');
  expect(promoted.json).toMatchObject({ older: true, live: { snapshot: shown.result?.snapshot } });
});

test('promote is held by the gate as a night is, until every rule that holds it is named', async () => {
  world = await aPublishedWorld();
  for (const key of ['texts/t0.txt', 'texts/t1.txt', 'texts/t2.txt']) await world.remove(key);
  expect((await preview()).code).toBe(4);
  await say(world, 'publish', '--channel', 'preview', '--override', 'shrink', '--reason', 'a trial');
  const before = await head();
  const held = await say(world, 'promote', 'preview', 'live', '--yes');
  expect([held.code, held.stderr]).toEqual([4, expect.stringContaining('shrink: 1 assets are 3 fewer than the 4')]);
  expect(held.stderr).toContain('next: nightpress promote night preview live --override shrink --reason TEXT');
  const unreasoned = await say(world, 'promote', 'preview', 'live', '--override', 'shrink', '--yes');
  expect([unreasoned.code, unreasoned.stderr]).toEqual([2, expect.stringContaining('--reason')]);
  const other = ['--override', 'shrink', '--override', 'drift', '--reason', 'meant', '--yes'];
  const strange = await say(world, 'promote', 'preview', 'live', ...other);
  expect([strange.code, strange.stderr]).toEqual([2, expect.stringContaining('no --override drift')]);
  expect(await head()).toEqual(before);
  const override = ['--override', 'shrink', '--reason', 'meant', '--yes'];
  const { code, json } = await ask(world, 'promote', 'preview', 'live', ...override);
  expect([code, json.overridden]).toEqual([0, ['shrink']]);
  expect((await head()).channels.live).toMatchObject({ snapshot: json.to, seq: before.seq + 1 });
});

test('what keeps a night on a channel from beginning is told with what that channel shows, and its own way out', async () => {
  world = await aPublishedWorld();
  await world.write('texts/t0.txt', 'only in preview\n');
  const { result } = await preview();
  const work = path.join(world.folder, '.nightpress', 'night@preview');
  await rm(path.join(world.origin, manifestKey(result?.snapshot as Digest)));
  await rm(path.join(work, 'state.db'));
  const damaged = await preview();
  expect(damaged.result).toMatchObject({
    channel: 'preview',
    live: { snapshot: result?.snapshot },
    next: ['nightpress run night --adopt --channel preview'],
  });
  const told = await say(world, 'run', '--channel', 'preview');
  expect(told.stderr).toMatch(/^ {2}preview: snapshot /m);
  expect(told.stderr).toContain('next: nightpress run night --adopt --channel preview');
  const verified = await ask(world, 'verify', '--channel', 'preview');
  expect(verified.json).toMatchObject({ live: true, next: ['nightpress run night --adopt --channel preview'] });

  await writeFile(
    path.join(work, 'state.db'),
    'no database at all, but long enough to be looked at as one'.repeat(100),
  );
  const broken = await say(world, 'plan', '--channel', 'preview');
  expect(broken.stderr).toContain('next: nightpress doctor --rebuild --channel preview');
  const { json } = await ask(world, 'doctor', '--channel', 'preview');
  expect(json.checks).toContainEqual(
    expect.objectContaining({ name: 'state', hint: 'nightpress doctor night --rebuild --channel preview' }),
  );
  const before = await ask(world, 'status');
  await say(world, 'run', '--channel', 'preview', '--adopt');
  expect((await ask(world, 'status')).json.run).toEqual(before.json.run);
});

test('settling a commit on a channel tells of that channel', async () => {
  world = await aPublishedWorld();
  await world.write('texts/t0.txt', 'only in preview\n');
  const { result } = await preview();
  const settled = await ask(world, 'publish', '--channel', 'preview', '--resolve');
  expect(settled.json).toMatchObject({ type: 'resolve', channel: 'preview', live: { snapshot: result?.snapshot } });
  const { stdout } = await say(world, 'publish', '--channel', 'preview', '--resolve');
  expect(stdout).toContain('what preview shows now stays');
  expect((await say(world, 'publish', '--resolve', '--wait=1s')).code).toBe(2);
});

test('nobody waits for edges to serve what only a channel shows', () => {
  const edges = [{ type: 'bunny', name: 'cdn', urls: ['https://cdn.example.com'] }] as const;
  const wait = { wait: true } as const;
  expect(waitOption(wait, { name: 'night', edges })).toBe(300_000);
  expect(() => waitOption(wait, { name: 'night', edges, channel: 'preview' })).toThrow('--wait and --channel preview');
  expect(() => waitOption({ ...wait, all: true }, { name: 'night', channel: 'preview' })).toThrow('--channel preview');
});

test('a dry run of a channel leaves its outputs to be looked at, as any other does', async () => {
  world = await aPublishedWorld();
  const out = path.join(world.folder, 'looked-at');
  const dry = await world.run(['--dry-run', '--only', 'texts/**', '--channel', 'preview', '--out', out]);
  expect(dry.code, dry.stderr).toBe(0);
  expect(existsSync(path.join(out, 'live', 'texts', 't0.txt'))).toBe(true);
});
