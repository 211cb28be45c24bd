import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import type { Digest, RunId } from '../../src/domain/types.js';
import { latestOpening, openingsBetween } from '../../src/domain/window.js';
import { openState } from '../../src/state/open.js';
import { ask, say } from '../support/project.js';
import { aWorld, type World } from '../support/world.js';

vi.setConfig({ testTimeout: 120_000 });

const hour = 3_600_000;
const day = 24 * hour;
let world: World;
afterEach(() => world.end());

/** A job whose window closed an hour ago, and which nobody called since it published `nights` windows before. */
async function aNeglectedWorld(nights: number, catchUp: string): Promise<{ readonly labels: readonly string[] }> {
  world = await aWorld();
  const opened = new Date(Date.now() - 5 * hour);
  const cron = `${opened.getUTCMinutes()} ${opened.getUTCHours()} * * *`;
  const file = path.join(world.folder, 'jobs', 'night.ts');
  const text = await readFile(file, 'utf8');
  await writeFile(
    file,
    text.replace("cron: '0 2 * * *'", `cron: '${cron}'`).replace("'4h'", `'4h', catchUp: '${catchUp}'`),
  );
  const spec = { cron, timezone: 'UTC', lengthMs: 4 * hour };
  const latest = latestOpening(spec, Date.now()).opens;
  const windows = openingsBetween(spec, latest - (nights + 1) * day, latest);
  const [window] = windows;
  if (!window) throw new Error('no window opened then');
  const state = openState(world.state);
  const [id, startedAt] = ['r1' as RunId, window.opens];
  state.beginRun({ id, window, scheduled: true, verb: 'run', startedAt, jobDigest: 'd' as Digest, log: 'l' });
  state.endRun(id, { outcome: 'published', endedAt: startedAt + 1000, result: {} });
  state.close();
  return { labels: windows.map(({ label }) => label) };
}

test.each([
  ['latest', 'due'],
  ['none', 'missed'],
])('windows that nobody took are listed, each with one outcome (catchUp %s)', async (catchUp, last) => {
  const { labels } = await aNeglectedWorld(3, catchUp);
  const { windows } = (await ask(world, 'windows', '--next', '1')).json;
  expect(windows.map(({ label }: { label: string }) => label).slice(0, -1)).toEqual(labels);
  expect(windows.map(({ outcome }: { outcome: string }) => outcome)).toEqual([
    'published',
    'missed',
    'missed',
    last,
    'expected',
  ]);
});

test('as many are listed as are asked for', async () => {
  const { labels } = await aNeglectedWorld(40, 'none');
  const told = async (...words: string[]) =>
    (await say(world, 'windows', '--next', '1', ...words)).stdout
      .split('\n')
      .filter((line) => line !== '' && !line.endsWith('expected'))
      .map((line) => line.split(' ')[0]);
  expect(await told()).toEqual(labels.slice(-30));
  expect(await told('--last', '100')).toEqual(labels);
});

test('people read both ends of a window by the clock of its zone, programs in UTC', async () => {
  world = await aWorld();
  const file = path.join(world.folder, 'jobs', 'night.ts');
  await writeFile(file, (await readFile(file, 'utf8')).replace("timezone: 'UTC'", "timezone: 'Asia/Tokyo'"));
  const { stdout } = await say(world, 'windows', '--next', '1');
  expect(stdout).toMatch(/^(\d{4}-\d\d-\d\d)T02:00 {2}closes \1T06:00 {2}expected\n$/m);
  const [next] = (await ask(world, 'windows', '--next', '1')).json.windows.slice(-1);
  expect(next.closes).toMatch(/T21:00:00\.000Z$/);
});
