import { randomUUID } from 'node:crypto';
import type { ProcessGroup } from '../contract.js';

/*
 * A tool that calls setsid leaves its worker's group, and one that forks twice has no parent any more. What both keep is
 * the environment they were started with: each worker has a mark of its own in it. Recorded behind the group's start time,
 * which is opaque to everybody else, so that a later run finds them too. Who also empties its environment escapes once
 * its parent is gone; only control groups, which need privileges, would hold it.
 */
export const markName = 'NIGHTPRESS_WORKER';

export function newMark(): string {
  return randomUUID();
}

const separator = ' mark=';

export function withMark({ pgid, startedAt }: ProcessGroup, mark: string): ProcessGroup {
  return { pgid, startedAt: `${startedAt}${separator}${mark}` };
}

/** The group as the kernel knows it; groups recorded by older versions have no mark. */
export function readMark({ pgid, startedAt }: ProcessGroup): {
  readonly group: ProcessGroup;
  readonly mark: string | undefined;
} {
  const [start = '', mark] = startedAt.split(separator);
  return { group: { pgid, startedAt: start }, mark };
}
