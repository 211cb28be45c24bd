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
  const next = [
    'is the source mounted and whole? then: nightpress run night',
    'nightpress diff night live staged',
    'nightpress publish night --override shrink --reason TEXT',
  ].map((command) => `${command} --project ${world.folder}`);
  expect(json).toMatchObject({ verdict: 'held', staged: { rules: ['shrink'] }, next });
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
  expect((await ask(world, 'status')).json).toMatchObject({
    verdict: 'held; what it staged is neither live nor staged any more',
    next: [snapshots],
  });
  const told = await say(world, 'status');
  expect(told.stdout).not.toContain('cause');
  expect(told.stdout).toMatch(
    /by hand {3}publish \(seq 3: gone for good\), rollback \(seq 4: they were needed\), unfreeze \(seq 5\)\n/,
  );
});

test('what only a freeze held is told as live since it was lifted, also where a takedown cleaned it since', async () => {
  world = await aPublishedWorld([aSecondNight]);
  await say(world, 'rollback', '--yes');
  await age(world);
  expect((await world.run(['--now'])).code).toBe(4);
  expect((await say(world, 'unfreeze')).code).toBe(0);
  const verdict = 'held by the freeze, live since unfreeze';
  expect((await ask(world, 'status')).json.verdict).toBe(verdict);
  expect((await say(world, 'withdraw', 'texts/t1.txt', '--reason', 'licence ended', '--yes')).code).toBe(0);
  expect((await ask(world, 'status')).json.verdict).toBe(verdict);
  expect((await say(world, 'status')).stdout).toContain('by hand   publish (seq 5), withdraw (seq 6: licence ended)\n');
});

test('an origin that is gone is no origin that never was', async () => {
  world = await aPublishedWorld();
  await rename(world.origin, `${world.origin}-gone`);
  const { json } = await ask(world, 'status');
  expect(json).toMatchObject({
    verdict: 'the origin is gone, or older than it was',
    originFault: { code: 'origin-rewound' },
    next: [
      `mount or restore the origin, then: nightpress run night --project ${world.folder}`,
      `if it is really lost: nightpress run night --adopt --project ${world.folder}`,
    ],
  });
  const gone = "the origin of 'night' is gone: it was seq 1, and now there is no head; is its volume mounted?";
  const status = await say(world, 'status');
  expect([status.code, status.stdout]).toEqual([13, expect.stringContaining(`cause     ${gone}`)]);
  expect(status.stdout).toMatch(/live {6}snapshot [0-9a-f]{12} {2}seq 1 as last seen: readers may find nothing/);
  const run = await world.run(['--now']);
  expect([run.code, run.result]).toMatchObject([
    13,
    {
      live: null,
      lastSeen: { seq: 1 },
      fault: { message: gone },
      next: [
        'mount or restore the origin, then: nightpress run night',
        'if it is really lost: nightpress run night --adopt',
      ],
    },
  ]);
  const plain = await world.run(['--now'], { plain: true });
  expect(plain.stderr).toContain('seq 1 as last seen\n  next: mount or restore the origin, then: nightpress run');
  const doctor = await say(world, 'doctor');
  expect(doctor.stdout).toContain(`PROBLEM  origin        ${gone} (mount or restore the origin, then: `);
  expect(doctor.stdout).toContain('note     disk          what the next run needs is not known: see origin');
  expect((await say(world, 'rollback', '--yes')).stderr).toContain(gone);
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

test('status says what the run said of how long it took', async () => {
  world = await aPublishedWorld();
  await world.write('texts/t0.txt', 'another text\n');
  await age(world);
  const { stdout } = await world.run(['--now'], { plain: true });
  const took = /published {2}in (.+)\n/.exec(stdout)?.[1];
  expect(took).toMatch(/ m?s$/);
  expect((await say(world, 'status')).stdout).toContain(`: published, ${took}\n`);
});
