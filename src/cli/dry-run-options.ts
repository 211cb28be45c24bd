import path from 'node:path';
import { Fault } from '../domain/faults.js';
import type { Hold } from '../domain/gate.js';
import type { AssetKey, Finding } from '../domain/types.js';
import { readFileList } from './files-from.js';
import { choiceOption, countOption, globsOption } from './options.js';
import type { RunOptions } from './run-call.js';

export interface DryRunOptions extends RunOptions {
  readonly dryRun?: boolean;
  readonly sample?: string;
  readonly only?: readonly string[];
  readonly filesFrom?: string;
  readonly out?: string;
  readonly failOn?: string;
}

/** `--fail-on`: which findings make a dry run fail. */
export type FailOn = (typeof failOns)[number];
const failOns = ['new', 'any', 'gate'] as const;

/** What to process, said by a person. Without any of these three a dry run only plans. */
export interface DryRunWish {
  readonly files?: readonly string[];
  readonly only?: (key: AssetKey) => boolean;
  readonly sample?: number;
  readonly out?: string;
  /** Undefined: not said. */
  readonly failOn?: FailOn;
  /**
   * For `try`: the last lines that workers and tools wrote when an attempt failed are shown, findings that belong to no
   * chosen asset are not told, and without `out` what was made stays in the temporary folder.
   */
  readonly isTry?: boolean;
  /** Several jobs share `out`: each gets a folder in it. */
  readonly all: boolean;
}

/** Throws `usage` for options that mean nothing together: none is silently ignored. */
export async function readWish(options: DryRunOptions): Promise<DryRunWish> {
  refuseMixed(options);
  return {
    only: options.only && globsOption('--only', options.only),
    sample: options.sample === undefined ? undefined : countOption('--sample', options.sample),
    out: options.out === undefined ? undefined : path.resolve(options.out),
    failOn: options.failOn === undefined ? undefined : choiceOption('--fail-on', options.failOn, failOns),
    all: options.all ?? false,
    files: options.filesFrom === undefined ? undefined : await readFileList(options.filesFrom),
  };
}

function refuseMixed(options: DryRunOptions): void {
  const given = (names: readonly (keyof DryRunOptions)[]) =>
    names.filter((name) => options[name] !== undefined).map(flag);
  const selects = given(['sample', 'only', 'filesFrom']);
  const needsDryRun = options.dryRun ? [] : [...selects, ...given(['out', 'failOn'])];
  const needsRun = options.dryRun ? given(['metricsFile', 'wait']) : [];
  if (needsRun[0]) throw new Fault('usage', `${needsRun[0]} and --dry-run: expected one of them`);
  if (needsDryRun[0]) throw new Fault('usage', `${needsDryRun[0]}: expected together with --dry-run`);
  if (options.out !== undefined && selects.length === 0) {
    throw new Fault('usage', '--out without a choice of assets: expected --sample, --only or --files-from beside it');
  }
  const [windowed] = given(['now', 'rerun', 'adopt']);
  if (selects[0] && windowed)
    throw new Fault('usage', `${windowed} and ${selects[0]}: chosen assets belong to no window, expected one of them`);
}

function flag(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

export interface Judgement {
  readonly errors: readonly Finding[];
  /** Errors that the job's last run did not have already. */
  readonly fresh: readonly Finding[];
  /** What the gate of a whole night would object to. */
  readonly holds: readonly Hold[];
}

export function isFailing(failOn: FailOn, { errors, fresh, holds }: Judgement): boolean {
  const why = { any: errors, new: fresh, gate: holds };
  return why[failOn].length > 0;
}
