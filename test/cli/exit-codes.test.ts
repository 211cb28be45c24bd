import { readFileSync, writeFileSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, expect, test, vi } from 'vitest';
import { liveSnapshot } from '../support/published.js';
import { age, aWorld, fill, pictureOf, type World, type WorldOptions } from '../support/world.js';

vi.setConfig({ testTimeout: 120_000 });

/*
 * Every outcome of the table of exit codes, reached by the real command. Each returns the code it ended with; whether
 * what is live may have changed is checked against the table in README.md.
 */
let world: World;
/** The live snapshot before the command in question. */
let liveBefore: string | undefined;

async function published(options: WorldOptions = {}): Promise<void> {
  world = await aWorld(options);
  await fill(world, { pictures: 1, texts: 4 });
  await age(world);
  expect((await world.run(['--now'])).code).toBe(0);
  liveBefore = await liveSnapshot(world.origin);
}

afterEach(() => world?.end());

type Way = () => Promise<number | null>;

async function signalled(signal: NodeJS.Signals): Promise<number | null> {
  await published();
  await world.write('pictures/new.jpg', await pictureOf('new'));
  const run = world.start(['--now'], { env: { NIGHTPRESS_STOP: 'planned' } });
  await run.stoppedAt('planned');
  run.signal(signal);
  run.signal('SIGCONT');
  return (await run.ended).code;
}

const ways: Readonly<Record<number, Way>> = {
  0: async () => {
    await published();
    return (await world.run(['--now'])).code;
  },
  1: async () => {
    await published();
    await rm(world.origin, { recursive: true });
    await world.run(['--now'], { state: path.join(world.folder, 'of another host') });
    liveBefore = await liveSnapshot(world.origin);
    return (await world.run(['--now'])).code; // an origin of that name, but not ours
  },
  2: async () => {
    await published();
    await writeFile(path.join(world.folder, 'jobs', 'night.ts'), 'export default { colour: "red" };');
    return (await world.run(['--now'])).code;
  },
  3: async () => {
    await published();
    await world.write('pictures/bad.jpg', 'no picture');
    return (await world.run(['--now'])).code;
  },
  4: async () => {
    await published();
    for (const name of ['t0', 't1', 't2', 't3']) await world.remove(`texts/${name}.txt`);
    return (await world.run(['--now'])).code;
  },
  5: async () => {
    await published({ gate: "{ shrink: '50%' }, onDeadline: 'hold'" });
    for (let n = 0; n < 1000; n++) await world.write(`texts/more-${n}.txt`, `more ${n}`);
    return (await world.run(['--now', '--deadline', '1s'])).code;
  },
  6: async () => {
    await published();
    await world.write('texts/new.txt', 'new');
    const run = world.start(['--now'], { env: { NIGHTPRESS_STOP: 'head-moved' } });
    await run.stoppedAt('head-moved');
    const other = new Database(path.join(world.state, 'state.db'));
    other.exec('BEGIN IMMEDIATE'); // the outcome cannot be written
    run.signal('SIGCONT');
    const { code } = await run.ended;
    other.exec('ROLLBACK');
    other.close();
    expect((await world.run()).result).toMatchObject({ exit: 0 });
    return code;
  },
  7: async () => {
    const edge = "{ type: 'http-purge', urls: 'http://127.0.0.1:9' }"; // a port on which nobody answers
    await published({ gate: `{ shrink: '50%' }, edges: [${edge}]` });
    return (await world.run(['--wait=1s'])).code;
  },
  10: async () => {
    await published();
    await world.write('texts/new.txt', 'new');
    return (await world.run(['--detailed-exitcode'], { verb: 'plan' })).code;
  },
  11: async () => {
    await published();
    await world.write('texts/new.txt', 'new');
    const run = world.start(['--now'], { env: { NIGHTPRESS_STOP: 'planned' } });
    await run.stoppedAt('planned');
    const { code } = await world.run(['--now']);
    run.signal('SIGKILL');
    await run.ended;
    return code;
  },
  12: async () => {
    await published();
    const state = path.join(world.state, 'state.db');
    for (const suffix of ['-wal', '-shm']) await rm(`${state}${suffix}`, { force: true });
    writeFileSync(state, 'no database');
    return (await world.run(['--now'])).code;
  },
  13: async () => {
    await published();
    await rm(path.join(world.origin, 'b'), { recursive: true });
    await mkdir(path.join(world.origin, 'b'));
    return (await world.run([], { verb: 'verify' })).code;
  },
  69: async () => {
    await published({
      recipes: `{ clips: video({ match: '**/*.mp4', heights: [144] }), rest: copy({ match: '**/*' }) }`,
    });
    await world.write('clip.mp4', 'never looked at');
    return (await world.run(['--now'], { env: { PATH: path.join(world.folder, 'nothing here') } })).code;
  },
  75: async () => {
    await published();
    await rename(world.source, `${world.source}-unmounted`);
    return (await world.run(['--now'])).code;
  },
  129: () => signalled('SIGHUP'),
  130: () => signalled('SIGINT'),
  143: () => signalled('SIGTERM'),
};

/** Codes and what the README says of the live snapshot. */
const table = [...readFileSync('README.md', 'utf8').matchAll(/^\| ([\d, ]+) \| .* \| (.*) \|$/gm)].flatMap(
  ([, codes = '', live = '']) => codes.split(', ').map((code) => ({ code: Number(code), live })),
);

/** No source or origin that a job can name today asks for any. */
const unreachable = [77];

test('the table in the README is the one that is tested here', () => {
  const tested = Object.keys(ways).map(Number);
  expect(table.map(({ code }) => code)).toEqual([...tested, ...unreachable].sort((a, b) => a - b));
});

test.each(table.filter(({ code }) => !unreachable.includes(code)))('$code: live is $live', async ({ code, live }) => {
  expect(await ways[code]?.()).toBe(code);
  if (live === 'untouched') expect(await liveSnapshot(world.origin)).toBe(liveBefore);
});
