import { hostname } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { errno, Fault } from '../domain/faults.js';
import { isSameHolder, type Whereabouts, whereIs } from '../domain/stopping.js';
import { tableOfThisMachine } from '../executors/processes/this-machine.js';
import type { LockHolder } from '../state/contract.js';
import { holdLock, isLocked, readLockHolder } from '../state/lock.js';

/** `none`: nobody held the job. `holder` is what was last known of the call that was asked. */
export type Stopped =
  | { readonly kind: 'none' }
  | { readonly kind: 'asked' | 'ended' | 'late'; readonly holder: LockHolder };

export interface StopRequest {
  /** Drop what is in flight. */
  readonly now: boolean;
  /** Milliseconds to wait for the end; undefined: not at all. */
  readonly waitMs: number | undefined;
}

const lookEveryMs = 50;
/** A holder writes down who it is right after taking the lock; what is on the disk before that is of an earlier one. */
const introductionMs = 1000;
/** A run notes that it was asked as soon as its event loop comes round. */
const noticeMs = 5000;
/** One stop after the other: longer than an introduction and a notice. */
const turnMs = 15_000;

/**
 * Asks whoever holds the job to stop, by SIGTERM, and waits until the kernel has given its lock free. Asking again is no
 * second signal, which would cost the work in flight: a run notes that it was asked, and stops ask one after the other.
 *
 * Nobody is signalled but a process of this host that started as `lock.json` says while the kernel says that the job is
 * held. Throws `usage` for one of another host or user, `run-locked` for one that cannot be recognised.
 */
export async function stopRun(folder: string, request: StopRequest): Promise<Stopped> {
  if (!isLocked(folder)) return { kind: 'none' };
  const holder = await holdLock(path.join(folder, 'stop.db'), turnMs, () => ask(folder, request.now));
  if (!holder) return { kind: 'none' };
  if (request.waitMs === undefined) return { kind: 'asked', holder };
  return await ended(folder, holder, request.waitMs);
}

/** Undefined: it ended before it could be asked. */
async function ask(folder: string, now: boolean): Promise<LockHolder | undefined> {
  const holder = await recognised(folder);
  if (!holder) return undefined;
  if (!holder.stopping) {
    signal(folder, holder);
    await lookUntil(noticeMs, () => isGone(folder, holder) || readLockHolder(folder)?.stopping === true);
  }
  if (now) signal(folder, holder);
  return holder;
}

/** Undefined: nobody holds the job any more. */
async function recognised(folder: string): Promise<LockHolder | undefined> {
  const isKnown = () => {
    const seen = readLockHolder(folder);
    return !isLocked(folder) || (seen !== undefined && whereabouts(seen) === 'here');
  };
  if (!(await lookUntil(introductionMs, isKnown))) throw notFound(folder, readLockHolder(folder));
  return isLocked(folder) ? readLockHolder(folder) : undefined;
}

function whereabouts(holder: LockHolder): Whereabouts {
  return whereIs(holder, { host: hostname(), processOf: (pid) => tableOfThisMachine().startTime(pid) });
}

function notFound(folder: string, holder: LockHolder | undefined): Fault {
  if (holder && whereabouts(holder) === 'elsewhere') {
    const message = `the run is pid ${holder.pid} on host '${holder.host}', this is '${hostname()}': expected to be called there`;
    return new Fault('usage', message, { hint: `on ${holder.host}: nightpress stop {job}` });
  }
  const who = holder
    ? `pid ${holder.pid}, as it is told there, is another process or cannot be seen from here`
    : 'nobody is told there';
  return new Fault(
    'run-locked',
    `${folder}/lock.json does not lead to who holds the job: ${who}; nobody was signalled`,
  );
}

/** Looked at once more in the same breath: a number that was given to another process meanwhile gets no signal. */
function signal(folder: string, holder: LockHolder): void {
  if (isGone(folder, holder) || whereabouts(holder) !== 'here') return;
  try {
    process.kill(holder.pid, 'SIGTERM');
  } catch (error) {
    if (errno(error) === 'ESRCH') return;
    if (errno(error) !== 'EPERM') throw error;
    throw new Fault('usage', `pid ${holder.pid} belongs to another user: expected stop to be called by that user`, {
      cause: error,
    });
  }
}

async function ended(folder: string, asked: LockHolder, waitMs: number): Promise<Stopped> {
  let holder = asked;
  const isOver = await lookUntil(waitMs, () => {
    const seen = readLockHolder(folder);
    if (seen && isSameHolder(seen, asked)) holder = seen; // its run may have begun meanwhile
    return isGone(folder, asked);
  });
  return { kind: isOver ? 'ended' : 'late', holder };
}

/** The lock is free, or another call has it already. */
function isGone(folder: string, holder: LockHolder): boolean {
  if (!isLocked(folder)) return true;
  const seen = readLockHolder(folder);
  return seen !== undefined && !isSameHolder(seen, holder);
}

/** False: it did not come to that within `ms`. */
async function lookUntil(ms: number, look: () => boolean): Promise<boolean> {
  const until = performance.now() + ms;
  while (!look()) {
    if (performance.now() >= until) return false;
    await pause(lookEveryMs);
  }
  return true;
}
