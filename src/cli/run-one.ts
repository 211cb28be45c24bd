import { appendFileSync, mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { parseDeadline } from '../domain/deadline.js';
import { errno, Fault } from '../domain/faults.js';
import { noRun, type Result } from '../domain/result.js';
import type { Job, RunId } from '../domain/types.js';
import type { Edge } from '../edges/contract.js';
import type { NightEvent } from '../engine/events.js';
import type { Night } from '../engine/night.js';
import { elapsedMs, liveOf } from '../engine/report.js';
import { runNight } from '../engine/run.js';
import { defaultWorkers } from '../executors/processes/capacity.js';
import { tableOfThisMachine } from '../executors/processes/this-machine.js';
import type { Project } from '../job/load.js';
import { parseDuration } from '../job/units.js';
import type { State } from '../state/contract.js';
import { holdJobLock, type JobLock } from '../state/lock.js';
import { writeLook } from '../state/look.js';
import { openState } from '../state/open.js';
import { findJob, jobFolder, type NightParts, openEdges, openNight, openOrigin } from './compose.js';
import type { CommandContext } from './context.js';
import { annotate, appendSummary, fenced } from './github.js';
import { listen } from './listen.js';
import { choiceOption, countOption, durationOption, toldFromElsewhere, waitOption } from './options.js';
import { faultLines } from './render/fault.js';
import { resultMarkdown } from './render/markdown.js';
import { renderResult } from './render/result.js';
import type { RunOptions } from './run-jobs.js';
import { stopOnSignals } from './stop.js';
import { JobHooks } from './tell/hooks.js';
import type { Outside } from './tell/outside.js';
import type { Terminal } from './terminal.js';

export interface RunCall {
  readonly context: CommandContext;
  readonly project: Project;
  readonly terminal: Terminal;
  readonly options: RunOptions;
  /** Hears how each job went; nobody does of a dry run. */
  readonly outside?: Outside;
}

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

/**
 * Works on one job; a fault from before there was a run is told as every other end is: in text, or as a result record.
 * `also` is given that record when it was shown.
 */
export async function toldInOneRecord(
  call: RunCall,
  name: string | undefined,
  work: (job: Job) => Promise<number>,
  also?: (early: Result) => Promise<void>,
): Promise<number> {
  const startedAt = call.context.clock();
  let job: Job | undefined;
  try {
    job = await findJob(call.project, name);
    return await work(job);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const live = job && (await liveNow(job));
    const early = { fault: error, job: job?.name ?? name, live, startedAt };
    showFault(call, early);
    await also?.(earlyResult(call, early));
    return error.exit;
  }
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
    const result = toldFromElsewhere(options, onItsChannel(job, ended));
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

/** A night that readers of the site do not see says so, and how they would. */
function onItsChannel({ name, channel }: Job, result: Result): Result {
  if (channel === undefined) return result;
  const isShown = ['published', 'incomplete', 'unchanged'].includes(result.outcome);
  const next = isShown ? [`nightpress promote ${name} ${channel} live`, ...result.next] : result.next;
  return { ...result, channel, next };
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

/** What the origin shows, whatever is wrong here. */
async function liveNow(job: Job): Promise<Result['live'] | 'unreadable'> {
  try {
    return liveOf((await (await openOrigin(job)).readHead())?.head);
  } catch {
    return 'unreadable'; // the fault being told is the news; a head that cannot be read was not moved by us either
  }
}

interface EarlyFault {
  readonly fault: Fault;
  readonly job: string | undefined;
  readonly live: Result['live'] | 'unreadable' | undefined;
  readonly startedAt: number;
}

function showFault(call: RunCall, early: EarlyFault): void {
  if (call.options.json) call.terminal.out(JSON.stringify(earlyResult(call, early)));
  else for (const line of faultLines(early.fault, early)) call.terminal.note(line);
}

/** A fault from before there was a run still ends in one result record. */
function earlyResult(call: RunCall, { fault, job, live, startedAt }: EarlyFault): Result {
  return {
    type: 'result',
    ...noRun,
    job: job ?? '',
    window: null,
    outcome: 'failed',
    exit: fault.exit,
    live: live === undefined || live === 'unreadable' ? null : live,
    fault: { code: fault.code, message: [fault.message, ...fault.problems].join('; ') },
    next: [fault.hint.replaceAll('{job}', job ?? '').trim()],
    durationMs: elapsedMs(call.context, startedAt),
  };
}
