import type { Fault } from '../../domain/faults.js';
import type { Result } from '../../domain/result.js';
import { liveLine } from './result.js';
import { printable } from './units.js';

export interface FaultFacts {
  readonly job?: string;
  readonly channel?: string;
  /** What the origin shows all the same. */
  readonly live?: Result['live'];
  readonly lastSeen?: Result['lastSeen'];
}

/** What a person reads when a command could not begin: the cause, every problem, what is still live, what to do next. */
export function faultLines(
  fault: Pick<Fault, 'message' | 'problems' | 'waysOut'>,
  { job, channel, live, lastSeen }: FaultFacts = {},
): readonly string[] {
  return [
    `nightpress: ${printable(fault.message)}`,
    ...fault.problems.map((problem) => `  ${printable(problem)}`),
    ...(live === undefined ? [] : [`  ${channel ?? 'live'}: ${liveLine(live, lastSeen)}`]),
    ...fault.waysOut.map((way) => `  next: ${way.replaceAll(' {job}', job === undefined ? '' : ` ${job}`)}`),
  ];
}
