import type { ProcessGroup } from '../contract.js';

/** A process that can still do something; a zombie, which only waits to be asked for, is none. */
export interface LiveProcess {
  readonly pid: number;
  /** Resident, shared pages counted in full. */
  readonly memoryBytes: number;
}

/** What the kernel says of processes and their groups. Every call looks anew. */
export interface ProcessTable {
  /** How often a busy worker is looked at, by what a look costs. */
  readonly lookEveryMs: number;
  /** Opaque start time of a process, zombie or not; unique together with the number. Undefined: there is none. */
  startTime(pid: number): string | undefined;
  /** The process and what it started. May miss a process whose parent has ended. Cheap enough for every order. */
  family(pid: number): readonly LiveProcess[];
  /** Everything in the process group. Looks at every process of the machine: milliseconds. */
  group(pgid: number): readonly LiveProcess[];
  /**
   * Processes that were started with this mark in their environment, whatever group, session or parent they have by now.
   * Only Linux tells; elsewhere none.
   */
  marked(mark: string): readonly LiveProcess[];
  /** Whether the group of this number is the one that was recorded. Where it cannot be known: no. */
  isStill(group: ProcessGroup): boolean;
}
