import type { Outcome } from './types.js';

/**
 * The life of a run, in one table. A crash leaves a run in any phase with no outcome; the next `run` resumes it there:
 *
 *   scanning    the inventory is being listed; nothing is frozen, so a resumed run scans again
 *   planned     the plan is committed; nothing was handed out
 *   working     items are handed out and checkpointed
 *   validating  every item ended; blobs, collisions and the gate are looked at. Items whose blobs are missing at the
 *               origin return to `todo` and the run to `working`
 *   publishing  manifest, head; repeating it is harmless, because content names itself and the swap knows its txn
 *   ended       one outcome, for good (only `interrupted` may go on)
 */
export const runMoves = {
  scanning: ['planned', 'ended'],
  planned: ['working', 'ended'],
  working: ['working', 'validating', 'ended'],
  validating: ['working', 'validating', 'publishing', 'ended'],
  publishing: ['working', 'publishing', 'ended'],
  ended: ['scanning', 'planned', 'working', 'validating', 'publishing'],
} as const;

export type Phase = keyof typeof runMoves;

/** Only an interrupted run leaves `ended` again. */
export function mayMove(from: Phase, to: Phase, outcome?: Outcome): boolean {
  if (from === 'ended' && outcome !== 'interrupted') return false;
  return (runMoves[from] as readonly Phase[]).includes(to);
}
