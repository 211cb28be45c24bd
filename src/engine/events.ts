import type { EdgeRecord } from '../domain/edges.js';
import type { Finding, ItemId, Outcome, PartitionId, RunId, SnapshotId, Window } from '../domain/types.js';
import type { RunPhase } from '../state/contract.js';

/**
 * Everything a run says while it works, in one place: the log file, the progress block, `--json` lines and the tests
 * that kill a run at a named point all listen here. Listeners are called synchronously and must not throw.
 */
export type NightEvent =
  | {
      readonly type: 'run';
      readonly run: RunId;
      readonly window: Window;
      readonly resumed: boolean;
      readonly because: string;
    }
  | { readonly type: 'phase'; readonly phase: RunPhase }
  | { readonly type: 'adopted'; readonly snapshot: SnapshotId; readonly assets: number }
  /** Nodes of the live manifest are lost: the run stands on the assets that can still be read. */
  | { readonly type: 'salvaged'; readonly snapshot: SnapshotId; readonly lost: number; readonly assets: number }
  | { readonly type: 'reaped'; readonly pgid: number }
  | { readonly type: 'scanned'; readonly assets: number; readonly findings: number }
  | {
      readonly type: 'planned';
      readonly items: number;
      readonly unchanged: number;
      readonly partitions: number;
      readonly predictedSeconds: number;
    }
  | {
      /** A run goes on with the plan it has: what is left of it, and what had ended before. */
      readonly type: 'resumed';
      readonly items: number;
      readonly ended: number;
      readonly predictedSeconds: number;
    }
  | {
      /** The deadline will probably come before the night is through: told once. Instants in ms since the epoch. */
      readonly type: 'at-risk';
      readonly deadline: number;
      readonly expectedAt: number;
      /** Of the work that is left, what will not be done: 0 to 1. */
      readonly leftShare: number;
    }
  | {
      /** All is done, and the job goes live at the close of the window: `until` in ms since the epoch, `label` by the clock of `zone`, the job's. */
      readonly type: 'waiting';
      readonly run: RunId;
      readonly until: number;
      readonly label: string;
      readonly zone: string;
    }
  /** Origin or source cannot be reached: until then (ms since the epoch, and in the job's zone) the run waits for it. */
  | {
      readonly type: 'away';
      readonly what: 'origin' | 'source';
      readonly until: number;
      readonly label: string;
      readonly zone: string;
      readonly message: string;
    }
  | { readonly type: 'back'; readonly what: 'origin' | 'source'; readonly waitedMs: number }
  | {
      readonly type: 'partition';
      readonly partition: PartitionId;
      readonly state: 'started' | 'ended';
      readonly items: number;
    }
  | {
      readonly type: 'item-started';
      readonly item: ItemId;
      readonly key: string;
      readonly recipe: string;
      readonly attempt: number;
    }
  | {
      readonly type: 'attempt-failed';
      readonly item: ItemId;
      readonly key: string;
      readonly recipe: string;
      readonly how: string;
      readonly detail: string;
      readonly log?: string;
    }
  /** Workers died over it: it is tried once more when nothing else is in work. */
  | { readonly type: 'set-aside'; readonly item: ItemId; readonly key: string; readonly recipe: string }
  | {
      readonly type: 'item-ended';
      readonly item: ItemId;
      readonly key: string;
      readonly recipe: string;
      readonly disposition: string;
      readonly predictedSeconds: number;
      readonly elapsedMs: number;
      readonly verifyCpuMs: number;
      readonly madeBytes: number;
      readonly finding?: Finding;
    }
  | { readonly type: 'blob-stored'; readonly sha256: string; readonly bytes: number }
  | { readonly type: 'checkpointed'; readonly items: readonly ItemId[] }
  | { readonly type: 'finding'; readonly finding: Finding }
  | { readonly type: 'manifest-ready'; readonly snapshot: SnapshotId; readonly nodes: number }
  | { readonly type: 'manifest-stored'; readonly snapshot: SnapshotId }
  | { readonly type: 'head-ready'; readonly seq: number; readonly snapshot: SnapshotId }
  | {
      readonly type: 'head-moved';
      readonly seq: number;
      readonly snapshot: SnapshotId;
      /** `live`, `staged`, or another channel. */
      readonly channel: string;
    }
  | ({ readonly type: 'edge' } & EdgeRecord)
  | { readonly type: 'rebased'; readonly attempt: number; readonly onto?: SnapshotId; readonly theirs: number }
  | { readonly type: 'held'; readonly rules: readonly string[]; readonly messages: readonly string[] }
  | { readonly type: 'collected'; readonly objects: number; readonly bytes: number }
  | { readonly type: 'stopping'; readonly signal: string; readonly graceMs: number }
  | { readonly type: 'ended'; readonly outcome: Outcome };

export type Emit = (event: NightEvent) => void;

/**
 * The points of a night at which a crash is worth a test, by the event that marks them. `blob-stored` is after a blob
 * and before its checkpoint; `manifest-ready` before and `manifest-stored` after the manifest; `head-ready` before and
 * `head-moved` after the head.
 */
export const crashPoints = [
  'planned',
  'item-started',
  'blob-stored',
  'checkpointed',
  'manifest-ready',
  'manifest-stored',
  'head-ready',
  'head-moved',
] as const satisfies readonly NightEvent['type'][];
