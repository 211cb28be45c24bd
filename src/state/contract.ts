import type { KnownListing } from '../domain/inventory.js';
import type {
  AssetKey,
  Digest,
  Disposition,
  Finding,
  ItemId,
  ListedAsset,
  Made,
  Outcome,
  PartitionId,
  RunId,
  SnapshotId,
  ToolVersions,
  Window,
} from '../domain/types.js';

/**
 * The local state of one job: a cache of the origin's truth plus unfinished work.
 *
 * One process writes (the holder of `lock.db`); any number read. Every method is synchronous and one transaction: when
 * it returns, what it wrote survives a power cut (WAL, `synchronous=FULL`). Errors: `state-corrupt`, `state-newer`,
 * `state-unwritable` as `Fault`; nothing is ever silently started over.
 */
export interface State {
  // What the asset rows reflect.
  origin(): RememberedOrigin | undefined;
  rememberOrigin(origin: RememberedOrigin): void;

  // The ledger of windows.
  windows(): readonly WindowRow[];

  // Runs. At most one is open (`outcome` undefined or `interrupted`).
  beginRun(run: NewRun): void;
  openRun(): RunRow | undefined;
  run(id: RunId): RunRow | undefined;
  /** Newest first. */
  runs(limit: number): readonly RunRow[];
  /** Moves a run along `runMoves` of `domain/states.ts`; an illegal move is a bug and throws. */
  advance(run: RunId, phase: RunPhase): void;
  /** Commits the whole plan before any work and moves the run to `planned`. Written once, never changed. */
  freezePlan(run: RunId, plan: FrozenPlan): void;
  /**
   * Ends the run and, unless it was superseded, sets its window's outcome. `result` is the JSON result record.
   * Unless `interrupted`, nothing of the run can be resumed afterwards; `made` rows stay.
   */
  endRun(run: RunId, end: RunEnd): void;

  // The plan of a run.
  changes(run: RunId): readonly ChangeRow[];
  partitions(run: RunId): readonly PartitionRow[];
  items(run: RunId, partition?: PartitionId): readonly ItemRow[];
  progress(run: RunId): Progress;

  // Work.
  /** `claimed` of a dead attempt returns to `todo`; returns those items. */
  releaseClaims(run: RunId): readonly ItemId[];
  /** Items that validation found to be missing at the origin return to `todo`, whatever they ended as. */
  reopen(run: RunId, items: readonly ItemId[]): void;
  /** The checkpoint: all marks in one transaction, in order. */
  commit(marks: readonly Mark[]): void;
  made(fingerprints: readonly Digest[]): ReadonlyMap<Digest, Made>;
  /** Forgets what was made under these fingerprints (bad blob, `--remake`). */
  forgetMade(fingerprints: readonly Digest[]): void;
  /** Every digest of every remembered output: roots of `collect`. */
  madeDigests(): Iterable<Digest>;
  quarantined(fingerprints: readonly Digest[]): ReadonlyMap<Digest, Finding>;
  releaseQuarantine(fingerprints: readonly Digest[]): void;

  // Assets.
  asset(key: AssetKey): KnownAsset | undefined;
  assetKeys(): readonly AssetKey[];
  /**
   * All assets as `compareInventory` needs them. An asset settled under `recipeSet` comes without its content: it is not
   * asked for, and a hundred thousand digests not read are half the time.
   */
  listings(recipeSet: Digest): ReadonlyMap<AssetKey, KnownListing>;
  /** After a publish: what the live snapshot now holds of these assets. One transaction with `rememberOrigin`. */
  settle(settlement: Settlement): void;
  /** The live snapshot changed behind our back: these assets (or all) must be planned again. */
  unsettle(keys: readonly AssetKey[] | 'all'): void;

  // The swap of the head that is not yet known to have landed.
  openSwap(): OpenSwap | undefined;
  beginSwap(swap: OpenSwap): void;
  endSwap(txn: string): void;

