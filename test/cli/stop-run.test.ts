import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { tableOfThisMachine } from '../../src/executors/processes/this-machine.js';
import type { LockHolder } from '../../src/state/contract.js';
import { holdJobLock } from '../../src/state/lock.js';
import { checkpointed } from '../support/checkpoints.js';
import { lavfi, make } from '../support/clips.js';
import { encoding } from '../support/encoding.js';
import { flawsOf, liveSnapshot } from '../support/published.js';
import { until } from '../support/until.js';
import { aWorld, type Ended, executions, type Line, type Running, type World } from '../support/world.js';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

/** One clip that takes a while, so that there is something in flight, and a few quick items beside it. */
let world: World;
const running: Running[] = [];
const strangers: ChildProcess[] = [];
let nights = 0;

beforeAll(async () => {
  world = await aWorld({
    recipes: `{
    clips: video({ match: '**/*.mp4', heights: [240], poster: false }),
    rest: copy({ match: '**/*.txt' }),
  }`,
  });
  await mkdir(world.state, { recursive: true });
});
afterEach(() => {
  for (const run of running.splice(0)) run.signal('SIGKILL');
  for (const stranger of strangers.splice(0)) stranger.kill('SIGKILL');
});
afterAll(() => world.end());

async function newNight(args: readonly string[] = [], env = {}): Promise<Running> {
  const night = ++nights;
  const picture = `testsrc2=size=426x240:rate=25:duration=12,hue=h=${night * 40}`;
  await make(path.join(world.source, 'clip.mp4'), ...lavfi(picture), '-preset', 'ultrafast', '-pix_fmt', 'yuv420p');
  for (let n = 0; n < 3; n++) await world.write(`t${n}.txt`, `night ${night}, text ${n}`);
  const run = world.start(['--now', ...args], { env });
  running.push(run);
  return run;
}

/** The clip is in flight and every text has its checkpoint. */
async function inTheMiddle(run: Running): Promise<ReadonlySet<string>> {
  await encoding(run);
  return await until(async () => {
    const safe = await checkpointed(world);
    return safe.size >= 3 ? safe : undefined;
  }, 'three texts are checkpointed');
}

function stop(...args: readonly string[]): Promise<Ended> {
  return world.run(args, { verb: 'stop' });
}

function told({ lines }: Ended): Line | undefined {
  return lines.find(({ type }) => type === 'stop');
}

/** The next run goes on from there and hands out nothing that was finished. */
async function resumes(interrupted: Ended, safe: ReadonlySet<string>): Promise<void> {
  const since = Date.now();
  const next = await world.run();
  expect(next.result).toMatchObject({ outcome: 'published', run: interrupted.result?.run });
  expect([...(await executions(world, since)).keys()].filter((item) => safe.has(item))).toEqual([]);
  expect(await flawsOf(world.origin)).toEqual([]);
}

test('without a live run it says so, and that is no failure', async () => {
  const ended = await stop();
  expect([ended.code, told(ended)]).toMatchObject([0, { state: 'none', next: [] }]);
  expect((await world.run([], { verb: 'stop', plain: true })).stdout).toBe('night  no run is live\n');
});

test('a stop in the middle returns when the run has ended, loses nothing finished, and the next run resumes', async () => {
  const run = await newNight();
  await inTheMiddle(run);
  const stopped = await stop();
  expect(world.left().length).toBeLessThanOrEqual(1); // the run itself may still be writing its last line
  const ended = await run.ended;
  expect([stopped.code, ended.code]).toEqual([0, 143]);
  expect(told(stopped)).toMatchObject({ state: 'ended', run: ended.result?.run, outcome: 'interrupted' });
  expect(told(stopped)?.next).toEqual(['nightpress run night']);
  const safe = await checkpointed(world);
  expect(safe.size).toBe(4); // the clip too: it was in flight and had its grace
  await resumes(ended, safe);
});

test('two stops at once are one: what is in flight keeps its grace', async () => {
  const run = await newNight(['--grace', '10m']);
  await inTheMiddle(run);
  const { ffmpeg } = await encoding(run);
  process.kill(ffmpeg.pid, 'SIGSTOP'); // in flight until every stop has asked
  const stops = await Promise.all([stop('--no-wait'), stop('--no-wait')]);
  stops.push(await stop('--no-wait'));
  expect(stops.map((ended) => [ended.code, told(ended)?.state])).toEqual(Array(3).fill([0, 'asked']));
  process.kill(ffmpeg.pid, 'SIGCONT');
  expect(told(await stop())?.outcome ?? 'interrupted').toBe('interrupted'); // it may have ended before it was asked
  const ended = await run.ended;
  expect(ended.lines.filter(({ type }) => type === 'stopping')).toHaveLength(1);
  expect(ended.result).toMatchObject({ outcome: 'interrupted', items: { done: 4 } });
  await resumes(ended, await checkpointed(world));
});

