import { type EdgeRecord, exitWithEdges } from '../domain/edges.js';
import type { Head } from '../domain/head.js';
import { tellEdges } from '../engine/edges.js';
import type { OriginCall } from './at-origin.js';
import { openEdges, pause } from './compose.js';
import { type WaitOptions, waitOption } from './options.js';
import { stopOnSignals } from './stop.js';

export interface AfterMove {
  readonly edges: readonly EdgeRecord[];
  /** Exit code of a verb that did what it was asked to. */
  readonly exit: number;
}

/**
 * What becomes of the edges of a job whose head a person moves. Asked before it moves, since a secret that is missing must be
 * told while nothing has happened; what it returns is called with the new head. These verbs know no state: every edge is told,
 * of takedowns those after the commit `since`.
 */
export async function readyEdges(
  call: OriginCall,
  options: WaitOptions,
): Promise<(head: Head, since?: number) => Promise<AfterMove>> {
  const waitMs = waitOption(options, call.job);
  const edges = await openEdges(call.job, call.context);
  return async (head, since) => {
    const stop = stopOnSignals(0, () => undefined); // the head has moved: a signal ends the wait, not the news of it
    try {
      const records = await tellEdges({ edges, clock: call.clock, pause, stop, since }, head, waitMs);
      return { edges: records, exit: exitWithEdges(0, records, waitMs !== undefined) };
    } finally {
      stop.release();
    }
  };
}
