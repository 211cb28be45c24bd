import type { GroupBy } from './groups.js';
import type { Limits } from './types.js';

/** A job's recipe with every default filled in. Plain data. */
export interface Recipe {
  /** Its name in the job file. */
  readonly name: string;
  /** `image`, `video`, `audio`, `copy`: the processor family member that does the work. */
  readonly kind: string;
  /** Globs over asset keys (picomatch; dotfiles only where a pattern names the dot). */
  readonly match: readonly string[];
  /** Public path template: `{key} {dir} {name} {ext} {recipe} {variant} {width} {height}`. */
  readonly path: string;
  /** Everything that influences output bytes; checked by the processor's own schema. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly limits: Limits;
  /** How urgent its items are; higher first, 0 unless told. */
  readonly priority: number;
  /** Its own tolerance, of the items it works in a night; undefined: it counts with all others. */
  readonly tolerate?: Allowance;
}

/** A count, or a share of a total: `3` or `'1%'` in the job file. */
export type Allowance = { readonly count: number } | { readonly share: number };

export interface WindowSpec {
  readonly cron: string;
  /** IANA zone, mandatory. */
  readonly timezone: string;
  readonly lengthMs: number;
  /** `'latest'` unless told. */
  readonly catchUp?: CatchUp;
}

/** Of windows that closed before anybody began them, `run` takes up the latest, or none. */
export type CatchUp = 'latest' | 'none';

/** Whether a run goes live as soon as it is done, or not before its window closes. */
export interface PublishSpec {
  readonly at: 'done' | 'close';
}

/** What becomes of a night that is not through when its deadline comes: live with what is complete, or not at all. */
export type OnDeadline = 'publish' | 'hold';

export interface GateSpec {
  /** Items with nothing to show that may be published around; at least one item. */
  readonly tolerate: Allowance;
  /** How many fewer assets than the live snapshot are believed; a share above zero allows at least one, but never none at all. */
  readonly shrink: Allowance;
  /** How many more; undefined: any number. */
  readonly grow?: Allowance;
  /** Globs: an asset that matches one must never be without fresh output. */
  readonly required?: readonly string[];
  /** How long an item may show an older version. */
  readonly maxStaleMs?: number;
  /** By what share remade items of a recipe may be smaller or larger, all together, than what they replace. */
  readonly drift?: number;
}

/** Which snapshots are kept: the union of all three. */
export interface KeepSpec {
  readonly last: number;
  readonly withinMs: number;
  /** The newest of so many weeks (ISO 8601, UTC), the last that have one. */
  readonly weekly?: number;
}

/** A checked job file. Paths are absolute; secrets are never in it. */
export interface Job {
  readonly name: string;
  /** Absolute path of the job file. */
  readonly file: string;
  readonly source: { readonly type: string } & Readonly<Record<string, unknown>>;
  readonly window: WindowSpec;
  readonly recipes: readonly Recipe[];
  /** How urgent assets are, before what their recipes say. */
  readonly priorities: readonly { readonly glob: string; readonly priority: number }[];
  readonly groupBy?: GroupBy;
  readonly gate: GateSpec;
  readonly onDeadline: OnDeadline;
  readonly on?: Hooks;
  readonly publish: PublishSpec;
  readonly origin: { readonly type: string; readonly baseUrl?: string } & Readonly<Record<string, unknown>>;
  readonly edges?: readonly EdgeSpec[];
  readonly keep: KeepSpec;
  /** The line of snapshots that is worked on (`--channel`); undefined: what is live. */
  readonly channel?: string;
}

/** A CDN or cache in front of the origin, as the job file has it: secrets by the names of their environment variables. */
export type EdgeSpec = {
  readonly type: string;
  /** Unique in the job. */
  readonly name: string;
  /** Under which readers see the origin through it; at least one. */
  readonly urls: readonly string[];
} & Readonly<Record<string, unknown>>;

/** Commands of the job's owner, each fed one JSON record when its moment comes. Words, the first of them a program. */
export interface Hooks {
  readonly start?: readonly [string, ...string[]];
  readonly atRisk?: readonly [string, ...string[]];
  readonly end?: readonly [string, ...string[]];
  /** Wall clock of one call; what is not through by then is killed with its process group. */
  readonly withinMs: number;
}
