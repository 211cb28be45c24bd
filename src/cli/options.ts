import path from 'node:path';
import { type Command, Option } from 'commander';
import { Fault } from '../domain/faults.js';
import { compileGlobs } from '../domain/match.js';
import type { Job } from '../domain/types.js';
import { shellWord } from '../engine/report.js';
import { parseDuration } from '../job/units.js';

/** Options that every command of a job understands. */
export interface JobOptions {
  readonly project?: string;
  readonly state?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
}

export function withJobOptions(command: Command): Command {
  return command
    .option('--project <dir>', 'folder that holds jobs/ (default: the current one)')
    .option('--state <dir>', 'folder for local state (default: .nightpress in the project)')
    .option('--json', 'machine-readable output on stdout')
    .option('-q, --quiet', 'say nothing when all is well')
    .option('-v, --verbose', 'say more');
}

/** Who hears of runs besides the person who started them. */
export function withTellOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--ping-url <url>',
        'dead-man switch: POST <url>/start, and <url>/<exit code> at the end; not for dry runs',
      ).env('NIGHTPRESS_PING_URL'),
    )
    .option('--metrics-file <file>', "write metrics for Prometheus' textfile collector, atomically");
}

/** Verbs after which edges may serve another snapshot. */
export interface WaitOptions {
  /** True: the option alone. */
  readonly wait?: string | true;
  /** Every job in turn: those without edges have nobody to wait for. */
  readonly all?: boolean;
}

/** CloudFront says that most invalidations are through within minutes; other edges take seconds. */
const usualWait = '5m';

export function withWaitOption(command: Command): Command {
  return command.option(
    '--wait [duration]',
    `look until every edge serves what is live, for ${usualWait} unless told: --wait=90s; exit 7 when one does not`,
  );
}

/** Milliseconds; undefined: edges are told and not waited for. */
export function waitOption({ wait, all }: WaitOptions, job: Pick<Job, 'name' | 'edges'>): number | undefined {
  if (wait === undefined) return undefined;
  if (!all && !job.edges?.length)
    throw new Fault('usage', `--wait: '${job.name}' names no edges, expected some in its job file`);
  const text = wait === true ? usualWait : wait;
  const ms = parseDuration(text);
  if (ms !== undefined && ms > 0) return ms;
  throw new Fault(
    'usage',
    `--wait ${text}: expected a duration such as --wait=90s, or the option after the job's name`,
  );
}

export function durationOption(name: string, text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new Fault('usage', `${name} ${text}: expected a duration such as '30s', '5m' or '2h'`);
  return ms;
}

export function countOption(name: string, text: string): number {
  const n = Number(text);
  if (!Number.isInteger(n) || n < 1) throw new Fault('usage', `${name} ${text}: expected a whole number, at least 1`);
  return n;
}

export function choiceOption<T extends string>(name: string, text: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === text);
  if (!found) throw new Fault('usage', `${name} ${text}: expected one of ${choices.join(', ')}`);
  return found;
}

/** Who named the project must name it in the next command too. */
export function fromElsewhere({ project }: JobOptions, commands: readonly string[]): readonly string[] {
  if (project === undefined) return commands;
  const flag = ` --project ${shellWord(path.resolve(project))}`;
  return commands.map((command) => (command.startsWith('nightpress ') ? `${command}${flag}` : command));
}

/** For an option that may be given several times. */
export function repeated(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

export function globsOption(name: string, globs: readonly string[]): (key: string) => boolean {
  try {
    return compileGlobs(globs);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new Fault('usage', `${name} ${globs.join(' ')}: ${error.message}, expected globs such as 'photos/**/*.jpg'`);
  }
}
