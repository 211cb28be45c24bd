import { existsSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { Result } from '../../src/domain/result.js';
import { checkpointed } from '../support/checkpoints.js';
import { type Pace, paceOf, someTimeIn } from '../support/moments.js';
import { descendantsOf } from '../support/processes.js';
import { flawsOf, liveSnapshot } from '../support/published.js';
import { changeAtRandom, type Random, randomFrom } from '../support/random-sources.js';
import { startReaders } from '../support/readers.js';
import { until } from '../support/until.js';
import { aWorld, type Ended, executions, fill, hasBegun, type Running, type World } from '../support/world.js';
import { type Kill, type Report, reportText } from './torture-report.js';

/**
 * Kills at random moments, in a loop, over sources that change every night, while readers watch the origin.
 *
 * A night: a few files change; `run --now` is killed, and so are up to four `run`s after it; then `run` alone must end
 * the night as an undisturbed twin over the same sources does. The seed decides what changes, who is hit and how far
 * into a night; what the run is doing then depends on the machine, so the report tells. A run that ends before its blow
 * counts as no kill.
 */
interface Torture {
  readonly world: World;
  readonly twin: World;
  readonly random: Random;
  pace: Pace;
  readonly kills: Kill[];
  readonly violations: string[];
  readonly executions: Record<string, number>;
}

interface Night {
  readonly round: number;
  readonly since: number;
  /** Items that a checkpoint holds, and how often each had been handed out by then. */
  readonly safe: Map<string, number>;
  object(what: string): void;
}

export async function torture(argv: readonly string[]): Promise<number> {
  const options = readOptions(argv);
  if (!options) return 2;
  process.stderr.write(`torture: ${options.kills} kills, seed ${options.seed}\n`);
  const world = await aWorld();
  const twin = await aWorld({ source: world.source });
  try {
    const report = await watched(world, twin, options);
    process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : reportText(report));
    return report.violations.length === 0 ? 0 : 1;
  } finally {
    await world.end();
    await twin.end();
  }
}

interface Options {
  readonly kills: number;
  readonly seed: number;
  readonly readers: number;
  readonly json: boolean;
}

function readOptions(argv: readonly string[]): Options | undefined {
  const text = { type: 'string' } as const;
  try {
    const options = { kills: text, seed: text, readers: text, json: { type: 'boolean' } } as const;
    const { values } = parseArgs({ args: [...argv], options });
    const [kills, readers] = [Number(values.kills ?? 20), Number(values.readers ?? 2)];
    const seed = Number(values.seed ?? Date.now() % 1_000_000);
    if (![kills, readers, seed].every(Number.isSafeInteger)) throw new Error('expected whole numbers');
    return { kills, readers, seed, json: values.json ?? false };
  } catch (error) {
    const usage = 'usage: npm run torture -- [--kills N] [--seed N] [--readers N] [--json]';
    process.stderr.write(`torture: ${(error as Error).message}\n${usage}\n`);
    return undefined;
  }
}

async function watched(world: World, twin: World, { kills, seed, readers: count }: Options): Promise<Report> {
  const startedAt = performance.now();
  const random = randomFrom(seed);
  await fill(world, { pictures: 10, texts: 8 });
  await world.run();
  const pace = await undisturbed(twin, []);
  const state: Torture = { world, twin, random, pace, kills: [], violations: [], executions: {} };
  const readers = startReaders(world.origin, count);
  let rounds = 0;
  try {
    while (state.kills.length < kills && state.violations.length === 0) await oneNight(state, ++rounds, kills);
    await lastNight(state);
  } catch (error) {
    state.violations.push(`night ${rounds}: ${(error as Error).message}`);
  }
  const observed = await readers.stop();
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  const violations = [...state.violations, ...readers.violations];
  return { seed, rounds, seconds, kills: state.kills, executions: state.executions, observed, violations };
}

async function undisturbed(twin: World, args: readonly string[]): Promise<Pace & Pick<Result, 'snapshot'>> {
  const startedAt = performance.now();
  const ended = await twin.run(args, { workers: 1 });
  return { ...paceOf(ended, performance.now() - startedAt), snapshot: ended.result?.snapshot ?? null };
}

