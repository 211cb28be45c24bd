import type { PlannedItem } from '../domain/decide.js';
import type { Change, KnownListing } from '../domain/inventory.js';
import type { PlannedPartition } from '../domain/plan.js';
import type { AssetCounts } from '../domain/result.js';
import type {
  AssetKey,
  Digest,
  Disposition,
  FailureClass,
  Finding,
  ItemId,
  ListedAsset,
  Made,
  Outcome,
  RunId,
  SnapshotId,
  ToolVersions,
  Window,
} from '../domain/types.js';

export interface RememberedOrigin {
  readonly origin: string;
  readonly seq: number;
  /** The live snapshot that asset rows were settled against. */
  readonly snapshot?: SnapshotId;
}

export interface WindowRow extends Window {
  /** False for `run --now`. */
  readonly scheduled: boolean;
  readonly outcome?: Outcome;
  /** Held because its deadline came. */
  readonly byDeadline?: boolean;
  readonly run?: RunId;
  readonly snapshot?: SnapshotId;
}

export type RunPhase = 'scanning' | 'planned' | 'working' | 'validating' | 'publishing' | 'ended';
export type RunVerb = 'run' | 'rerun' | 'retry';

export interface NewRun {
  readonly id: RunId;
  readonly window: Window;
  readonly scheduled: boolean;
  readonly verb: RunVerb;
  readonly startedAt: number;
  /** Digest of everything in the job file that decides about work and publishing. */
  readonly jobDigest: Digest;
  /** Absolute path of the log file. */
  readonly log: string;
}

export interface RunRow extends NewRun {
  readonly phase: RunPhase;
  readonly plan?: PlanTotals;
  readonly outcome?: Outcome;
  readonly endedAt?: number;
  /** The JSON result record, as `run --json` printed it. */
  readonly result?: unknown;
}

export interface RunEnd {
  readonly outcome: Outcome;
  readonly endedAt: number;
  readonly snapshot?: SnapshotId;
  readonly result: unknown;
}

/** The numbers of a plan; stored with the run so that unchanged assets are counts, not rows. */
export interface PlanTotals {
  /** Live snapshot the plan compares with; undefined on a first run. */
  readonly base?: SnapshotId;
  readonly tools: ToolVersions;
  /** Digest of recipes and tools: an asset settled under it needs no look. */
  readonly recipeSet: Digest;
  readonly assets: AssetCounts;
  /** Items of assets that need no look; the rest are rows. */
  readonly unchangedItems: number;
  readonly predictedSeconds: number;
  /** Findings of the scan and the plan that belong to no item. */
  readonly findings: readonly Finding[];
}

export interface FrozenPlan {
  readonly totals: PlanTotals;
  readonly changes: readonly Change[];
  readonly partitions: readonly PlannedPartition[];
  readonly items: readonly NewItem[];
}

export interface NewItem extends PlannedItem {
  /** Known of items that come along from an earlier run as they ended there. */
  readonly sha256?: Digest;
  /** Listing of the bytes that were staged. */
  readonly staged?: ListedAsset;
}

export interface ItemRow extends NewItem {
  readonly state: 'todo' | 'claimed' | 'ended';
  readonly attempts: number;
  readonly endedAt?: number;
}

/** One fact of a checkpoint. */
export type Mark =
  | { readonly kind: 'claimed'; readonly run: RunId; readonly item: ItemId }
  | {
      readonly kind: 'attempt';
      readonly run: RunId;
      readonly item: ItemId;
      readonly startedAt: number;
      readonly endedAt: number;
      /** `finished`, `refused` (a finding), or how the worker died. */
      readonly outcome: string;
      readonly detail?: string;
      readonly code?: string;
      readonly class?: FailureClass;
      /** The last lines that the worker or its tool wrote. */
      readonly log?: string;
    }
  | {
      readonly kind: 'ended';
      readonly run: RunId;
      readonly item: ItemId;
      readonly disposition: Disposition;
      readonly at: number;
      readonly sha256?: Digest;
      readonly staged?: ListedAsset;
      readonly fingerprint?: Digest;
      readonly finding?: Finding;
    }
  | { readonly kind: 'made'; readonly run: RunId; readonly at: number; readonly made: Made }
  | {
      readonly kind: 'quarantined';
      readonly run: RunId;
      readonly at: number;
      readonly fingerprint: Digest;
      readonly key: AssetKey;
      readonly recipe: string;
      readonly finding: Finding;
    };

export interface KnownAsset extends KnownListing {
  readonly key: AssetKey;
  readonly bytes: number;
  readonly modifiedAt: number;
  readonly firstSeenAt: number;
}

export interface Settlement {
  /** Absent while nothing was ever published. */
  readonly origin?: RememberedOrigin;
  readonly upserts: readonly Omit<KnownAsset, 'firstSeenAt'>[];
  readonly removed: readonly AssetKey[];
  /** Stamped on rows that are new. */
  readonly at: number;
}

export interface Approval {
  readonly opens: number;
  readonly rule: string;
  readonly reason: string;
  readonly at: number;
}

export interface OpenSwap {
  readonly txn: string;
  readonly run?: RunId;
  /** The seq the swap wants to write. */
  readonly seq: number;
  readonly snapshot?: SnapshotId;
  readonly at: number;
}

export interface GroupRow {
  readonly pgid: number;
  readonly startedAt: string;
  readonly run: RunId;
}

export interface Progress {
  readonly todo: number;
  readonly claimed: number;
  readonly ended: Readonly<Record<Disposition, number>>;
  readonly partitions: readonly (PlannedPartition & {
    readonly ended: number;
    readonly failed: number;
    /** Predicted for the items that ended, and what workers really took for them. */
    readonly endedSeconds: number;
    readonly workedSeconds: number;
  })[];
  /** When the last item ended. */
  readonly lastEndedAt?: number;
  /** Predicted seconds of items not yet ended. */
  readonly remainingSeconds: number;
}

export interface HistoryRow {
  readonly run: RunRow;
  readonly item: ItemRow;
  readonly attempts: readonly AttemptRow[];
}

export interface AttemptRow extends Omit<Extract<Mark, { kind: 'attempt' }>, 'kind' | 'run' | 'item'> {
  readonly number: number;
}

/** Who holds the lock: for people, and for `stop`, which signals nobody it cannot recognise. */
export interface LockHolder {
  readonly pid: number;
  readonly host: string;
  readonly startedAt: number;
  /** Opaque start of the process, as the process table tells it: with the pid it names one process and no other. */
  readonly process?: string;
  readonly run?: RunId;
  /** It was asked to stop: one signal more would make it drop its work. */
  readonly stopping?: boolean;
  /** While the run waits: the close of its window, in ms since the epoch. */
  readonly waitsUntil?: number;
}
