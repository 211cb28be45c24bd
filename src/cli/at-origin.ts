import { Fault } from '../domain/faults.js';
import type { Head } from '../domain/head.js';
import type { Job } from '../domain/types.js';
import { originGone } from '../engine/base.js';
import type { HeadParts } from '../engine/move-head.js';
import { jobNames, type Project } from '../job/load.js';
import type { Origin } from '../origins/contract.js';
import { findJob, openOrigin, openProject } from './compose.js';
import type { CommandContext } from './context.js';
import type { JobOptions } from './options.js';
import { seenLast } from './seen-last.js';
import { openTerminal, type Terminal } from './terminal.js';

/** What a command about snapshots works with: no state, no lock, no run. */
export interface OriginCall extends HeadParts {
  readonly context: CommandContext;
  readonly project: Project;
  readonly job: Job;
  readonly terminal: Terminal;
  /** What was given after the job, in the order of the command's usage. */
  readonly words: readonly string[];
}

export interface Words {
  readonly given: readonly string[];
  /** Names of the words that must come after the job, then of those that may. */
  readonly needed?: readonly string[];
  readonly optional?: readonly string[];
  /** It reads all that is stored. */
  readonly isLong?: boolean;
}

/** Runs a command that needs the origin alone. Every fault that leaves it names the job in its next command. */
export async function atOrigin(
  context: CommandContext,
  options: JobOptions,
  words: Words,
  work: (call: OriginCall) => Promise<number>,
): Promise<void> {
  const project = openProject(options);
  const { name, rest } = splitWords(jobNames(project), words);
  const job = await findJob(project, name);
  const terminal = openTerminal(context.env, options);
  const call = { context, project, job, terminal, words: rest, clock: context.clock };
  context.exit = await namingJob(job.name, async () => work({ ...call, origin: await originFor(job, words) }));
}

/** Work of hours is not given up for ten seconds of silence, unless the store is silent from the start. */
async function originFor(job: Job, { isLong }: Words): Promise<Origin> {
  const origin = await openOrigin(job, 'look');
  if (!isLong) return origin;
  await origin.readHead();
  return await openOrigin(job, 'run');
}

/**
 * One grammar for all of these commands: the first word is the job when the project has one of that name, otherwise the
 * project's only job is meant. Who has a snapshot pinned under the job's own name writes the job, too.
 */
export function splitWords(
  jobs: readonly string[],
  { given, needed = [], optional = [] }: Words,
): { readonly name: string | undefined; readonly rest: readonly string[] } {
  const [first, ...others] = given;
  const named = first !== undefined && jobs.includes(first);
  const [name, rest] = named ? [first, others] : [undefined, given];
  if (name === undefined && jobs.length > 1) {
    throw new Fault('usage', `which job? expected one of ${jobs.join(', ')} as the first word`);
  }
  if (rest.length >= needed.length && rest.length <= needed.length + optional.length) return { name, rest };
  const usage = ['[job]', ...needed, ...optional.map((word) => `[${word}]`)].join(' ');
  const strange = name === undefined && first !== undefined ? `; no job is named '${first}'` : '';
  throw new Fault(
    'usage',
    `expected ${usage}, got ${given.length === 0 ? 'nothing' : `'${given.join(' ')}'`}${strange}`,
  );
}

/** The head, which must be there. */
export async function headOf({ origin, job, project }: OriginCall): Promise<Head> {
  const head = (await origin.readHead())?.head;
  if (head) return head;
  const seen = seenLast(project, job);
  if (seen) throw originGone(job.name, seen.seq);
  throw new Fault('snapshot-unknown', `nothing was ever published for '${job.name}'`, { hint: 'nightpress run {job}' });
}

/** What `work` returns; a fault that leaves it names the job in its next command. */
export async function namingJob<T>(job: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Fault) || !error.hint.includes('{job}')) throw error;
    const { code, message, cause, problems, passes, waysOut } = error;
    const [hint, otherwise] = waysOut.map((way) => way.replaceAll('{job}', job));
    throw new Fault(code, message, { cause, problems, passes, hint, otherwise });
  }
}
