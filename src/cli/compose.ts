import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { channelNameProblem, liveChannel } from '../domain/channels.js';
import { Fault } from '../domain/faults.js';
import type { Problem } from '../domain/problems.js';
import type { Job } from '../domain/types.js';
import type { Edge, EdgeServices } from '../edges/contract.js';
import { edges } from '../edges/index.js';
import { onChannel, tellingOf } from '../engine/channel.js';
import { crashPoints, type Emit } from '../engine/events.js';
import type { Night, StopSwitch } from '../engine/night.js';
import { executors } from '../executors/index.js';
import * as api from '../index.js';
import type { Families } from '../job/check.js';
import { invalid, jobNames, loadJob, type Project } from '../job/load.js';
import type { Origin } from '../origins/contract.js';
import { origins } from '../origins/index.js';
import { processors, recipeKinds } from '../processors/index.js';
import type { Source } from '../sources/contract.js';
import { sources } from '../sources/index.js';
import type { State } from '../state/contract.js';
import { holdLock } from '../state/lock.js';
import type { CommandContext } from './context.js';

/**
 * The composition root: the only place that knows both the engine and what it works with.
 * Every command takes its parts from here.
 */
export interface ProjectOptions {
  readonly project?: string;
  readonly state?: string;
  readonly channel?: string;
}

export function openProject(options: ProjectOptions): Project {
  const folder = path.resolve(options.project ?? '.');
  const stateFolder = path.resolve(options.state ?? path.join(folder, '.nightpress'));
  return { folder, stateFolder, channel: channelGiven(options.channel) };
}

function channelGiven(name: string | undefined): string | undefined {
  if (name === undefined || name === liveChannel) return undefined;
  const problem = channelNameProblem(name);
  if (problem) throw new Fault('usage', `--channel ${name}: expected ${problem}`);
  return name;
}

export const families: Families = {
  api,
  recipeKinds,
  sourceTypes: Object.keys(sources),
  originTypes: Object.keys(origins),
  edgeTypes: Object.keys(edges),
  checkSource: async (type) => (await sources[type]?.())?.check,
  checkOrigin: async (type) => (await origins[type]?.())?.check,
  checkEdge: async (type) => (await edges[type]?.())?.check,
};

/** The job that was named, or the project's only one. */
export async function findJob(project: Project, name: string | undefined): Promise<Job> {
  const job = await loadJob(project, name ?? onlyJob(project), families);
  return project.channel === undefined ? job : { ...job, channel: project.channel };
}

function onlyJob(project: Project): string {
  const [only = '', ...others] = jobNames(project);
  if (others.length === 0) return only;
  const names = [only, ...others].join(', ');
  throw new Fault('usage', `which job? expected one of ${names} (run, status and stop also take --all)`);
}

/** Names of jobs that need not load: the one that was named, the project's only one, or all. */
export function chooseJobs(project: Project, name: string | undefined, all: boolean): readonly string[] {
  const names = jobNames(project);
  if (all && name !== undefined) throw new Fault('usage', `--all and a job name (${name}): expected one of them`);
  if (all) return names;
  const chosen = name ?? onlyJob(project);
  if (!names.includes(chosen)) throw new Fault('usage', `no job '${chosen}': expected one of ${names.join(', ')}`);
  return [chosen];
}

/** Channels on which nights of this job ran here. */
export function channelsHere({ stateFolder }: Project, job: string): readonly string[] {
  const names = existsSync(stateFolder) ? readdirSync(stateFolder) : [];
  return names.flatMap((name) => (name.startsWith(`${job}@`) ? [name.slice(job.length + 1)] : []));
}

/** Another channel is another line of nights, with a state of its own: no job is named with an @. */
export function jobFolder({ stateFolder, channel }: Project, job: string): string {
  return path.join(stateFolder, channel === undefined ? job : `${job}@${channel}`);
}

/** Somebody waits before a screen: a store that says nothing for so long is told as such. Runs wait for outages. */
const lookMs = 10_000;

export type Patience = 'look' | 'run';

/** Only a run has a state, where uploads are remembered. */
export async function openOrigin(job: Job, patience: Patience, state?: State): Promise<Origin> {
  const kind = await member(origins, job.origin.type);
  const services = { holdLock, uploads: state?.uploads, answerMs: answerMsOf(patience) };
  return onChannel(kind.open(job.origin, services), job.channel);
}

export async function openSource(job: Job, clock: () => number, patience: Patience): Promise<Source> {
  const kind = await member(sources, job.source.type);
  return kind.open(job.source, clock, answerMsOf(patience));
}

function answerMsOf(patience: Patience): number | undefined {
  return patience === 'look' ? lookMs : undefined;
}

/** One call of an API has this long; how often it is made again is `domain/calls.ts`' decision. */
const edgeTryMs = 10_000;

