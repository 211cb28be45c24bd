import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { aPublishedWorld, ask, publishNow, say } from '../support/project.js';
import { age, type World } from '../support/world.js';

vi.setConfig({ testTimeout: 120_000 });

let world: World;
afterEach(() => world.end());

test('a held night that somebody published is told as that, and has no next command that fails', async () => {
  world = await aPublishedWorld();
  for (const key of ['texts/t0.txt', 'texts/t1.txt', 'texts/t2.txt']) await world.remove(key);
  expect((await world.run(['--now'])).code).toBe(4);
  expect((await ask(world, 'status')).json).toMatchObject({ verdict: 'held' });
  expect((await say(world, 'publish', '--override', 'shrink', '--reason', 'gone for good')).code).toBe(0);
  expect((await ask(world, 'status')).json).toMatchObject({ verdict: 'held, then published by hand', next: [] });
  // Not whether anything is pending: a listing of less than two seconds is looked at again.
  expect((await ask(world, 'plan')).json).toMatchObject({ removed: [] });
});

/** The night is held by the gate, and by the freeze of a rollback when there was one before. */
async function heldByShrink(): Promise<void> {
  for (const key of ['texts/t0.txt', 'texts/t1.txt', 'texts/t2.txt']) await world.remove(key);
  expect((await world.run(['--now'])).code).toBe(4);
}

const aSecondNight = (one: World) => one.write('texts/t0.txt', 'another text\n');

test('what holds a night is told as it is now, not as it was when the night ended', async () => {
  world = await aPublishedWorld([aSecondNight]);
  expect((await say(world, 'rollback', '--yes', '--reason', 'wrong colours')).code).toBe(0);
  await heldByShrink();
  const frozen = await say(world, 'status');
  expect(frozen.stdout).toMatch(
    /cause {5}shrink: .*\n {2}cause {5}frozen: wrong colours\n {2}next {6}nightpress unfreeze/,
  );
  expect((await say(world, 'unfreeze')).code).toBe(4);
  const { json } = await ask(world, 'status');
  const publish = `nightpress publish night --override shrink --reason TEXT --project ${world.folder}`;
  expect(json).toMatchObject({ verdict: 'held', staged: { rules: ['shrink'] }, next: [publish] });
  const { stdout } = await say(world, 'status');
  expect(stdout).toContain('cause     shrink: ');
  expect(stdout).not.toContain('frozen');
});

test('a night published by hand and rolled back is not told as held: nothing is staged', async () => {
  world = await aPublishedWorld();
  await heldByShrink();
  expect((await say(world, 'publish', '--override', 'shrink', '--reason', 'gone for good')).code).toBe(0);
  expect((await say(world, 'rollback', '--yes', '--reason', 'they were needed')).code).toBe(0);
  const unfreeze = `nightpress unfreeze night --project ${world.folder}`;
  expect((await ask(world, 'status')).json).toMatchObject({ verdict: 'frozen after a rollback', next: [unfreeze] });
  const { stdout } = await say(world, 'status');
  expect(stdout.match(/cause {5}.*/g)).toEqual(['cause     frozen: they were needed']);
  expect((await say(world, 'unfreeze')).code).toBe(0);
  const snapshots = `nightpress snapshots night --project ${world.folder}`;
  expect((await ask(world, 'status')).json).toMatchObject({ verdict: 'held, but staged no more', next: [snapshots] });
  expect((await say(world, 'status')).stdout).not.toContain('cause');
});

test('an origin that is gone is no origin that never was', async () => {
  world = await aPublishedWorld();
  await rename(world.origin, `${world.origin}-gone`);
  const { json } = await ask(world, 'status');
  expect(json).toMatchObject({
    verdict: 'the origin lost what was published',
    originFault: { code: 'origin-rewound' },
    next: [`nightpress run night --adopt --project ${world.folder}`],
  });
  const run = await world.run(['--now']);
  expect([run.code, run.result?.next]).toEqual([13, ['nightpress run night --adopt']]);
});

test('who named the project is told to name it again', async () => {
  world = await aPublishedWorld();
  await world.write('pictures/bad.jpg', 'no picture');
  await age(world);
  const { code, result } = await world.run(['--now', '--project', world.folder]);
  expect([code, result?.next[0]]).toEqual([3, `nightpress retry night --failed --project ${world.folder}`]);
  expect(result?.next.every((command) => command.endsWith(` --project ${world.folder}`))).toBe(true);
  expect((await ask(world, 'status')).json.next).toEqual(result?.next);
});

test('after a night that went well run names status, and status does not name itself', async () => {
  world = await aPublishedWorld();
  await world.write('texts/t0.txt', 'another text\n');
  const { result } = await publishNow(world);
  expect(result?.next).toEqual(['nightpress status night']);
  expect((await ask(world, 'status')).json).toMatchObject({ verdict: 'published', next: [] });
  expect((await say(world, 'status')).stdout).not.toContain('nightpress status');
});

test('what no recipe matches is named by plan, and the globs of init know every spelling of an extension', async () => {
  world = await aPublishedWorld();
  await world.write('notes/unknown.xyz', 'x');
  const { json } = await ask(world, 'plan');
  expect(json).toMatchObject({ assets: { unmatched: 1 }, unmatched: ['notes/unknown.xyz'] });
  expect((await say(world, 'plan')).stdout).toContain('no recipe notes/unknown.xyz');
  const camera = path.join(world.folder, 'camera');
  await mkdir(camera);
  await writeFile(path.join(camera, 'DSC_0001.JPG'), '');
  const { json: drafted } = await ask(world, 'init', camera);
  expect(await readFile(drafted.file, 'utf8')).toMatch(/match: '\*\*\/\*\.\{jpg,.*,JPG\}'/);
});

test('with one snapshot there is nothing to roll back to, and that is said', async () => {
  world = await aPublishedWorld();
  const { code, stderr } = await say(world, 'rollback', '--yes');
  expect([code, stderr]).toEqual([2, expect.stringContaining('has nothing to go back to')]);
});

test('a first job names baseUrl, to be uncommented', async () => {
  world = await aPublishedWorld();
  await mkdir(path.join(world.folder, 'films'));
  const { json } = await ask(world, 'init', path.join(world.folder, 'films'));
  const text = await readFile(json.file, 'utf8');
  expect(text).toContain("    // baseUrl: 'https://cdn.example.com/films', // where readers see it");
  await writeFile(json.file, text.replace('// baseUrl', 'baseUrl'));
  expect((await say(world, 'schedule', 'crontab', 'films')).code).toBe(0);
});

test('the line for cron makes the folder of its log', async () => {
  world = await aPublishedWorld();
  const media = path.join(world.folder, 'films');
  await mkdir(media);
  await writeFile(path.join(media, 'a.jpg'), '');
  const { json } = await ask(world, 'init', media);
  expect(json.crontab).toContain(`0 * * * * mkdir -p ${world.folder}/.nightpress && `);
});
