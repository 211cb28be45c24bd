import type { EdgeInput } from '../edges/index.js';
import type { OriginInput } from '../origins/index.js';
import type { AudioRecipeInput, CopyRecipeInput, ImageRecipeInput, VideoRecipeInput } from '../processors/inputs.js';
import type { SourceInput } from '../sources/index.js';

/** A number with a unit: `'30s'`, `'90m'`, `'4h'`, `'30d'`. */
export type DurationText = `${number}${'s' | 'm' | 'h' | 'd'}`;

/** What `image()`, `video()`, `audio()` and `copy()` return. */
export type RecipeInput = ImageRecipeInput | VideoRecipeInput | AudioRecipeInput | CopyRecipeInput;

/** Words as they are, the first a program: `['notify', '--channel', 'media']`. A string is given to `/bin/sh -c`. */
export type CommandInput = string | readonly [string, ...string[]];

/** One job file: plain data, made by `defineJob`. Paths are relative to the project. */
export interface JobInput {
  readonly source: SourceInput;
  /** When the night opens, in which zone, and how long it may work. */
  readonly window: {
    /** Five fields: minute hour day-of-month month day-of-week. */
    readonly cron: string;
    /** IANA zone; there is no default, because a server's zone is nobody's decision. */
    readonly timezone: string;
    /** Must end before the next opening. */
    readonly length: DurationText;
    /**
     * What becomes of a window that closed before any run began in it (the machine was off): `'latest'` (the default)
     * works the latest such window once, at the next call; `'none'` leaves it as missed and waits for the next opening. A
     * window that was begun is finished either way, and the first run ever works at once.
     */
    readonly catchUp?: 'latest' | 'none';
  };
  /** Name → recipe. An asset may match several; the name is part of its items' identity. */
  readonly recipes: Readonly<Record<string, RecipeInput>>;
  /**
   * Glob → how urgent its assets are: higher is done first and left for another night last; 0 is usual, below 0 waits.
   * `{ 'campaigns/**': 10, 'archive/**': -5 }`. Counts before the `priority` of a recipe.
   */
  readonly priority?: Readonly<Record<string, number>>;
  readonly gate?: {
    /** Items with nothing to show that may be published around: a count or `'1%'` (the default), at least one item. */
    readonly tolerate?: number | `${number}%`;
    /** How many fewer assets than the live snapshot are believed: a count or `'10%'` (the default), at least one. */
    readonly shrink?: number | `${number}%`;
    /** How many more are believed; any number unless told. */
    readonly grow?: number | `${number}%`;
    /** Assets that must never be without fresh output: one failure holds the night. */
    readonly required?: string | readonly string[];
    /** How long an item may show an older version because the newer one fails; for ever unless told. */
    readonly maxStale?: DurationText;
    /** By how much what a recipe makes again may be smaller or larger than what it replaces, over ten items or more. */
    readonly drift?: `${number}%`;
  };
  /**
   * Assets that change together: those of one folder (`'directory'`), or those of which a pattern over the key captures the
   * same text (`/^products\/([^/]+)\//`). A group is published whole, or stays as it is live, or is left out.
   */
  readonly groupBy?: 'directory' | RegExp;
  /**
   * When the window closes on a run that is not through: `'publish'` (the default) goes live with what is complete, the
   * rest carried; `'hold'` leaves the site as it is. Either way what was left comes first in the next night.
   */
  readonly onDeadline?: 'publish' | 'hold';
  /**
   * Commands that are told how the night goes, each by one JSON record on stdin. They run in the project's folder with
   * the environment of nightpress and `NIGHTPRESS_HOOK`, `NIGHTPRESS_JOB`, `NIGHTPRESS_RUN`; the outcome is in
   * `NIGHTPRESS_OUTCOME` and `NIGHTPRESS_EXIT`. Whatever they do, the night and its exit code stay as they are.
   */
  readonly on?: {
    /** A run began or goes on: its job, window, run and why. */
    readonly start?: CommandInput;
    /** The deadline will probably come first: when, and what share of the work would be left. */
    readonly atRisk?: CommandInput;
    /** The outcome record, as `run --json` prints it. Not called when there was nothing to do. */
    readonly end?: CommandInput;
    /** How long one may take before it is killed with all it started: `'60s'` unless told. */
    readonly within?: DurationText;
  };
  /**
   * When the head moves: as soon as the run is done (`'done'`, the default), or not before its window closes (`'close'`).
   * A run that is done earlier then waits, holding the job, by the wall clock; it can be stopped and goes on later with
   * everything made. A run outside the schedule (`--now`), a run or retry after the close, and a snapshot that the gate
   * holds anyway do not wait; nor does a night in which nothing changed. With `run --all` later jobs wait too: give each
   * job an entry of its own (`nightpress schedule`).
   */
  readonly publish?: { readonly at?: 'done' | 'close' };
  readonly origin: OriginInput;
  /**
   * CDNs and caches in front of the origin: told about `head.json` whenever another snapshot goes live. Tokens stay in the
   * environment: `tokenEnv: 'CLOUDFLARE_TOKEN'`. Whatever an edge answers, the night and its outcome stay as they are.
   */
  readonly edges?: readonly EdgeInput[];
  /**
   * Snapshots kept for rollback: the newest `last` (14), all younger than `within` (`'30d'`), and the newest of each of the
   * last `weekly` (8) weeks that have one.
   */
  readonly keep?: { readonly last?: number; readonly within?: DurationText; readonly weekly?: number };
}

/** Gives a job file its types; checks nothing. `nightpress plan` checks everything and lists every problem at once. */
export function defineJob(job: JobInput): JobInput {
  return job;
}