test('--now ends what is in flight, also when a stop without it came first', async () => {
  const live = await liveSnapshot(world.origin);
  const run = await newNight(['--grace', '10m']);
  const safe = await inTheMiddle(run);
  const { ffmpeg } = await encoding(run);
  process.kill(ffmpeg.pid, 'SIGSTOP'); // it would never end by itself
  const patient = stop('--timeout', '1s');
  const late = await patient;
  expect([late.code, told(late)]).toMatchObject([11, { state: 'late', next: ['nightpress stop night --now'] }]);
  const stopped = await stop('--now');
  const ended = await run.ended;
  expect([stopped.code, ended.code]).toEqual([0, 143]);
  expect(ended.lines.filter(({ type }) => type === 'stopping')).toHaveLength(2);
  expect(await liveSnapshot(world.origin)).toBe(live);
  await resumes(ended, safe);
});

test('a run that ends by itself meanwhile is told as what it ended as', async () => {
  const run = await newNight([], { NIGHTPRESS_STOP: 'head-ready' });
  await run.said('head-ready');
  const stopping = stop();
  await until(async () => (await isPending(run.pid)) || undefined, 'SIGTERM waits for the run to be continued');
  run.signal('SIGCONT');
  const [stopped, ended] = [await stopping, await run.ended];
  expect(ended.result).toMatchObject({ outcome: 'published' });
  expect([stopped.code, told(stopped)]).toMatchObject([0, { state: 'ended', outcome: 'published' }]);
});

test('a machine that is taken away: what outlives the grace is done again, what was finished is not', async () => {
  const run = await newNight(['--grace', '2s']);
  const safe = await inTheMiddle(run);
  const { ffmpeg } = await encoding(run);
  process.kill(ffmpeg.pid, 'SIGSTOP'); // a film that takes longer than the notice
  const asked = performance.now();
  run.signal('SIGTERM');
  const ended = await run.ended;
  expect(performance.now() - asked).toBeLessThan(20_000);
  expect([ended.code, ended.result?.outcome]).toEqual([143, 'interrupted']);
  await until(() => world.left().length === 0 || undefined, 'nothing is left');
  await resumes(ended, safe);
});

test.each([
  ['its number was given to another process', { process: 'another boot 1' }, 11, 'nobody was signalled'],
  ['an earlier nightpress wrote it', { process: undefined }, 11, 'nobody was signalled'],
  ['it is on another host', { host: 'elsewhere' }, 2, "on host 'elsewhere'"],
])('nobody is signalled when the holder cannot be trusted: %s', async (_, told, code, words) => {
  const stranger = await aStranger();
  const { pid = 0 } = stranger;
  const holder = {
    pid,
    host: hostname(),
    startedAt: Date.now(),
    process: tableOfThisMachine().startTime(pid),
    ...told,
  };
  const lock = await holdJobLock(world.state, holder as LockHolder);
  try {
    const ended = await world.run(['--timeout', '5s'], { verb: 'stop', plain: true });
    expect([ended.code, ended.stderr]).toEqual([code, expect.stringContaining(words)]);
    expect(isAlive(stranger)).toBe(true);
  } finally {
    lock.release();
  }
});

test('what a killed run left behind is no live run, whoever bears its number now', async () => {
  const stranger = await aStranger();
  const { pid = 0 } = stranger;
  const left = { pid, host: hostname(), startedAt: Date.now(), process: tableOfThisMachine().startTime(pid) };
  await writeFile(path.join(world.state, 'lock.json'), JSON.stringify(left));
  expect(told(await stop())).toMatchObject({ state: 'none' });
  expect(isAlive(stranger)).toBe(true);
});

test('options that mean nothing together, and jobs that are not there, are refused', async () => {
  expect((await stop('--no-wait', '--timeout', '1m')).code).toBe(2);
  expect((await stop('--all')).code).toBe(2);
});

/** A process that has nothing to do with it. */
async function aStranger(): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['-e', 'process.stdout.write("up"); setTimeout(() => {}, 120000)']);
  strangers.push(child);
  await once(child.stdout, 'data');
  return child;
}

function isAlive({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null;
}

/** Whether a signal waits for a process that does not run. */
async function isPending(pid: number): Promise<boolean> {
  if (process.platform !== 'linux') return true; // the stop waits some seconds for its mark; nothing depends on the order
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const [, mask = '0'] = /^ShdPnd:\s+([0-9a-f]+)$/m.exec(status) ?? [];
  return (BigInt(`0x${mask}`) & (1n << 14n)) !== 0n;
}
