import { createHash } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { blobKey } from '../../src/domain/origin-keys.js';
import { aPublishedWorld, ask, say } from '../support/project.js';
import { derivativesOf, liveSnapshot, readHead, sha256 } from '../support/published.js';
import type { World } from '../support/world.js';

vi.setConfig({ testTimeout: 120_000 });

let world: World;
afterEach(() => world.end());

const secondNight = async (it: World) => {
  await it.write('texts/t0.txt', 'text 0, again and longer\n');
  await it.write('texts/§ "odd" $1; \\n.txt', 'odd\n');
};

test('every map names each public path of the snapshot once, with the blob that has its bytes', async () => {
  world = await aPublishedWorld([secondNight]);
  const live = await derivativesOf(world.origin, (await liveSnapshot(world.origin)) ?? ('' as never));
  const json = JSON.parse((await say(world, 'export', 'json')).stdout);
  const vite = JSON.parse((await say(world, 'export', 'vite-manifest', 'night')).stdout);
  const sri = JSON.parse((await say(world, 'export', 'sri')).stdout);
  for (const map of [json, vite, sri]) expect(Object.keys(map)).toEqual([...live.keys()].sort());
  expect(Object.keys(json)).toContain('texts/§ "odd" $1; \\n.txt');
  for (const [name, derivative] of live) {
    const bytes = await readFile(path.join(world.origin, json[name].key));
    expect([json[name].sha256, json[name].bytes]).toEqual([sha256(bytes), bytes.byteLength]);
    expect(vite[name]).toEqual({ file: blobKey(derivative), src: name, integrity: sri[name] });
    expect(sri[name]).toBe(`sha256-${createHash('sha256').update(bytes).digest('base64')}`);
  }
  const picture = Object.values(json).find((one) => (one as { type: string }).type === 'image/jpeg');
  expect(picture).toMatchObject({ width: 16, height: expect.any(Number) });
});

test('an older snapshot gives its own text, always the same, also without any local state', async () => {
  world = await aPublishedWorld();
  const first = (await say(world, 'export', 'json')).stdout;
  await secondNight(world);
  expect((await world.run(['--now'])).code).toBe(0);
  expect((await say(world, 'export', 'json')).stdout).not.toBe(first);
  await rm(world.state, { recursive: true });
  expect((await say(world, 'export', 'json', '--snapshot', 'previous')).stdout).toBe(first);
  const { snapshot } = (await readHead(world.origin))?.retained[0] ?? {};
  const { json, code } = await ask(world, 'export', 'json', 'night', '--snapshot', '1');
  expect([code, json]).toMatchObject([
    0,
    { type: 'export', format: 'json', job: 'night', snapshot, paths: 4, text: first },
  ]);
});

test('a file is written whole beside nothing else, and a place that cannot be written is named', async () => {
  world = await aPublishedWorld();
  const folder = world.folder;
  const before = await readdir(folder);
  const out = path.join(folder, 'map.json');
  const written = await say(world, 'export', 'sri', '--out', out);
  expect([written.code, written.stdout]).toEqual([0, '']);
  expect(written.stderr).toMatch(/^wrote .*map\.json: snapshot [0-9a-f]{12}, 4 paths\n$/);
  expect(await readFile(out, 'utf8')).toBe((await say(world, 'export', 'sri')).stdout);
  expect((await readdir(folder)).sort()).toEqual([...before, 'map.json'].sort());
  const nowhere = await say(world, 'export', 'sri', '--out', path.join(folder, 'no', 'map.json'));
  expect([nowhere.code, nowhere.stderr]).toEqual([2, expect.stringContaining('(ENOENT), expected a file in a folder')]);
  expect((await say(world, 'export', 'json', '--snapshot', 'winter')).code).toBe(2);
  expect((await say(world, 'export', 'yaml')).code).toBe(2);
});

test('the header rules cache what never changes for ever, and nothing else', async () => {
  world = await aPublishedWorld();
  const rules = (await say(world, 'export', 'headers')).stdout.split('\n\n').map((rule) => rule.trim().split('\n  '));
  expect(rules.map(([place, cache]) => [place, cache?.includes('immutable')])).toEqual([
    ['/head.json', false],
    ['/m/*', true],
    ['/b/*', true],
    ['/live/*', false],
  ]);
});
