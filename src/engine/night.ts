import path from 'node:path';
import type { Digest, Job, Recipe, RunId, ToolVersions } from '../domain/types.js';
import type { Edge } from '../edges/contract.js';
import type { ExecutorKind } from '../executors/contract.js';
import type { Origin } from '../origins/contract.js';
import type { Processor, RecipeKind } from '../processors/contract.js';
import type { Source } from '../sources/contract.js';
import type { State } from '../state/contract.js';
import type { Emit } from './events.js';

/** Everything the engine works with, put together by the composition root. The engine imports no implementation. */
export interface Night {
  readonly job: Job;
  readonly state: State;
  readonly source: Source;
  readonly origin: Origin;
  /** Told when another snapshot goes live. */
  readonly edges: readonly Edge[];
  readonly executors: ExecutorKind;
  readonly recipeKinds: Readonly<Record<string, RecipeKind>>;
  /** Loads a processor's tools; only kinds that the job uses are asked. */
  readonly processor: (kind: string) => Promise<Processor>;
  /** The job's work folder: `.nightpress/<job>/`. */
  readonly folder: string;
  readonly workers: number;
  readonly clock: () => number;
  /** Resolves after so many milliseconds, sooner when `signal` fires; never rejects. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly emit: Emit;
  readonly stop: StopSwitch;
  /** So long it waited so far for an origin or a source that was away: no time of work. */
  readonly waitedMs?: () => number;
}

/** What the clock would show if nothing had ever been away. */
export function workClock({ clock, waitedMs }: Pick<Night, 'clock' | 'waitedMs'>): number {
  return clock() - (waitedMs?.() ?? 0);
}

/**
 * First signal: `asked` fires, nothing more is handed out, items in flight may end within `graceMs`.
 * Second signal or the grace is over: `now` fires, process groups are killed.
 */
export interface StopSwitch {
  readonly asked: AbortSignal;
  readonly now: AbortSignal;
  readonly graceMs: number;
  /** The first signal that came, for the exit code. */
  signal?(): string | undefined;
}

/** A recipe with all that follows from it and the tools present; made once a run. */
export interface ReadyRecipe {
  readonly recipe: Recipe;
  readonly kind: RecipeKind;
  readonly tools: ToolVersions;
  /** Digest of everything but the asset that influences output bytes. */
  readonly digest: Digest;
}

/** Sortable, unique enough beside the state's own check: `20261122T020003Z-4f2a`. */
export function newRunId(now: number, random: () => number): RunId {
  const stamp = new Date(now).toISOString().replace(/[-:]|\.\d+/g, '');
  const tail = Math.floor(random() * 0x10000)
    .toString(16)
    .padStart(4, '0');
  return `${stamp}-${tail}` as RunId;
}

/** Where a run's log lies. */
export function logFileOf(folder: string, run: RunId): string {
  return path.join(folder, 'runs', `${run}.jsonl`);
}
