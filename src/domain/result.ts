import type { Cause } from './causes.js';
import type { ImportNights } from './deadline.js';
import type { EdgeRecord } from './edges.js';
import type { Disposition, Finding, Outcome, RunId, SnapshotId, Window } from './types.js';

/**
 * The one outcome record of a run. Exit code, `--json`, the summary, `status` and annotations are all derived from it,
 * so they cannot disagree. Instants are RFC 3339 UTC. Every item has exactly one disposition: the counts add up to `total`.
 */
export interface Result {
  readonly type: 'result';
  readonly job: string;
  /** The line of snapshots that was worked on, and that `live` tells of; absent: the live one. */
  readonly channel?: string;
  readonly window: WindowRecord | null;
  /** Why there was nothing to do; names the next opening. */
  readonly because?: string;
  /** Null when there was nothing to do and so no run. */
  readonly run: RunId | null;
  readonly outcome: Outcome;
  readonly exit: number;
  /** The snapshot this run made or confirmed; staged, not live, when held. */
  readonly snapshot: SnapshotId | null;
  readonly live: LiveRecord | null;
  /** Where the origin could not be asked, or has lost it: what this machine saw live there last; null: it knows of nothing. */
  readonly lastSeen?: LastSeen | null;
  readonly assets: AssetCounts;
  readonly items: ItemCounts;
  readonly derivatives: { readonly made: number; readonly reused: number; readonly bytes: number };
  readonly partitions: { readonly total: number; readonly done: number; readonly failed: number };
  /** From the source's modification to live, over the assets this run brought live; null when there were none. */
  readonly freshness: { readonly p50Ms: number; readonly p95Ms: number; readonly oldestMs: number } | null;
  readonly findings: readonly Finding[];
  /** The errors among the findings by what they have in common, the most frequent first. */
  readonly causes?: readonly ToldCause[];
  /** `command`: what publishes all the same, over every rule that holds. */
  readonly held?: readonly { readonly rule: string; readonly message: string; readonly command?: string }[];
  /** Of the items counted as carried or failed, those that the deadline left for the next night. */
  readonly shed?: number;
  /** Of these, those counted as failed: nothing is wrong with them, they only show nothing yet. */
  readonly shedUnshown?: number;
  /** Of the items counted as carried, failed or quarantined, those that somebody accepted. */
  readonly accepted?: number;
  /** A first import that one window was too short for. */
  readonly import?: ImportNights;
  /** Of a job with edges, when they were told or waited for: one each, in the order of the job file. */
  readonly edges?: readonly EdgeRecord[];
  readonly fault?: { readonly code: string; readonly message: string };
  /** Commands worth running next, most useful first. */
  readonly next: readonly string[];
  /** Absolute path of the run's log file. */
  readonly log: string | null;
  readonly durationMs: number;
}

export interface ToldCause extends Cause {
  /** Shows the sample failing, and changes nothing. */
  readonly command?: string;
}

export interface WindowRecord {
  readonly label: string;
  readonly opens: string;
  readonly closes: string;
}

export interface LiveRecord {
  readonly snapshot: SnapshotId;
  readonly seq: number;
  readonly at: string;
}

/** `seq`: of the head that was seen. */
export interface LastSeen {
  readonly snapshot: SnapshotId | null;
  readonly seq: number;
}

export interface AssetCounts {
  readonly total: number;
  readonly added: number;
  readonly changed: number;
  readonly unchanged: number;
  readonly removed: number;
  readonly unmatched: number;
}

export type ItemCounts = { readonly total: number; readonly unchanged: number } & Readonly<Record<Disposition, number>>;

/** The counts as people are told them: what a deadline left stands apart from what failed. */
export function toldItems({
  items,
  shed = 0,
  shedUnshown = 0,
}: Pick<Result, 'items' | 'shed' | 'shedUnshown'>): ItemCounts & { readonly left: number } {
  const { carried, failed } = items;
  return { ...items, carried: carried - (shed - shedUnshown), failed: failed - shedUnshown, left: shed };
}

export const noAssets: AssetCounts = { total: 0, added: 0, changed: 0, unchanged: 0, removed: 0, unmatched: 0 };
export const noItems: ItemCounts = {
  total: 0,
  done: 0,
  reused: 0,
  carried: 0,
  failed: 0,
  quarantined: 0,
  withheld: 0,
  unchanged: 0,
};

/** What a record says where no run was. */
export const noRun = {
  run: null,
  snapshot: null,
  assets: noAssets,
  items: noItems,
  derivatives: { made: 0, reused: 0, bytes: 0 },
  partitions: { total: 0, done: 0, failed: 0 },
  freshness: null,
  findings: [],
  log: null,
} as const satisfies Partial<Result>;

export function windowRecord(window: Window): WindowRecord {
  return {
    label: window.label,
    opens: new Date(window.opens).toISOString(),
    closes: new Date(window.closes).toISOString(),
  };
}

const signalExits: Readonly<Record<string, number>> = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };

/** The exit code of an outcome; `failed` takes its fault's, `interrupted` its signal's, `held` depends on by what. */
export function exitOf(
  outcome: Outcome,
  cause: { readonly faultExit?: number; readonly signal?: string; readonly byDeadline?: boolean } = {},
): number {
  switch (outcome) {
    case 'published':
    case 'unchanged':
    case 'superseded':
      return 0;
    case 'incomplete':
      return 3;
    case 'held':
      return cause.byDeadline ? 5 : 4;
    case 'unknown':
      return 6;
    case 'interrupted':
      return signalExits[cause.signal ?? ''] ?? 143;
    case 'failed':
      return cause.faultExit ?? 1;
  }
}

/** Percentiles by nearest rank; null for no samples. */
export function freshnessOf(ages: readonly number[]): Result['freshness'] {
  const sorted = [...ages].sort((a, b) => a - b);
  const oldestMs = sorted.at(-1);
  if (oldestMs === undefined) return null;
  const rank = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? oldestMs;
  return { p50Ms: rank(0.5), p95Ms: rank(0.95), oldestMs };
}
