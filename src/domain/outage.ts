import type { Decision } from './choose-window.js';
import { deadlineOf } from './deadline.js';

export interface Asked {
  readonly now: number;
  /** The window to be worked belongs to the schedule. */
  readonly scheduled: boolean;
  readonly deadline: number | 'none' | undefined;
}

/**
 * Until when a run waits for a store that is away, in milliseconds since the epoch; undefined: it does not. As long as it
 * has time to work: to the close of its window, or to the deadline that a person set. A run outside the schedule was begun
 * by somebody who looks at it, and one without an end would wait for ever.
 */
export function bearsUntil(decision: Decision, { now, scheduled, deadline }: Asked): number | undefined {
  const isBound = scheduled || deadline !== undefined;
  return decision.kind === 'nothing' || !isBound ? undefined : deadlineOf(decision.window, now, deadline);
}

const firstPauseMs = 1000;
const longestPauseMs = 60_000;

/**
 * Before the next look at something that is away. "Equal jitter": between a half and the whole of a bound that doubles
 * with each failure, because sooner there is nothing to be had (M. Brooker, "Exponential Backoff And Jitter", AWS
 * Architecture Blog, 2015). `failures` from 1, `random` as `Math.random`.
 */
export function outagePauseMs(failures: number, random: () => number): number {
  const bound = Math.min(longestPauseMs, firstPauseMs * 2 ** failures);
  return Math.floor(bound / 2 + (random() * bound) / 2);
}
