import type { FailureClass } from './types.js';

/** One attempt at an item that gave no outputs. */
export interface FailedTry {
  readonly class: FailureClass;
  /** The worker did not live to say what was wrong, so nobody knows yet whose fault it was. */
  readonly died: boolean;
  /** Nothing else was in work beside it. */
  readonly alone: boolean;
}

/**
 * What becomes of an item after its failed tries:
 *
 *   again    after a pause
 *   alone    two workers died over it: once more when nothing else is in work, so that it alone can be to blame
 *   poison   it ended a worker alone: it is, and is not tried again until content, recipe or limits change
 *   give-up  it has failed for good, or for tonight
 */
export type NextTry =
  | { readonly kind: 'again'; readonly afterMs: number }
  | { readonly kind: 'alone' }
  | { readonly kind: 'poison' }
  | { readonly kind: 'give-up' };

export interface TryLimits {
  /** From 0 to 1, as `Math.random`. */
  readonly random: () => number;
  /** How many more failures of the machinery the night bears; beyond, such an item fails at once. */
  readonly infrastructureLeft: number;
}

/** As many workers may die over an item while others are at work. */
export const mostDeaths = 2;
const mostTries = 3;
/** The machinery's failures are not held against the item, so they do not use up its tries. */
const mostInfrastructure = 4;
/** Of one night, over all items: a broken installation must not take the window. */
export const infrastructureBudget = 100;

export function nextTry(failed: readonly FailedTry[], limits: TryLimits): NextTry {
  const last = failed.at(-1);
  if (!last || last.class === 'input' || last.class === 'recipe') return { kind: 'give-up' };
  if (last.died) return afterDeath(failed, last, limits);
  const alike = failed.filter((one) => !one.died && isOfMachinery(one) === isOfMachinery(last)).length;
  const isSpent = isOfMachinery(last)
    ? alike >= mostInfrastructure || limits.infrastructureLeft <= 0
    : alike >= mostTries;
  return isSpent ? { kind: 'give-up' } : { kind: 'again', afterMs: pauseMs(alike, limits.random) };
}

function afterDeath(failed: readonly FailedTry[], last: FailedTry, { random }: TryLimits): NextTry {
  if (last.alone) return { kind: 'poison' };
  const deaths = failed.filter(({ died }) => died).length;
  return deaths >= mostDeaths ? { kind: 'alone' } : { kind: 'again', afterMs: pauseMs(deaths, random) };
}

function isOfMachinery(one: FailedTry): boolean {
  return one.class === 'infrastructure';
}

const basePauseMs = 500;
const longestPauseMs = 8000;

/**
 * "Full jitter": anything from nothing to a bound that doubles with each failure, so that what failed together does not
 * come back together (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015). `failures` from 1.
 */
export function pauseMs(failures: number, random: () => number): number {
  return Math.floor(random() * Math.min(longestPauseMs, basePauseMs * 2 ** failures));
}
