import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { derivativesOf, flawsOf, liveSnapshot, readHead } from '../support/published.js';
import { until } from '../support/until.js';
import { aWorld, fill, pictureOf, type Running, type World } from '../support/world.js';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

let world: World;
const running: Running[] = [];

beforeAll(async () => {
  world = await aWorld();
  await fill(world, { pictures: 3, texts: 3 });
});
afterEach(() => {
  for (const run of running.splice(0)) run.signal('SIGKILL');
});
afterAll(() => world.end());

function start(args: readonly string[], options: Parameters<World['start']>[1] = {}): Running {
  const run = world.start(args, options);
  running.push(run);
  return run;
}

/** A publisher that stops itself at a named point; resolves when it has. */
async function stoppedAt(point: string, options: Parameters<World['start']>[1] = {}): Promise<Running> {
  const run = start(['--now'], { ...options, env: { NIGHTPRESS_STOP: point } });
  await run.stoppedAt(point.split(':')[0] ?? point);
  return run;
}

async function textAt(publicPath: string): Promise<string | undefined> {
  const snapshot = await liveSnapshot(world.origin);
  if (!snapshot) return undefined;
  return (await derivativesOf(world.origin, snapshot)).get(publicPath)?.sha256;
}

describe('two runs of one job', () => {
  test('the second one ends with 11 and names who holds the job', async () => {
    const first = await stoppedAt('planned');
    const second = await world.run(['--now']);
    expect(second.code).toBe(11);
    expect(second.result).toMatchObject({ outcome: 'failed', exit: 11, fault: { code: 'run-locked' } });
    expect(second.result?.fault?.message).toContain(`pid ${first.pid} `);
    const skipped = await world.run(['--now', '--if-locked', 'skip']);
    expect(skipped.code).toBe(0);
    expect(skipped.stderr).toContain(`pid ${first.pid} `);
    const waiting = start(['--now', '--if-locked', 'wait']);
    first.signal('SIGCONT');
    expect((await first.ended).result).toMatchObject({ outcome: 'published' });
    expect((await waiting.ended).result).toMatchObject({ outcome: 'unchanged', exit: 0 });
  });

  test('a lock ends with its holder, however it ends', async () => {
    const first = await stoppedAt('planned');
    first.signal('SIGKILL');
    await first.ended;
    expect((await world.run()).code).toBe(0);
  });
});

/** Two hosts: two state folders, one source, one origin. Whoever loses the swap puts its changes on top of the other's. */
describe('two publishers at one origin', () => {
  const other = () => path.join(world.folder, 'other-state');

  test('the second host adopts what the first published and makes nothing', async () => {
    await world.run(['--now']);
    const adopting = await world.run(['--now'], { state: other() });
    expect(adopting.result).toMatchObject({ outcome: 'unchanged', derivatives: { made: 0 } });
    expect(adopting.lines).toContainEqual(expect.objectContaining({ type: 'adopted' }));
  });

  test('the loser of the swap rebases, and both changes are live', async () => {
    await world.write('texts/y.txt', 'seen by both');
    const early = await stoppedAt('planned', { state: other() });
    await world.write('pictures/x.jpg', await pictureOf('seen by one'));
    const late = await stoppedAt('head-ready');
    const before = (await readHead(world.origin))?.seq ?? 0;
    early.signal('SIGCONT');
    expect((await early.ended).result).toMatchObject({ outcome: 'published' });
    late.signal('SIGCONT');
    const loser = await late.ended;
    expect(loser.result).toMatchObject({ outcome: 'published', exit: 0 });
    expect(loser.lines).toContainEqual(expect.objectContaining({ type: 'rebased', attempt: 2 }));
    expect((await readHead(world.origin))?.seq).toBe(before + 2);
    expect(await textAt('texts/y.txt')).toBeDefined();
    expect(await textAt('pictures/x.jpg/16w.jpg')).toBeDefined();
    expect(await flawsOf(world.origin)).toEqual([]);
  });

  test('the loser with nothing new to say ends unchanged', async () => {
    await world.write('texts/z.txt', 'the same for both');
    const slow = await stoppedAt('head-ready');
    const quick = await world.run(['--now'], { state: other() });
    expect(quick.result).toMatchObject({ outcome: 'published' });
    slow.signal('SIGCONT');
    const loser = await slow.ended;
    expect(loser.lines).toContainEqual(expect.objectContaining({ type: 'rebased' }));
    expect(loser.result).toMatchObject({ outcome: 'unchanged', exit: 0, snapshot: quick.result?.snapshot });
    expect(await flawsOf(world.origin)).toEqual([]);
  });

  test('where both changed an asset, the newer look at the source stays', async () => {
    await world.write('texts/t0.txt', 'older');
    const slow = await stoppedAt('head-ready');
    await world.write('texts/t0.txt', 'newer');
    const quick = await world.run(['--now'], { state: other() });
    const newer = await textAt('texts/t0.txt');
    slow.signal('SIGCONT');
    await slow.ended;
    expect(await textAt('texts/t0.txt')).toBe(newer);
    expect(await liveSnapshot(world.origin)).toBe(quick.result?.snapshot);
    const next = await world.run(['--now']);
    expect(next.result).toMatchObject({ outcome: 'unchanged', snapshot: quick.result?.snapshot });
  });

  test('a swap that a killed loser left open is settled by its next run', async () => {
    await world.write('texts/t1.txt', 'of the killed one');
    const slow = await stoppedAt('head-ready');
    await world.write('texts/t2.txt', 'of the other one');
    await world.run(['--now'], { state: other() });
    slow.signal('SIGKILL');
    await slow.ended;
    expect((await world.run()).code).toBe(0);
    await until(
      async () => (await world.run(['--now'])).result?.outcome === 'unchanged' || undefined,
      'all is settled',
    );
    expect(await flawsOf(world.origin)).toEqual([]);
    const twin = await world.run(['--now'], { state: path.join(world.folder, 'third-state') });
    expect(twin.result).toMatchObject({ outcome: 'unchanged', derivatives: { made: 0 } });
  });
});
