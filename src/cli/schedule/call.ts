import path from 'node:path';
import { installed } from '../../installation.js';
import type { Project } from '../../job/load.js';
import { toolsElsewhere } from './tools.js';

/** What a scheduler calls: safe at any minute, and beside a run that is still at it. */
export interface Call {
  /** The program and its arguments, unquoted; paths are absolute, because no scheduler has our folder or PATH. */
  readonly words: readonly string[];
  /** What has to be added to the scheduler's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Where a scheduler without a log of its own writes to. */
  readonly log: string;
}

/** `env`: of a person for whom the job works. `grace`: as `run --grace` takes it, when it is not the usual one. */
export function callOf(project: Project, job: string, env: NodeJS.ProcessEnv, grace?: string): Call {
  return {
    words: [process.execPath, installed('bin', 'nightpress.js'), ...runWords(project, job, grace)],
    env: toolsElsewhere(env),
    log: path.join(project.stateFolder, `${job}.cron.log`),
  };
}

/** Without the program. */
export function runWords({ folder, stateFolder }: Project, job: string, grace?: string): readonly string[] {
  const isUsual = stateFolder === path.join(folder, '.nightpress');
  return [
    ...['run', job, '--project', folder],
    ...(isUsual ? [] : ['--state', stateFolder]),
    ...(grace === undefined ? [] : ['--grace', grace]),
    ...['--if-locked', 'skip'],
  ];
}

/** What ending takes after the grace: killing workers, committing, closing. */
const afterGraceMs = 30_000;

/** Whole seconds from the first signal to the one that kills. */
export function stopSeconds(graceMs: number): number {
  return Math.ceil((graceMs + afterGraceMs) / 1000);
}
