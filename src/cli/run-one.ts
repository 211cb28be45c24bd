import { appendFileSync, mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { parseDeadline } from '../domain/deadline.js';
import { errno, Fault } from '../domain/faults.js';
import type { Result } from '../domain/result.js';
import type { Job, RunId } from '../domain/types.js';
import type { Edge } from '../edges/contract.js';
import type { NightEvent } from '../engine/events.js';
import type { Night } from '../engine/night.js';
import { runNight } from '../engine/run.js';
import { defaultWorkers } from '../executors/processes/capacity.js';
import { tableOfThisMachine } from '../executors/processes/this-machine.js';
import { parseDuration } from '../job/units.js';
import type { State } from '../state/contract.js';
import { holdJobLock, type JobLock } from '../state/lock.js';
import { writeLook } from '../state/look.js';
import { openState } from '../state/open.js';
import { jobFolder, type NightParts, openEdges, openNight } from './compose.js';
import { annotate, appendSummary, fenced } from './github.js';
import { listen } from './listen.js';
import { choiceOption, countOption, durationOption, toldFromElsewhere, waitOption } from './options.js';
import { resultMarkdown } from './render/markdown.js';
import { renderResult } from './render/result.js';
import type { RunCall, RunOptions } from './run-call.js';
import { toldInOneRecord } from './run-early.js';
import { stopOnSignals } from './stop.js';
import { JobHooks } from './tell/hooks.js';

/** What a verb does with an opened night: `run` by default, `retry` its own. */
export type NightVerb = (night: Night) => Promise<Result>;

/** One job under its lock: runs it, shows the result, tells its hooks, returns the exit code. */
export async function runOne(call: RunCall, name: string | undefined, verb?: NightVerb): Promise<number> {
  const { outside } = call;
  let hooks: JobHooks | undefined;
  const work = async (job: Job) => {
    hooks = openHooks(call, job);
    const edges = await openEdges(job, call.context);
    const waitMs = waitOption(call.options, job);
    const run =
      verb ?? ((night) => runNight(night, { ...call.options, waitMs, deadline: deadlineFrom(call.options, night) }));
    const result = await runLocked(call, { job, hooks, edges, verb: run });
    outside?.ended(job.name, result);
    return result?.exit ?? 0;
  };
  return await toldInOneRecord(call, name, work, async (early) => {
    outside?.ended(early.job, early);
    await hooks?.end(early);
  });
}

function openHooks({ context, project, terminal }: RunCall, job: Job): JobHooks {
  const { env, clock } = context;
  const folder = jobFolder(project, job.name);
  const told = job.channel === undefined ? job : { ...job, on: undefined }; // they are for what the site shows
  return new JobHooks({ job: told, project: project.folder, folder, env, clock, warn: terminal.note });
}

function deadlineFrom({ deadline }: RunOptions, { clock, job }: Night): number | 'none' | undefined {
  if (deadline === undefined) return undefined;
  const at = { now: clock(), zone: job.window.timezone, duration: parseDuration };
  const parsed = parseDeadline(deadline, at);
  if (parsed === undefined || (parsed !== 'none' && parsed <= at.now)) {
    const expected = "a time to come, such as '90m', '06:30', '2026-01-31T05:00:00Z', or 'none'";
    throw new Fault('usage', `--deadline ${deadline}: expected ${expected}`);
  }
  return parsed;
}

interface Asked {
  readonly job: Job;
  readonly hooks: JobHooks;
  readonly edges: readonly Edge[];
  readonly verb: NightVerb;
}

/** Undefined: another run holds the job and `--if-locked skip` was given. */
async function runLocked(call: RunCall, asked: Asked): Promise<Result | undefined> {
  const folder = jobFolder(call.project, asked.job.name);
  const ifLocked = choiceOption('--if-locked', call.options.ifLocked, ['fail', 'skip', 'wait']);
  const lock = await takeLock(call, folder, ifLocked);
  if (!lock) return undefined;
  try {
    call.outside?.begun();
    return await runWithState(call, { ...asked, folder, lock });
  } finally {
    lock.release();
  }
}

async function takeLock(
  call: RunCall,
  folder: string,
  ifLocked: 'fail' | 'skip' | 'wait',
): Promise<JobLock | undefined> {
  const startedAt = call.context.clock();
  const { pid } = process;
  const holder = { pid, host: hostname(), startedAt, process: tableOfThisMachine().startTime(pid) };
  try {
    return await holdJobLock(folder, holder, ifLocked === 'wait' ? { waitMs: Number.POSITIVE_INFINITY } : {});
  } catch (error) {
    if (ifLocked !== 'skip' || !(error instanceof Fault) || error.code !== 'run-locked') throw error;
    recordSkip(folder, startedAt, error.message);
    call.terminal.note(`skipped: ${error.message}`);
    return undefined;
  }
}

/** A skipped call leaves a line, so that "nothing ran" can be told from "nothing was called". */
function recordSkip(folder: string, at: number, because: string): void {
  mkdirSync(path.join(folder, 'runs'), { recursive: true });
  appendFileSync(
    path.join(folder, 'runs', 'skipped.jsonl'),
    `${JSON.stringify({ at: new Date(at).toISOString(), because })}\n`,
  );
}

interface Locked extends Asked {
  readonly folder: string;
  readonly lock: JobLock;
}

/** The lock is given back before others are told: who is slow to listen keeps no other run waiting. */
async function runWithState(call: RunCall, locked: Locked): Promise<Result> {
  const { context, options, terminal } = call;
  const { job, hooks, folder, lock } = locked;
  const workers = options.workers === undefined ? defaultWorkers() : countOption('--workers', options.workers);
  const graceMs = durationOption('--grace', options.grace);
  const onRun = (run: RunId) => lock.update(run);
  const also = (event: NightEvent) => {
    if (event.type === 'waiting') lock.update(event.run, event.until);
    hooks.hear(event);
  };
  const { emit, close } = listen({ context, terminal, options, folder, workers, onRun, also });
  let isNight = true;
  const stop = stopOnSignals(graceMs, (signal) => {
    if (isNight) tellStopping(lock, () => emit({ type: 'stopping', signal, graceMs }));
    else hooks.cancel();
  });
  try {
    const night = () => nightWithState(locked, { workers, clock: context.clock, emit, stop });
    const ended = await looked(call, folder, night).finally(() => {
      isNight = false;
      stop.ended();
      close();
    });
    lock.release();
    const result = toldFromElsewhere(options, ended);
    show(call, job, result);
    await hooks.end(result);
    if (stop.signal()) call.outside?.stopped();
    return result;
  } finally {
    stop.release();
  }
}

async function nightWithState(
  { job, folder, edges, verb }: Locked,
  parts: Pick<NightParts, 'workers' | 'clock' | 'emit' | 'stop'>,
): Promise<Result> {
  const state = openState(folder);
  try {
    return await verb(await openNight({ job, folder, state, edges, ...parts }));
  } catch (error) {
    throw unlessDamaged(error, state, folder);
  } finally {
    state.close();
  }
}

/** In this order: who waits for the mark may go on when it is there, and it is there before anything else happens. */
function tellStopping(lock: JobLock, emitStopping: () => void): void {
  try {
    lock.stopping();
  } catch {
    // the mark only keeps a second `stop` from signalling again; the run stops all the same
  }
  emitStopping();
}

/** Leaves a trace of how the call ended, so that "nothing to do" can be told from "nobody looked". */
async function looked(call: RunCall, folder: string, night: () => Promise<Result>): Promise<Result> {
  try {
    const result = await night();
    leaveLook(call, folder, { ...result, because: result.fault?.message ?? result.because });
    return result;
  } catch (error) {
    const isNews = error instanceof Fault && error.code !== 'usage'; // who typed something wrong looked at nothing
    if (isNews) leaveLook(call, folder, { exit: error.exit, run: null, because: error.message });
    throw error;
  }
}

function leaveLook(
  { context, terminal }: RunCall,
  folder: string,
  { exit, run, because }: Pick<Result, 'exit' | 'run'> & { readonly because?: string },
): void {
  try {
    writeLook(folder, { at: context.clock(), exit, run, because: because ?? null });
  } catch (error) {
    terminal.note(`warning: ${folder}: when this call looked cannot be written (${errno(error)})`);
  }
}

/** A row that nobody wrote breaks the rules of the house like a bug of ours does: before it counts as one, the state is looked at. */
function unlessDamaged(error: unknown, state: State, folder: string): unknown {
  if (error instanceof Fault) return error;
  const [problem] = state.integrity();
  if (problem === undefined) return error;
  return new Fault('state-corrupt', `the state in ${folder} is damaged: ${problem}`, { cause: error });
}

function whereToLook(job: Job): string | undefined {
  if (job.channel !== undefined) return undefined;
  const folder = job.origin.path;
  return typeof folder === 'string'
    ? path.join(path.relative(process.cwd(), folder) || '.', 'live/')
    : job.origin.baseUrl;
}

function show(call: RunCall, job: Job, result: Result): void {
  const { context, terminal, options } = call;
  const { findings } = result;
  if (options.json) terminal.out(JSON.stringify(result));
  else if (!(terminal.quiet && result.exit === 0)) {
    fenced(terminal, context.env, () => renderResult(terminal, result, whereToLook(job)));
    annotate(terminal, context.env, { job, findings });
  }
  appendSummary(terminal, context.env, resultMarkdown(result));
}
