import { Fault } from '../domain/faults.js';
import { expectedSince, type Health, judgeHealth } from '../domain/health.js';
import type { Job } from '../domain/types.js';
import type { Standing } from '../engine/inspect.js';
import type { Project } from '../job/load.js';
import { readLook } from '../state/look.js';
import { findJob, jobFolder } from './compose.js';
import type { CommandContext } from './context.js';
import { durationOption, fromElsewhere, type JobOptions } from './options.js';
import { type Checked, checkRecord, renderCheck } from './render/check.js';
import { isPublishedByHand } from './render/fate.js';
import { nextCommands } from './render/status.js';
import type { Terminal } from './terminal.js';

/** Exit code of everything that looks for problems and found one. */
const problemFound = 13;

export interface CheckOptions extends JobOptions {
  readonly check?: boolean;
  readonly maxAge?: string;
  readonly watch?: boolean;
  readonly run?: string;
}

export interface CheckCall {
  readonly context: CommandContext;
  readonly project: Project;
  readonly terminal: Terminal;
  readonly options: CheckOptions;
  readonly look: (job: Job) => Promise<Standing>;
}

/** Throws `usage` for options that mean nothing together. */
export function refuseMixedCheck({ check, maxAge, watch, run }: CheckOptions): void {
  if (!check && maxAge !== undefined) throw new Fault('usage', '--max-age: expected together with --check');
  if (check && (watch || run !== undefined))
    throw new Fault('usage', `--check and --${watch ? 'watch' : 'run'}: expected one of them`);
}

/** Whether a job's nights go well: one line, exit code 0 or 13. */
export async function checkStatus(call: CheckCall, name: string | undefined): Promise<number> {
  const { context, terminal, options } = call;
  const checked = await examined(call, name);
  const exit = checked.health.ok ? 0 : problemFound;
  if (options.json) terminal.out(JSON.stringify(checkRecord(checked, exit)));
  else if (!(terminal.quiet && exit === 0)) renderCheck(terminal, checked, context.clock());
  return exit;
}

/** What cannot be looked at is a problem like another: with `--all` the other jobs are told too. */
async function examined(call: CheckCall, name: string | undefined): Promise<Checked> {
  try {
    return await examine(call, await findJob(call.project, name));
  } catch (error) {
    if (!(error instanceof Fault) || error.code === 'usage') throw error;
    const job = name ?? '';
    const because = [error.message, ...error.problems].join('; ');
    const next = error.waysOut.map((way) => way.replaceAll('{job}', job).trim());
    return { job, health: { ok: false, verdict: 'unreadable', because }, next: fromElsewhere(call.options, next) };
  }
}

async function examine({ context, project, options, look }: CheckCall, job: Job): Promise<Checked> {
  const now = context.clock();
  const since =
    options.maxAge === undefined ? expectedSince(job.window, now) : now - durationOption('--max-age', options.maxAge);
  const standing = await look(job);
  const { running, holder, run, head, originFault } = standing;
  const health = judgeHealth({
    now,
    since,
    live: running ? { startedAt: holder?.startedAt } : undefined,
    look: readLook(jobFolder(project, job.name)),
    run: run && { ...run, settledByHand: isPublishedByHand(run, head) },
    originTrouble: originFault?.message,
    damage: standing.damage?.first,
    untold: standing.untold,
  });
  return { job: job.name, health, since, next: fromElsewhere(options, nextFor(health, standing)) };
}

function nextFor({ ok, verdict, because }: Health, standing: Standing): readonly string[] {
  const { job } = standing;
  if (ok) return [];
  if (verdict === 'silent') return [`nightpress run ${job}`];
  if (verdict === 'untold') return [`nightpress run ${job} --wait`];
  if (verdict === 'stuck') return [`nightpress stop ${job}`];
  const isBeforeItsRun = verdict === 'failing' && because !== undefined;
  return isBeforeItsRun ? [`nightpress doctor ${job}`] : nextCommands(standing);
}
