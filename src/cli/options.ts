import path from 'node:path';
import { type Command, Option } from 'commander';
import { Fault, faultKinds } from '../domain/faults.js';
import { compileGlobs } from '../domain/match.js';
import type { Result } from '../domain/result.js';
import { shellWord, withOptions } from '../domain/shell.js';
import type { Job } from '../domain/types.js';
import { parseDuration } from '../job/units.js';
import type { CommandContext } from './context.js';

/** Options that every command of a job understands. */
export interface JobOptions {
  readonly project?: string;
  readonly state?: string;
  readonly channel?: string;
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

/** For commands about the nights of one line of snapshots. */
export function withChannelOption(command: Command): Command {
  return command.option('--channel <name>', 'a line of snapshots beside the live one, such as preview');
}

const channelVerbs = [
  'run',
  'plan',
  'status',
  'retry',
  'explain',
  'stop',
  'publish',
  'verify',
  'quarantine',
  'approve',
  'doctor',
];

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
export function waitOption(
  { wait, all }: WaitOptions,
  job: Pick<Job, 'name' | 'edges' | 'channel'>,
): number | undefined {
  if (wait === undefined) return undefined;
  if (job.channel !== undefined)
    throw new Fault('usage', `--wait and --channel ${job.channel}: edges serve what is live, expected one of them`);
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

/** Who named the project, or a folder for its state, must name it in the next command too. */
export function fromElsewhere({ project, state, channel }: Elsewhere, commands: readonly string[]): readonly string[] {
  const isUsual = state !== undefined && path.resolve(state) === path.resolve(project ?? '.', '.nightpress');
  const folders = Object.entries({ project, state: isUsual ? undefined : state }).flatMap(([name, folder]) =>
    folder === undefined ? [] : [`--${name} ${shellWord(path.resolve(folder))}`],
  );
  return commands.map((command) => {
    const [, , verb] = /^(.*?: )??nightpress ([a-z]+)/s.exec(command) ?? []; // some have something to mend before them
    if (verb === undefined) return command;
    const isOnChannel = channel !== undefined && channelVerbs.includes(verb);
    return withOptions(command, isOnChannel ? [...folders, `--channel ${channel}`] : folders);
  });
}

/** A fault's way out stays on the channel that was asked for: without it, it would be about what is live. */
export function hintOnChannel({ channel }: Pick<JobOptions, 'channel'>, hint: string): string {
  return fromElsewhere({ channel }, [hint]).join('');
}

/** The ways out of a fault. Of what was typed wrong without a better one, the help of the very verb. */
export function waysOutOf(
  { channel, command }: Pick<CommandContext, 'channel' | 'command'>,
  fault: Fault,
): readonly string[] {
  const isPlain = fault.code === 'usage' && fault.hint === faultKinds.usage.hint;
  if (isPlain && command !== undefined) return [`nightpress ${command} --help`];
  return fault.waysOut.map((way) => hintOnChannel({ channel }, way));
}

type Elsewhere = Pick<JobOptions, 'project' | 'state' | 'channel'>;

/** A record whose commands can be pasted where this one was typed. */
export function toldFromElsewhere(options: Elsewhere, result: Result): Result {
  const told = <T extends { readonly command?: string }>(one: T): T => {
    const [command] = fromElsewhere(options, one.command === undefined ? [] : [one.command]);
    return { ...one, ...(command === undefined ? {} : { command }) };
  };
  return {
    ...result,
    next: fromElsewhere(options, result.next),
    ...(result.held ? { held: result.held.map(told) } : {}),
    ...(result.causes ? { causes: result.causes.map(told) } : {}),
  };
}

/** Verbs that make live what a gate rule holds. */
export interface OverrideOptions {
  readonly override?: readonly string[];
  readonly reason?: string;
}

/** The rules that may pass. Throws `usage` where nobody says why. */
export function overriddenRules({ override = [], reason }: OverrideOptions): readonly string[] {
  if (override.length === 0 || reason?.trim()) return override;
  throw new Fault('usage', '--override without a reason: expected --reason TEXT, which is kept in the head');
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