  // Process groups of workers.
  recordGroup(group: GroupRow): void;
  forgetGroup(pgid: number): void;
  groups(): readonly GroupRow[];

  // History and upkeep.
  /** All that is remembered of one asset, newest run first. */
  history(key: AssetKey): readonly HistoryRow[];
  /** Deletes rows of all but the newest `keep` ended runs, and `made` rows not used since the oldest of them. */
  prune(keep: number): void;
  /** Problems SQLite finds (`PRAGMA quick_check`, foreign keys); empty when sound. */
  integrity(): readonly string[];
  close(): void;
}

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
  readonly assets: {
    readonly total: number;
    readonly added: number;
    readonly changed: number;
    readonly unchanged: number;
    readonly removed: number;
    readonly unmatched: number;
  };
  /** Items of assets that need no look; the rest are rows. */
  readonly unchangedItems: number;
  readonly predictedSeconds: number;
  /** Findings of the scan and the plan that belong to no item. */
  readonly findings: readonly Finding[];
}

export interface FrozenPlan {
  readonly totals: PlanTotals;
  readonly changes: readonly ChangeRow[];
  readonly partitions: readonly PartitionRow[];
  readonly items: readonly NewItem[];
}

/** `again`: listing unchanged, but something of it is not settled (carried, failed, recipe or tools changed). */
export type ChangeKind = 'added' | 'changed' | 'again' | 'removed' | 'unreadable';

/** One asset the run has to look at. */
export interface ChangeRow {
  readonly key: AssetKey;
  readonly kind: ChangeKind;
  /** Absent for `removed`. */
  readonly asset?: ListedAsset;
  /** Known before staging, when the listing did not change. */
  readonly sha256?: Digest;
  /** How many recipes match. */
  readonly recipes: number;
}

export interface PartitionRow {
  readonly id: PartitionId;
  /** Order of work: most expensive first. */
  readonly ordinal: number;
  readonly items: number;
  readonly predictedSeconds: number;
}

export interface NewItem {
  readonly id: ItemId;
  readonly key: AssetKey;
  readonly recipe: string;
  readonly because: string;
  readonly predictedSeconds: number;
  /** Absent for items that the plan itself ended (`disposition` set). */
  readonly partition?: PartitionId;
  readonly disposition?: Disposition;
  readonly finding?: Finding;
  readonly fingerprint?: Digest;
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

export interface KnownAsset {
  readonly key: AssetKey;
  readonly bytes: number;
  readonly modifiedAt: number;
  /** Undefined when the listing was too young to be trusted, or the row was adopted from a manifest. */
  readonly listing?: string;
  readonly sha256?: Digest;
  /** How many recipes matched. */
  readonly recipes: number;
  /** `recipeSet` under which the live snapshot holds everything this asset can have. */
  readonly settled?: Digest;
  readonly firstSeenAt: number;
}

export interface Settlement {
  readonly origin: RememberedOrigin;
  readonly upserts: readonly Omit<KnownAsset, 'firstSeenAt'>[];
  readonly removed: readonly AssetKey[];
  /** Stamped on rows that are new. */
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
  readonly partitions: readonly (PartitionRow & { readonly ended: number; readonly failed: number })[];
  /** When the last item ended. */
  readonly lastEndedAt?: number;
  /** Predicted seconds of items not yet ended. */
  readonly remainingSeconds: number;
}

export interface HistoryRow {
  readonly run: RunRow;
  readonly item: ItemRow;
  readonly attempts: readonly {
    readonly number: number;
    readonly startedAt: number;
    readonly endedAt: number;
    readonly outcome: string;
    readonly detail?: string;
  }[];
}

/** Who holds the lock, for people; never used to decide anything. */
export interface LockHolder {
  readonly pid: number;
  readonly host: string;
  readonly startedAt: number;
  readonly run?: RunId;
}
