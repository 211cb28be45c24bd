import type { Attempt } from '../contract.js';
import { heapMegabytes } from './spawn.js';

export type Death = Extract<Attempt, { kind: 'died' }>;

/** What a process left behind: how it ended, and the last it printed. */
export interface Remains {
  readonly exitCode: number | null;
  readonly signalCode: string | null;
  readonly stderr: string;
}

const logLength = 4096;

export function death(how: Death['how'], detail: string, { stderr }: Remains): Death {
  return { kind: 'died', how, detail, log: stderr === '' ? undefined : stderr.slice(-logLength) };
}

/** V8 prints this and aborts when its heap is full; the signal alone could be any crash. */
const heapFull = /fatal.{0,200}out of memory/is;

export function exitDeath(remains: Remains): Death {
  const ending = remains.signalCode ? `signal ${remains.signalCode}` : `exit code ${remains.exitCode}`;
  if (!heapFull.test(remains.stderr)) return death('crashed', `the worker ended with ${ending}`, remains);
  return death('out-of-memory', `JavaScript heap full (${ending}), expected at most ${heapMegabytes} MB`, remains);
}
