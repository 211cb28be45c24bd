import type { Result, WindowRecord } from './result.js';
import { windowRecord } from './result.js';
import type { Hooks, RunId, Window } from './types.js';

export type HookName = Exclude<keyof Hooks, 'withinMs'>;

/** What the hook `start` is fed. Instants are RFC 3339 UTC, as in the outcome record. */
export interface StartRecord {
  readonly type: 'start';
  readonly job: string;
  readonly window: WindowRecord;
  readonly run: RunId;
  /** An earlier attempt of this run was stopped or killed; it goes on. */
  readonly resumed: boolean;
  readonly because: string;
}

/** What the hook `atRisk` is fed. */
export interface AtRiskRecord {
  readonly type: 'at-risk';
  readonly job: string;
  readonly window: WindowRecord;
  readonly run: RunId;
  readonly deadline: string;
  /** When the night would be through. */
  readonly expectedAt: string;
  /** Of the work that is left, what will not be done: 0 to 1. */
  readonly leftShare: number;
}

export interface Begun {
  readonly run: RunId;
  readonly window: Window;
  readonly resumed: boolean;
  readonly because: string;
}

export function startRecord(job: string, { run, window, resumed, because }: Begun): StartRecord {
  return { type: 'start', job, window: windowRecord(window), run, resumed, because };
}

/** `risk`: milliseconds since the epoch. */
export function atRiskRecord(
  job: string,
  { run, window }: Begun,
  risk: { readonly deadline: number; readonly expectedAt: number; readonly leftShare: number },
): AtRiskRecord {
  return {
    type: 'at-risk',
    job,
    window: windowRecord(window),
    run,
    deadline: new Date(risk.deadline).toISOString(),
    expectedAt: new Date(risk.expectedAt).toISOString(),
    leftShare: risk.leftShare,
  };
}

/**
 * Whether the hook `end` is called: for every end of a night, also one that failed before there was a run. Not when there
 * was nothing to do, which cron may hear every hour, nor for what was typed wrong: who typed it is told.
 */
export function isToldToHooks({ run, fault }: Pick<Result, 'run' | 'fault'>): boolean {
  return run !== null || (fault !== undefined && fault.code !== 'usage');
}
