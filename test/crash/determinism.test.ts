import { copyFile, mkdir, readdir, rename, rm, utimes } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Result } from '../../src/domain/result.js';
import { lavfi, make } from '../support/clips.js';
import { flawsOf } from '../support/published.js';
import { age, aWorld, executions, pictureOf, type World } from '../support/world.js';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const fixtures = fileURLToPath(new URL('../../fixtures/', import.meta.url));

/** Every kind of processor, real photos, three picture formats. */
const recipes = `{
    pictures: image({ match: '**/*.{jpg,webp}', widths: [64, 160], formats: ['avif', 'webp', 'jpeg'] }),
    clips: video({ match: '**/*.mp4', heights: [120], poster: true }),
    sound: audio({ match: '**/*.mp3', formats: ['aac'] }),
    rest: copy({ match: '**/*.pdf' }),
  }`;

let world: World;
const others: World[] = [];
let first: Result;

beforeAll(async () => {
  world = await aWorld({ recipes });
  const files = ['products/label.webp', 'editorial/camera/IMG_0003.jpg', 'documents/print-sizes.pdf'];
  for (const file of files)
    await copyFile(path.join(fixtures, 'catalog', file), path.join(world.source, path.basename(file)));
  await copyFile(path.join(fixtures, 'newsroom/sound/meadow.mp3'), path.join(world.source, 'meadow.mp3'));
  const clip = lavfi('testsrc2=size=160x120:rate=12:duration=1', 'sine=duration=1');
  await make(path.join(world.source, 'clip.mp4'), ...clip, '-pix_fmt', 'yuv420p', '-shortest');
  await age(world);
  first = await published(world, 1);
});
afterAll(async () => {
  for (const one of [world, ...others]) await one.end();
});

async function published(where: World, workers: number): Promise<Result> {
  const { result } = await where.run([], { workers });
  expect(result).toMatchObject({ outcome: 'published', items: { total: 5, done: 5 } });
  expect(await flawsOf(where.origin)).toEqual([]);
  return result as Result;
}

test.each([1, 2, 2])('the same sources give the same snapshot again, with %i worker(s)', async (workers) => {
  const twin = await aWorld({ recipes, source: world.source });
  others.push(twin);
  const again = await published(twin, workers);
  expect(again.snapshot).toBe(first.snapshot);
  expect(again.derivatives).toEqual(first.derivatives);
});

test('files that came in another order give the same snapshot', async () => {
  const twin = await aWorld({ recipes, source: path.join(others[0]?.folder ?? '', 'reversed') });
  others.push(twin);
  await mkdir(twin.source, { recursive: true });
  for (const name of (await readdir(world.source)).sort().reverse()) {
    await copyFile(path.join(world.source, name), path.join(twin.source, `${name}.late`));
    await rename(path.join(twin.source, `${name}.late`), path.join(twin.source, name));
  }
  expect((await published(twin, 2)).snapshot).toBe(first.snapshot);
});

test('a lost state is adopted from the origin: nothing is made, the snapshot is the same', async () => {
  await rm(world.state, { recursive: true });
  const adopted = await world.run();
  expect(adopted.lines).toContainEqual(expect.objectContaining({ type: 'adopted', snapshot: first.snapshot }));
  expect(adopted.result).toMatchObject({ outcome: 'unchanged', snapshot: first.snapshot, derivatives: { made: 0 } });
  const next = await world.run(['--now']);
  expect(next.result).toMatchObject({ outcome: 'unchanged', items: { unchanged: 5, reused: 0 } });
});

test('a touched file is read again, and nothing is made', async () => {
  const now = new Date(Date.now() - 60_000);
  for (const name of await readdir(world.source)) await utimes(path.join(world.source, name), now, now);
  const touched = await world.run(['--now']);
  expect(touched.result).toMatchObject({ outcome: 'unchanged', snapshot: first.snapshot, derivatives: { made: 0 } });
  expect(touched.result?.items).toMatchObject({ reused: 5, done: 0 });
});

test('equal files are worked once, however many workers look at them at the same moment', async () => {
  const equal = await aWorld();
  others.push(equal);
  for (const name of ['a', 'b', 'c']) await equal.write(`${name}.jpg`, await pictureOf('the same'));
  const { result } = await equal.run([], { workers: 2 });
  expect(result).toMatchObject({ outcome: 'published', items: { done: 1, reused: 2 } });
  expect((await executions(equal)).size).toBe(1);
});
