import { existsSync } from 'node:fs';
import { readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { manifestKey } from '../../src/domain/origin-keys.js';
import type { Digest } from '../../src/domain/types.js';
import { type Answer, ask, say } from '../support/project.js';
import { flawsOf, liveSnapshot } from '../support/published.js';
import { aWorld, executions, fill, settle, type World } from '../support/world.js';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let world: World;
let live: Digest;

beforeAll(async () => {
  world = await aWorld();
  await fill(world, { pictures: 2, texts: 2 });
  await world.run();
  live = (await liveSnapshot(world.origin)) as Digest;
});
afterAll(() => world.end());

const state = () => path.join(world.state, 'state.db');
const rebuild = (): Promise<Answer> => ask(world, 'doctor', 'night', '--rebuild', '--yes');
const asides = async () => (await readdir(world.state)).filter((name) => name.includes('.damaged-'));

/** As it is after a refusal: the same bytes, and nothing beside them. */
async function refuses(exit: number, code: string, cause: RegExp): Promise<void> {
  const before = await readFile(state());
  const there = await asides();
  const said = await say(world, 'doctor', 'night', '--rebuild', '--yes');
  expect(said.code).toBe(exit);
  expect(said.stderr).toMatch(cause);
  expect(said.stderr).not.toMatch(/^ {4}at /m);
  expect((await ask(world, 'doctor', 'night', '--rebuild', '--yes')).json).toMatchObject({ code, exit });
  expect(await readFile(state())).toEqual(before);
  expect(await asides()).toEqual(there);
  expect(existsSync(path.join(world.state, 'rebuild'))).toBe(false);
}

test('doctor names a damaged state and the command that rebuilds it, and still looks at the rest', async () => {
  const whole = await readFile(state());
  await truncate(state(), 5000);
  const { code, json } = await ask(world, 'doctor', 'night');
  expect(code).toBe(13);
  const checks = json.checks as { name: string; verdict: string; hint?: string }[];
  expect(checks).toContainEqual(
    expect.objectContaining({ name: 'state', verdict: 'problem', hint: 'nightpress doctor night --rebuild' }),
  );
  expect(checks).toContainEqual(expect.objectContaining({ name: 'origin', verdict: 'ok' }));
  await writeFile(state(), whole);
});

test('a run on a damaged state names the command; after it, nothing is made and the snapshot is the same', async () => {
  await truncate(state(), 5000);
  const refused = await world.run();
  expect(refused.result).toMatchObject({ exit: 12, next: ['nightpress doctor night --rebuild'] });
  const damaged = await readFile(state());
  const { code, json } = await rebuild();
  expect(code).toBe(0);
  expect(json).toMatchObject({ type: 'rebuilt', job: 'night', snapshot: live, assets: 4 });
  expect(await readFile(json.aside)).toEqual(damaged);
  expect(json.lost.map(({ rows }: { rows: unknown }) => rows)).toContain(null);
  const since = Date.now();
  const next = await world.run();
  expect(next.result).toMatchObject({ outcome: 'unchanged', snapshot: live, derivatives: { made: 0 } });
  expect((await executions(world, since)).size).toBe(0);
  expect(await flawsOf(world.origin)).toEqual([]);
});

test('what the origin does not know is named with how much of it is lost', async () => {
  await settle(world);
  await world.run(['--now']); // from here on every listing is trusted
  await world.write('texts/bad.txt', 'bad');
  await world.run(['--now'], { env: { NIGHTPRESS_CRASH: 'manifest-ready' } });
  const { json } = await rebuild();
  expect(json.lost).toContainEqual({ what: expect.stringMatching(/^finished items/), rows: 1 });
  expect(existsSync(`${json.aside}-wal`)).toBe(true); // the newest commits of a killed run
  expect((await world.run()).result).toMatchObject({ outcome: 'published', items: { done: 1 } });
});

test('it is refused while a run is live', async () => {
  await world.write('texts/more.txt', 'more');
  const run = world.start(['--now'], { env: { NIGHTPRESS_STOP: 'planned' } });
  await run.said('planned');
  try {
    const { code, json } = await rebuild();
    expect({ code, fault: json.code }).toEqual({ code: 11, fault: 'run-locked' });
  } finally {
    run.signal('SIGCONT');
    await run.ended;
  }
});

test('an origin that is gone, foreign or damaged is refused, and the state is as it was', async () => {
  const away = `${world.origin}-away`;
  await rename(world.origin, away);
  await refuses(13, 'origin-rewound', /no head to rebuild the state from: is its volume mounted\?.*as it was/);
  await writeFile(world.origin, 'no folder');
  await refuses(75, 'origin-unreachable', /public/);
  await rm(world.origin);
  await rename(away, world.origin);
  const manifest = path.join(world.origin, manifestKey((await liveSnapshot(world.origin)) as Digest));
  await rename(manifest, `${manifest}.away`);
  await refuses(13, 'origin-corrupt', /manifest m\/[0-9a-f]{64}\.json is missing/);
  await rename(`${manifest}.away`, manifest);
  expect((await world.run(['--now'])).result).toMatchObject({ outcome: 'unchanged' });
});

test('without a terminal and --yes it does nothing', async () => {
  const said = await say(world, 'doctor', 'night', '--rebuild');
  expect(said.code).toBe(2);
  expect(said.stderr).toContain('nightpress doctor night --rebuild --yes');
});

test('a state that is whole may be rebuilt too, and a lost one is made', async () => {
  const { aside } = (await rebuild()).json;
  expect(path.basename(aside)).toMatch(/^state\.db\.damaged-\d{8}T\d{9}Z$/);
  for (const name of await readdir(world.state))
    if (name.startsWith('state.db')) await rm(path.join(world.state, name));
  expect((await rebuild()).json).toMatchObject({ aside: null });
  expect((await world.run()).result).toMatchObject({ outcome: 'unchanged', derivatives: { made: 0 } });
});
