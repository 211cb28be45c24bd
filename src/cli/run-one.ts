import { appendFileSync, mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { parseDeadline } from '../domain/deadline.js';
import { Fault } from '../domain/faults.js';
import { noRun, type Result } from '../domain/result.js';
import type { Job } from '../domain/types.js';
import type { Night } from '../engine/night.js';
import { elapsedMs, liveOf } from '../engine/report.js';
import { runNight } from '../engine/run.js';
import { defaultWorkers } from '../executors/processes/capacity.js';
import type { Project } from '../job/load.js';
import { parseDuration } from '../job/units.js';
import { holdJobLock, type JobLock } from '../state/lock.js';
import { openState } from '../state/open.js';
import { findJob, jobFolder, openNight, openOrigin } from './compose.js';
import type { CommandContext } from './context.js';
import { annotate, appendSummary, fenced } from './github.js';
import { listen } from './listen.js';
import { choiceOption, countOption, durationOption, fromElsewhere } from './options.js';
import { faultLines } from './render/fault.js';
import { resultMarkdown } from './render/markdown.js';
import { renderResult } from './render/result.js';
import type { RunOptions } from './run-jobs.js';
import { stopOnSignals } from './stop.js';
import type { Terminal } from './terminal.js';

export interface RunCall {
  readonly context: CommandContext;
  readonly project: Project;
  readonly terminal: Terminal;
  readonly options: RunOptions;
}

/** What a verb does with an opened night: `run` by default, `retry` its own. */
export type NightVerb = (night: Night) => Promise<Result>;

/** One job under its lock: runs it, shows the result, returns the exit code. */
export async function runOne(call: RunCall, name: string | undefined, verb?: NightVerb): Promise<number> {
  return await toldInOneRecord(call, name, async (job) => {
    const result = await runLocked(
      call,
      job,
      verb ?? ((night) => runNight(night, { ...call.options, deadline: deadlineFrom(call.options, night) })),
    );
    return result ? show(call, job, result) : 0;
  });
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

/** Works on one job; a fault from before there was a run is told as every other end is: in text, or as a result record. */
export async function toldInOneRecord(
  call: RunCall,
  name: string | undefined,
  work: (job: Job) => Promise<number>,
): Promise<number> {
  const startedAt = call.context.clock();
  let job: Job | undefined;
  try {
    job = await findJob(call.project, name);
    return await work(job);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const live = job && (await liveNow(job));
    return showFault(call, { fault: error, job: job?.name ?? name, live, startedAt });
  }
}

/** Undefined: another run holds the job and `--if-locked skip` was given. */
async function runLocked(call: RunCall, job: Job, verb: NightVerb): Promise<Result | undefined> {
  const folder = jobFolder(call.project, job.name);
  const ifLocked = choiceOption('--if-locked', call.options.ifLocked, ['fail', 'skip', 'wait']);
  const lock = await takeLock(call, folder, ifLocked);
  if (!lock) return undefined;
  try {
    return await runWithState(call, { job, folder, lock, verb });
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
  const holder = { pid: process.pid, host: hostname(), startedAt };
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

interface Locked {
  readonly job: Job;
  readonly folder: string;
  readonly lock: JobLock;
  readonly verb: NightVerb;
}

async function runWithState(call: RunCall, { job, folder, lock, verb }: Locked): Promise<Result> {
  const { context, options, terminal } = call;
  const workers = options.workers === undefined ? defaultWorkers() : countOption('--workers', options.workers);
  const graceMs = durationOption('--grace', options.grace);
  const state = openState(folder);
  const { emit, close } = listen({
    context,
    terminal,
    options,
    folder,
    workers,
    onRun: (run) => lock.update(run),
    also: (event) => {
      if (event.type === 'waiting') lock.update(event.run, event.until);
    },
  });
  const stop = stopOnSignals(graceMs, (signal) => emit({ type: 'stopping', signal, graceMs }));
  try {
    return await verb(await openNight({ job, folder, state, workers, clock: context.clock, emit, stop }));
  } finally {
    stop.release();
    close();
    state.close();
  }
}

function whereToLook(job: Job): string | undefined {
  const folder = job.origin.path;
  return typeof folder === 'string'
    ? path.join(path.relative(process.cwd(), folder) || '.', 'live/')
    : job.origin.baseUrl;
}

function show(call: RunCall, job: Job, ended: Result): number {
  const { context, terminal, options } = call;
  const result = { ...ended, next: fromElsewhere(options, ended.next) };
  const { findings } = result;
  if (options.json) terminal.out(JSON.stringify(result));
  else if (!(terminal.quiet && result.exit === 0)) {
    fenced(terminal, context.env, () => renderResult(terminal, result, whereToLook(job)));
    annotate(terminal, context.env, { job, findings });
  }
  appendSummary(terminal, context.env, resultMarkdown(result));
  return result.exit;
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

/** A fault from before there was a run still ends in one result record. */
function showFault(call: RunCall, { fault, job, live, startedAt }: EarlyFault): number {
  if (!call.options.json) {
    for (const line of faultLines(fault, { job, live })) call.terminal.note(line);
    return fault.exit;
  }
  const result: Result = {
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
  call.terminal.out(JSON.stringify(result));
  return fault.exit;
}
