import type { WorkOrder, WorkResult } from '../processors/contract.js';

/**
 * How one attempt ended. `died` costs only this attempt: the worker was replaced. A death is never the item's proven
 * fault; the engine decides about another attempt.
 */
export type Attempt =
  | { readonly kind: 'finished'; readonly result: WorkResult }
  | {
      readonly kind: 'died';
      readonly how: 'crashed' | 'timed-out' | 'out-of-memory' | 'output-limit' | 'stopped';
      /** One line: signal, exit code, limit and measured value. */
      readonly detail: string;
      /** Last lines of the worker's stderr, at most 4 kB. */
      readonly log?: string;
    };

/** A process group as the kernel knows it; the start time guards against a reused number. */
export interface ProcessGroup {
  readonly pgid: number;
  /** Opaque: the leader's start, and whatever else tells what it started from all other processes. */
  readonly startedAt: string;
}

/**
 * Runs work orders, at most `workers` at once (the caller bounds it; a surplus call waits).
 *
 * Limits bind outside the working process: wall clock, memory of the whole group, bytes in the outbox.
 * Rejects only for faults of the executor itself (`executor-failed`), never for an item; and with the system error, its
 * `code` kept (`ENOSPC`, `EDQUOT`, `EROFS`, `EIO`), when the disk refuses a worker: that is no item's failure either.
 */
export interface Executor {
  execute(order: WorkOrder): Promise<Attempt>;
  /** Kills every group now; pending calls resolve as `stopped`. */
  kill(): Promise<void>;
  /** Lets idle workers end; resolves when no process is left. */
  close(): Promise<void>;
}

export interface ExecutorOptions {
  readonly workers: number;
  /** Called before a worker gets its first order: the coordinator records the group so that a later run can kill it. */
  onStart(group: ProcessGroup): void;
  /** Called when the group is gone. */
  onEnd(group: ProcessGroup): void;
}

export interface ExecutorKind {
  open(options: ExecutorOptions): Executor;
  /** Kills groups recorded by a dead run, where they still are what was recorded. Returns those killed. */
  reap(groups: readonly ProcessGroup[]): Promise<readonly ProcessGroup[]>;
}
