import { existsSync, readdirSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { inspect } from 'node:util';
import { createJiti } from 'jiti';
import { Fault } from '../domain/faults.js';
import type { Problem } from '../domain/problems.js';
import type { Job } from '../domain/types.js';
import { type CheckedJob, checkJob, type Families } from './check.js';
import { placeOf, reasonOf } from './load-error.js';
import { jobShape } from './shape.js';

export interface Project {
  /** Absolute path of the folder that holds `jobs/`. */
  readonly folder: string;
  /** Absolute path of the folder for local state, `.nightpress` unless told otherwise. */
  readonly stateFolder: string;
  /** The line of snapshots that is worked on; undefined: what is live. */
  readonly channel?: string;
}

const jobFile = /^([a-z0-9][a-z0-9._-]*?)\.(ts|mts|js|mjs)$/;

/** Names of the project's jobs, sorted. A project without any is `job-missing`. */
export function jobNames(project: Project): readonly string[] {
  const folder = path.join(project.folder, 'jobs');
  const names = existsSync(folder) ? readdirSync(folder).flatMap((file) => jobFile.exec(file)?.[1] ?? []) : [];
  if (names.length === 0) throw new Fault('job-missing', `no job file in ${folder}: expected jobs/<name>.ts`);
  return [...new Set(names)].sort();
}

/**
 * Loads and checks one job. All problems are listed in one `job-invalid` fault. Other jobs of the project are read only
 * to refuse two that publish to the same place; a broken neighbour does not stop this one.
 */
export async function loadJob(project: Project, name: string, families: Families): Promise<Job> {
  const checked = await readJob(project, name, families);
  const problems = [...overlaps(checked, project), ...(await sharedPlaces(checked, project, families))];
  if (problems.length > 0) throw invalid(checked.job.file, problems);
  return checked.job;
}

/** Every job is read once for a project object, that is once for a command, however many neighbours ask for it. */
const alreadyRead = new WeakMap<Project, Map<string, Promise<CheckedJob>>>();

function readJob(project: Project, name: string, families: Families): Promise<CheckedJob> {
  const jobs = alreadyRead.get(project) ?? new Map<string, Promise<CheckedJob>>();
  alreadyRead.set(project, jobs);
  const job = jobs.get(name) ?? readJobFile(project, name, families);
  jobs.set(name, job);
  return job;
}

async function readJobFile(project: Project, name: string, families: Families): Promise<CheckedJob> {
  const file = fileOf(project, name);
  const value = await importJob(file, families.api);
  const result = await checkValue(file, () => checkJob(value, { name, file, project: project.folder }, families));
  if (!result.ok) throw invalid(file, result.problems);
  return result.checked;
}

function fileOf(project: Project, name: string): string {
  const names = jobNames(project);
  const found = ['ts', 'mts', 'js', 'mjs']
    .map((ext) => path.join(project.folder, 'jobs', `${name}.${ext}`))
    .filter(existsSync);
  const [file, second] = found;
  if (!file || !names.includes(name)) {
    throw new Fault(
      'usage',
      `no job '${name}' in ${path.join(project.folder, 'jobs')}: expected one of ${names.join(', ')}`,
    );
  }
  if (second) throw new Fault('job-invalid', `job '${name}' has two files, ${file} and ${second}: expected one`);
  return file;
}

/**
 * `import … from 'nightpress'` in a job file means the running CLI, wherever the project lies: it is given the very
 * module that is running, so nothing but the job file is read and transpiled.
 */
async function importJob(file: string, api: Families['api']): Promise<unknown> {
  const jiti = createJiti(file, { fsCache: false, moduleCache: false, virtualModules: { nightpress: api } });
  try {
    return defaultOf(await jiti.import(file));
  } catch (error) {
    throw new Fault('job-invalid', notLoaded(file, error), { cause: error });
  }
}

/** A mistake may lie in what the job file imports. */
function notLoaded(file: string, error: unknown): string {
  const place = placeOf(error, path.dirname(path.dirname(file)));
  if (place?.startsWith(`${file}:`)) return `job file ${place} cannot be loaded: ${reasonOf(error)}`;
  return `job file ${file} cannot be loaded: ${place === undefined ? '' : `${place}: `}${reasonOf(error)}`;
}

/** Of a module without a default export, nothing; a file in the old manner of modules may be its own. */
function defaultOf(loaded: unknown): unknown {
  if (typeof loaded !== 'object' || loaded === null) return loaded;
  if ('default' in loaded) return loaded.default;
  return Object.keys(jobShape.shape).some((key) => key in loaded) ? loaded : undefined;
}

/** What a job file exports may throw when it is only looked at: getters, proxies. */
async function checkValue<T>(file: string, check: () => Promise<T>): Promise<T> {
  try {
    return await check();
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw new Fault('job-invalid', `job file ${file} cannot be checked: ${reasonOf(error)}`, { cause: error });
  }
}

/** One fault with all problems of a job file. */
export function invalid(file: string, problems: readonly Problem[], hint?: string): Fault {
  const lines = problems.map(
    (problem) => `${problem.path.join('.') || '(file)'}: ${show(problem.value)} — expected ${problem.expected}`,
  );
  const count = lines.length === 1 ? '1 problem' : `${lines.length} problems`;
  return new Fault('job-invalid', `job file ${file} has ${count}`, { problems: lines, hint });
}

function show(value: unknown): string {
  const text = value === undefined ? 'nothing' : typeof value === 'function' ? 'a function' : written(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

function written(value: unknown): string {
  try {
    return JSON.stringify(value) ?? inspect(value, shown);
  } catch {
    return inspect(value, shown); // a circle, or a value that refuses to be told
  }
}

/** One line, and no getter is called. */
const shown = { breakLength: Number.POSITIVE_INFINITY, depth: 2, getters: false, customInspect: false };

/** Publishing into the source would publish the publication; working inside it would list the work. */
function overlaps(checked: CheckedJob, project: Project): Problem[] {
  const source = checked.sourceFolder && resolved(checked.sourceFolder);
  if (!source) return [];
  const option = checked.job.source.root === checked.sourceFolder ? 'root' : 'path';
  const others = [
    ['origin', checked.originFolder],
    ['work folder', path.join(project.stateFolder, checked.job.name)],
  ] as const;
  return others.flatMap(([what, folder]) => {
    if (!folder || !overlap(source, resolved(folder))) return [];
    return [
      { path: ['source', option], value: checked.sourceFolder, expected: `a folder apart from the ${what} ${folder}` },
    ];
  });
}

/** Whether one of these folders is or lies in the other, through whatever links; neither has to exist. */
export function foldersOverlap(a: string, b: string): boolean {
  return overlap(resolved(path.resolve(a)), resolved(path.resolve(b)));
}

function overlap(a: string, b: string): boolean {
  return a === b || a.startsWith(b + path.sep) || b.startsWith(a + path.sep);
}

/** Symlinks resolved as far as the path exists; the rest appended. */
function resolved(folder: string): string {
  if (existsSync(folder)) return realpathSync(folder);
  const parent = path.dirname(folder);
  return parent === folder ? folder : path.join(resolved(parent), path.basename(folder));
}

async function sharedPlaces(checked: CheckedJob, project: Project, families: Families): Promise<Problem[]> {
  const others = jobNames(project).filter((name) => name !== checked.job.name);
  const problems: Problem[] = [];
  for (const name of others) {
    const other = await readJob(project, name, families).catch(() => undefined); // its own problems are its own command's
    if (other?.place !== checked.place) continue;
    problems.push({
      path: ['origin'],
      value: checked.place,
      expected: `an origin of its own: job '${name}' publishes to the same place`,
    });
  }
  return problems;
}
