import { randomUUID } from 'node:crypto';
import { appendFileSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { errno } from '../domain/faults.js';
import type { AssetKey, Finding, Job } from '../domain/types.js';
import { localSource } from './local-source.js';
import { count, printable } from './render/units.js';
import type { Terminal } from './terminal.js';

/**
 * What GitHub Actions understands on stdout and in `$GITHUB_STEP_SUMMARY`
 * (docs.github.com/actions/reference/workflows-and-actions/workflow-commands). Elsewhere all of this does nothing.
 */

/** GitHub shows so many annotations of one kind a step, and drops the others without a word. */
const mostAnnotations = 10;

export function underGitHub(env: NodeJS.ProcessEnv): boolean {
  return env.GITHUB_ACTIONS === 'true';
}

export interface Annotated {
  readonly job: Job;
  readonly findings: readonly Finding[];
}

/** One annotation a finding, at the asset's own file where that lies in the checkout. */
export function annotate(terminal: Terminal, env: NodeJS.ProcessEnv, { job, findings }: Annotated): void {
  if (!underGitHub(env)) return;
  for (const severity of ['error', 'notice'] as const) {
    const those = findings.filter((finding) => finding.severity === severity);
    for (const finding of those.slice(0, mostAnnotations)) terminal.out(annotation(finding, fileOf(job, env, finding)));
    const more = those.length - mostAnnotations;
    if (more > 0) terminal.out(`and ${count(more, `more ${severity}`)}: GitHub shows ${mostAnnotations} of a kind`);
  }
}

export function annotation({ severity, code, key, message }: Finding, file: string | undefined): string {
  const what = key === undefined ? message : `${key}: ${message}`;
  const properties = [...(file === undefined ? [] : [`file=${escapeProperty(file)}`]), `title=${escapeProperty(code)}`];
  return `::${severity} ${properties.join(',')}::${escapeData(printable(what))}`;
}

/** From the checkout's root, as annotations want it; undefined where there is no such file to point at. */
export function fileOf(job: Job, env: NodeJS.ProcessEnv, { key }: { readonly key?: AssetKey }): string | undefined {
  const source = localSource(job);
  if (key === undefined || source === undefined) return undefined;
  const file = path.relative(real(env.GITHUB_WORKSPACE || process.cwd()), path.join(real(source), key));
  const isOutside = file.startsWith(`..${path.sep}`) || path.isAbsolute(file);
  return isOutside || printable(file) !== file ? undefined : file.split(path.sep).join('/');
}

function real(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    return path.resolve(folder); // not there: whoever needs it says so; here it is only a name
  }
}

function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}

/** What `print` writes holds names that anybody may have chosen: none of them must be taken for a command. */
export function fenced(terminal: Terminal, env: NodeJS.ProcessEnv, print: () => void): void {
  if (!underGitHub(env)) {
    print();
    return;
  }
  const token = randomUUID();
  terminal.out(`::stop-commands::${token}`);
  print();
  terminal.out(`::${token}::`);
}

/** Markdown for the page of the workflow run. A summary that cannot be written is said, and fails nothing. */
export function appendSummary(terminal: Terminal, env: NodeJS.ProcessEnv, markdown: string): void {
  const file = env.GITHUB_STEP_SUMMARY;
  if (!underGitHub(env) || !file) return;
  try {
    appendFileSync(file, `${markdown}\n`);
  } catch (error) {
    terminal.note(`the step summary ${printable(file)} cannot be written: ${errno(error)}`);
  }
}
