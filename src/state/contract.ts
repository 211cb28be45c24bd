import type { Acceptance } from '../domain/acceptance.js';
import type { CostRow, FinishedWork } from '../domain/cost.js';
import type { ToldEdge } from '../domain/edges.js';
import type { Change, KnownListing } from '../domain/inventory.js';
import type { PlannedPartition } from '../domain/plan.js';
import type { AssetKey, Digest, Finding, ItemId, Made, PartitionId, RunId } from '../domain/types.js';
import type { UploadMemory } from '../domain/uploads.js';
import type {
  Approval,
  AttemptRow,
  FrozenPlan,
  GroupRow,
  HistoryRow,
  ItemRow,
  KnownAsset,
  Mark,
  NewRun,
  OpenSwap,
  Progress,
  RememberedOrigin,
  RunEnd,
  RunPhase,
  RunRow,
  Settlement,
  WindowRow,
} from './rows.js';

/** What the methods below take and give. */
export type * from './rows.js';
export type { Verified } from './verified.js';

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

  // Edges: what each was last told of.
  told(): readonly ToldEdge[];
  rememberTold(told: ToldEdge & { readonly at: number }): void;

  // Stores of origins that keep what a commit relies on, and when that was tried last.
  storeProvedAt(place: string): number | undefined;
  rememberStore(place: string, at: number): void;

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
  changes(run: RunId): readonly Change[];
  partitions(run: RunId): readonly PlannedPartition[];
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
  /** What items really cost; written anew by `learnCosts`, a row each sort. */
  costs(): readonly CostRow[];
  learnCosts(rows: readonly CostRow[]): void;
  /** Items that ended with this finding in the newest run that was planned and has an outcome. */
  endedWith(code: string): readonly ItemId[];
  /** What workers finished in a run, in the order they did. */
  finishedWork(run: RunId): readonly FinishedWork[];
  quarantined(fingerprints: readonly Digest[]): ReadonlyMap<Digest, Finding>;
  releaseQuarantine(fingerprints: readonly Digest[]): void;

  // Failures that somebody lives with.
  accepted(): readonly Acceptance[];
  accept(rows: readonly Acceptance[]): void;
  revoke(items: readonly ItemId[]): void;

  // Gate rules lifted beforehand, each for the window that opens then.
  approvals(opens: number): readonly Approval[];
  approve(approval: Approval): void;

  /** Of items that a run carried: when the first of the runs in a row that carried them ended with them. */
  carriedSince(run: RunId): ReadonlyMap<ItemId, number>;

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
  /** Live blobs of these assets are damaged: they are unsettled, and known as `condemned` until they are looked at anew. */
  condemn(keys: readonly AssetKey[]): void;
  condemned(): number;

  // The swap of the head that is not yet known to have landed.
  openSwap(): OpenSwap | undefined;
  beginSwap(swap: OpenSwap): void;
  endSwap(txn: string): void;

  /** Uploads in parts that a run began at the origin. */
  readonly uploads: UploadMemory;

  // Process groups of workers.
  recordGroup(group: GroupRow): void;
  forgetGroup(pgid: number): void;
  groups(): readonly GroupRow[];

  // History and upkeep.
  attempts(run: RunId, item: ItemId): readonly AttemptRow[];
  /** All that is remembered of one asset, newest run first. */
  history(key: AssetKey): readonly HistoryRow[];
  /** Deletes rows of all but the newest `keep` ended runs, and `made` rows not used since the oldest of them. */
  prune(keep: number): void;
  /** Problems SQLite finds (`PRAGMA quick_check`, foreign keys); empty when sound. */
  integrity(): readonly string[];
  close(): void;
}
