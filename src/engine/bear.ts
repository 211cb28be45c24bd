import type { Result } from '../domain/result.js';
import type { Night } from './night.js';
import { bearingOutages, isStoppedAway, type Patience } from './outage.js';
import { stoppedEarly } from './report.js';

/** A call in which stores may be away for a while; a stop meanwhile, before there is a run, is a result and no fault. */
export async function bear(
  given: Night,
  patience: Patience | undefined,
  call: (night: Night, startedAt: number) => Promise<Result>,
): Promise<Result> {
  const startedAt = given.clock();
  const night = bearingOutages(given, patience);
  try {
    return await call(night, startedAt);
  } catch (error) {
    if (isStoppedAway(night, error)) return stoppedEarly(night, startedAt);
    throw error;
  }
}