/**
 * The job's edges, for verbs that move what is live. Every secret must be there before anything is done: a missing one is
 * a problem of the job file on this machine.
 */
export async function openEdges(
  job: Job,
  { env, clock }: Pick<CommandContext, 'env' | 'clock'>,
): Promise<readonly Edge[]> {
  const services: EdgeServices = {
    secret: (variable) => env[variable] || undefined,
    ...{ clock, pause, random: Math.random, tryMs: edgeTryMs },
  };
  const problems: Problem[] = [];
  const unset: string[] = [];
  const opened: Edge[] = [];
  const told = job.channel === undefined ? (job.edges ?? []) : []; // readers of the site do not see other channels
  for (const [index, spec] of told.entries()) {
    const kind = await member(edges, spec.type);
    for (const [option, variable] of Object.entries(kind.secrets(spec))) {
      if (services.secret(variable) !== undefined) continue;
      const expected = 'an environment variable that is set';
      problems.push({ path: ['edges', index, option], value: variable, expected });
      unset.push(variable);
    }
    const edge = kind.open(spec, services);
    const lacking = await edge.lacks?.();
    if (lacking !== undefined) problems.push({ path: ['edges', index], value: spec.type, expected: lacking });
    opened.push(edge);
  }
  if (problems.length > 0) throw invalid(job.file, problems, unset.length > 0 ? exportHint(unset) : undefined);
  return opened;
}

/** The job file is as it should be; where it is run, is not. */
function exportHint(variables: readonly string[]): string {
  return `export ${[...new Set(variables)].map((name) => `${name}=…`).join(' ')}, also where cron calls it; then again`;
}

/** What a job's edges will ask the environment for: variables by name, and who looks for credentials as AWS tools do. */
export async function edgeNeeds(
  job: Job,
): Promise<{ readonly aws: readonly string[]; readonly variables: readonly string[] }> {
  const nothing: EdgeServices = { secret: () => undefined, clock: Date.now, pause, random: Math.random, tryMs: 0 };
  const needs = { aws: [] as string[], variables: [] as string[] };
  for (const spec of job.edges ?? []) {
    const kind = await member(edges, spec.type);
    needs.variables.push(...Object.values(kind.secrets(spec)));
    if (kind.open(spec, nothing).lacks) needs.aws.push(spec.name);
  }
  return needs;
}

export interface NightParts {
  readonly job: Job;
  readonly folder: string;
  readonly state: State;
  readonly workers: number;
  readonly clock: () => number;
  readonly emit: Emit;
  readonly stop: StopSwitch;
  /** Instead of the job's own. */
  readonly origin?: Origin;
  readonly source?: Source;
  /** Of a run, unless told. */
  readonly patience?: Patience;
  /** Who is told when the head moved; nobody unless given. */
  readonly edges?: readonly Edge[];
}

export async function openNight(parts: NightParts): Promise<Night> {
  const { job, state, clock, patience = 'run' } = parts;
  return {
    ...parts,
    pause,
    edges: parts.edges ?? [],
    emit: withTrouble(tellingOf(parts.emit, job.channel)),
    source: parts.source ?? (await openSource(job, clock, patience)),
    origin: parts.origin ?? (await openOrigin(job, patience, state)),
    executors: await member(executors, 'processes'),
    recipeKinds,
    processor: (kind) => member(processors, kind),
  };
}

export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined); // only an abort rejects, and that is an end like any other
}

async function member<T>(registry: Readonly<Record<string, () => Promise<T>>>, name: string): Promise<T> {
  const load = registry[name];
  if (!load)
    throw new Fault('usage', `no '${name}' is registered: expected one of ${Object.keys(registry).join(', ')}`);
  return await load();
}

/**
 * Crash tests of the real binary: `NIGHTPRESS_CRASH=blob-stored:3` makes the process kill itself with SIGKILL at the
 * third event of that name, as a power cut would; `NIGHTPRESS_STOP=head-ready` makes it stop there until SIGCONT.
 */
function withTrouble(emit: Emit): Emit {
  return troubleAt('NIGHTPRESS_STOP', 'SIGSTOP', troubleAt('NIGHTPRESS_CRASH', 'SIGKILL', emit));
}

function troubleAt(variable: string, signal: 'SIGKILL' | 'SIGSTOP', emit: Emit): Emit {
  const wanted = process.env[variable];
  if (!wanted) return emit;
  const [point, nth = '1'] = wanted.split(':');
  if (!crashPoints.some((known) => known === point)) {
    throw new Fault('usage', `${variable}=${wanted}: expected one of ${crashPoints.join(', ')}, with :n for the n-th`);
  }
  let seen = 0;
  return (event) => {
    emit(event);
    if (event.type === point && ++seen === Number(nth)) process.kill(process.pid, signal);
  };
}
