import type { AssetKey, Entry, RunId } from '../domain/types.js';
import type { Withheld } from '../domain/withdraw.js';
import type { Executor } from '../executors/contract.js';
import type { ItemRow } from '../state/contract.js';
import type { Checkpoint } from './checkpoint.js';
import type { DeadlineWatch } from './deadline.js';
import type { InFlight } from './in-flight.js';
import type { Night, ReadyRecipe } from './night.js';
import type { Pool } from './pool.js';
import type { TryBudget } from './try-budget.js';

/** What everybody who works on an item of this run has in reach. */
export interface Workshop {
  readonly night: Night;
  readonly run: RunId;
  readonly recipes: ReadonlyMap<string, ReadyRecipe>;
  /** Live entries of the assets in work. */
  readonly base: ReadonlyMap<AssetKey, Entry>;
  readonly executor: Executor;
  readonly checkpoint: Checkpoint;
  /** Puts of outputs at the origin. */
  readonly puts: Pool;
  /** Equal ones are worked once: from the look at what is remembered to the checkpoint. */
  readonly inFlight: InFlight;
  readonly deadline: DeadlineWatch;
  readonly budget: TryBudget;
  /** Ends the night's work at once; the first reason counts. */
  readonly fail: (reason: unknown) => void;
  /** Nothing more is handed out: the night failed or was asked to stop. */
  readonly halt: AbortSignal;
  /** The grace is over: what is still under way is waited for no longer. */
  readonly leave: AbortSignal;
  /** Items whose remembered result must not be used (`--remake`). */
  readonly remake: (item: ItemRow) => boolean;
  /** Items that are tried although their content is known to fail. */
  readonly insist: (item: ItemRow) => boolean;
  /** Content that is not to be made, whoever asks: known by its bytes, so only when they are staged. */
  readonly withheld: Withheld;
}
