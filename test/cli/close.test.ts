import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { ask, say } from '../support/project.js';
import { age, aWorld, fill, type World } from '../support/world.js';

vi.setConfig({ testTimeout: 120_000 });

let world: World;
afterEach(() => world.end());

/** A world whose window opened an hour ago, closes in two, and that goes live at the close. */
async function aWaitingWorld(): Promise<World> {
  const made = await aWorld();
  await fill(made, { pictures: 0, texts: 2 });
  await age(made);
  const file = path.join(made.folder, 'jobs', 'night.ts');
  const opened = new Date(Date.now() - 3_600_000);
  const cron = `${opened.getUTCMinutes()} ${opened.getUTCHours()} * * *`;
  const text = await readFile(file, 'utf8');
  await writeFile(
    file,
    text
      .replace("cron: '0 2 * * *'", `cron: '${cron}'`)
      .replace("length: '4h' },", "length: '3h' },\n  publish: { at: 'close' },"),
  );
  return made;
}

test('a run that waits for the close says so, can be stopped, and loses nothing', async () => {
  world = await aWaitingWorld();
  const running = world.start();
  const { label, zone } = await running.said('waiting');
  expect(label).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d$/);
  expect(zone).toBe('UTC');
  const { json } = await ask(world, 'status');
  expect(json).toMatchObject({ verdict: `running: waiting for the close at ${label} ${zone}`, live: null });
  expect((await say(world, 'status')).stdout).toContain(`waiting for the close at ${label} ${zone}`);
  running.signal('SIGTERM');
  const stopped = await running.ended;
  expect(stopped).toMatchObject({ code: 143, result: { outcome: 'interrupted', items: { done: 2 } } });
  expect((await ask(world, 'windows')).json.windows[0]).toMatchObject({ outcome: 'interrupted', scheduled: true });
  expect(await world.run(['--now'])).toMatchObject({ code: 0, result: { outcome: 'published', items: { reused: 2 } } });
  const { windows } = (await ask(world, 'windows', '--next', '1')).json;
  expect(windows).toMatchObject([
    { outcome: 'due', scheduled: true },
    { outcome: 'published', scheduled: false },
    { outcome: 'expected', scheduled: true },
  ]);
});

test('a dry run and a plan do not wait', async () => {
  world = await aWaitingWorld();
  expect((await ask(world, 'plan')).code).toBe(0);
  const dry = await world.run(['--dry-run', '--sample', '2']);
  expect([dry.code, dry.lines.some(({ type }) => type === 'waiting')]).toEqual([0, false]);
});