async function oneNight(state: Torture, round: number, wanted: number): Promise<void> {
  const { world, random, violations } = state;
  await changeAtRandom(world, random, `night ${round}`);
  const object = (what: string) => void violations.push(`night ${round}: ${what}`);
  const night: Night = { round, since: Date.now(), safe: new Map(), object };
  const kills = Math.min(2 + random.below(4), wanted - state.kills.length);
  let begun = false;
  let over = false;
  for (let kill = 0; kill < kills && !over; kill++) {
    const ended = await killedRun(state, night, begun ? [] : ['--now']);
    begun ||= hasBegun(ended);
    over = ended.signal === null;
    await judge(state, night);
  }
  await finish(state, night, begun ? [] : ['--now']);
  await judge(state, night);
  for (const times of (await executions(world, night.since)).values()) {
    state.executions[times] = (state.executions[times] ?? 0) + 1;
  }
}

/** Ended without a signal: it came first, or lost a worker and ended all the same. */
async function killedRun(state: Torture, night: Night, args: readonly string[]): Promise<Ended> {
  const { world, random, pace } = state;
  const wantsWorker = random.below(6) === 0;
  const run = world.start(args);
  const afterMs = await someTimeIn(run, random, pace);
  const isRunning = run.lines.at(-1)?.type !== 'result';
  const victim = wantsWorker && strikeWorker(run) ? 'worker' : 'coordinator';
  if (victim === 'coordinator') run.signal('SIGKILL');
  const moment = run.lines.at(-1)?.type ?? 'its start';
  const ended = await run.ended;
  const outcome = ended.signal ?? `exit ${ended.code}, ${ended.result?.outcome}`;
  if (isRunning) state.kills.push({ round: night.round, victim, afterMs, moment, outcome });
  if (!ended.signal && ended.code !== 0) night.object(`a run ended with ${outcome}: ${ended.stderr}`);
  const isAlone = () => world.left().length === 0 || undefined;
  await until(isAlone, 'no process of the dead run is left', 3000).catch(() =>
    night.object(`processes of a dead run are left after 3 s: ${JSON.stringify(world.left())}`),
  );
  return ended;
}

/** False: there is none at the moment. */
function strikeWorker(run: Running): boolean {
  const worker = descendantsOf(run.pid).find(({ command }) => command.includes('bundle/worker.js'));
  try {
    return worker !== undefined && process.kill(worker.pid, 'SIGKILL');
  } catch {
    return false; // it ended between the look and the blow
  }
}

/** What a checkpoint held was not handed out again, and what is published is whole. */
async function judge({ world }: Torture, { since, safe, object }: Night): Promise<void> {
  const counts = await executions(world, since);
  for (const [item, before] of safe) {
    const now = counts.get(item) ?? 0;
    if (now > before) object(`item ${item} was executed ${now - before}× after its checkpoint`);
  }
  for (const item of await checkpointed(world, since)) safe.set(item, counts.get(item) ?? 0);
  for (const flaw of await flawsOf(world.origin)) object(flaw);
}

async function finish(state: Torture, { object }: Night, args: readonly string[]): Promise<void> {
  const { world, twin } = state;
  const ended = await world.run(args);
  if (ended.code !== 0) object(`the finishing run ended with ${ended.code}: ${ended.stderr}`);
  const { snapshot, ...pace } = await undisturbed(twin, ['--now']);
  state.pace = pace;
  const live = await liveSnapshot(world.origin);
  if (live !== snapshot) object(`live is ${live}, an undisturbed run made ${snapshot}`);
  for (const name of ['staging', 'outbox']) {
    if (existsSync(path.join(world.state, name))) object(`${name} was left`);
  }
}

async function lastNight({ world, violations }: Torture): Promise<void> {
  const { result } = await world.run(['--now']);
  if (result?.outcome === 'unchanged' && result.derivatives.made === 0) return;
  violations.push(`a last night without changes made ${result?.derivatives.made} and ended ${result?.outcome}`);
}
