import { accessSync, constants, existsSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { errno, Fault } from '../domain/faults.js';
import type { RunId } from '../domain/types.js';
import type { LockHolder } from './contract.js';
import { makeFolder, replaceFile } from './files.js';
import { orFault, storageFault } from './storage-fault.js';

/**
 * A lock is a SQLite transaction: `BEGIN EXCLUSIVE` on an empty database, never committed. Held by the kernel for the
 * process, it ends with it, however it ends, and a stopped process (SIGSTOP) still has it. Nothing is ever written.
 *
 * `lock.db` must not be opened by anything but SQLite: closing any descriptor of a file drops the POSIX locks that this
 * process has on it. Rejected: a file with a pid (pids come again, containers share them), a row with a heartbeat (a
 * slow night loses its lock, a dead one keeps it), flock (no binding in Node).
 *
 * `lock.json` beside it tells who holds it. Whether the job is held is never decided by it; it may be stale, missing or
 * garbled.
 */
const lockName = 'lock.db';
const holderName = 'lock.json';
const pollMs = 25;

/** Locks of this process by real path. Also keeps the connections from being collected, which would end the lock. */
const held = new Map<string, Database.Database>();

export interface JobLock {
  /** Idempotent, never throws. */
  release(): void;
  /** Tells people which run this is and, while it does, until when it waits; throws `state-unwritable`. */
  update(run: RunId, waitsUntil?: number): void;
  /** Tells that the holder was asked to stop; throws `state-unwritable`. */
  stopping(): void;
}

/**
 * Holds the job whose folder this is (made if need be) for as long as the process lives, or until `release`. Waits up to
 * 5 s, or `waitMs` (`Infinity`: for ever), without blocking. Throws `run-locked`, which names the holder; at once when
 * this process holds it already.
 */
export async function holdJobLock(
  folder: string,
  holder: LockHolder,
  { waitMs = 5000 }: { readonly waitMs?: number } = {},
): Promise<JobLock> {
  makeFolder(folder);
  const file = lockFile(folder);
  const free = held.has(file) ? undefined : await take(file, waitMs);
  if (!free) throw lockedBy(folder);
  let who = holder;
  const tell = (more: Partial<LockHolder>) => {
    who = { ...who, ...more };
    writeHolder(folder, who);
  };
  try {
    tell({});
  } catch (error) {
    free();
    throw error;
  }
  let released = false;
  return {
    update: (run, waitsUntil) => tell({ run, waitsUntil }),
    stopping: () => tell({ stopping: true }),
    release: () => {
      if (released) return;
      released = true;
      try {
        rmSync(path.join(folder, holderName), { force: true });
      } catch {
        // a folder that cannot be written any more: a stale name misleads nobody, and how the run ended must still be told
      } finally {
        free();
      }
    },
  };
}

/**
 * Does `work` while holding `file`, an empty file of its own in a folder that exists. Waits up to `waitMs` without
 * blocking, for others of this process too; then throws `run-locked`.
 */
export async function holdLock<T>(file: string, waitMs: number, work: () => Promise<T>): Promise<T> {
  const free = await take(file, waitMs);
  if (!free) throw new Fault('run-locked', `${file} is held by another process: waited ${waitMs / 1000} s for it`);
  try {
    return await work();
  } finally {
    free();
  }
}

/** Whether a live process holds the job, without disturbing it; makes no file. */
export function isLocked(folder: string): boolean {
  if (!existsSync(path.join(folder, lockName))) return false;
  const file = lockFile(folder);
  return held.has(file) || isTaken(file);
}

/** Who wrote `lock.json` last: the holder, if there is one. */
export function readLockHolder(folder: string): LockHolder | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path.join(folder, holderName), 'utf8'));
    return isHolder(value) ? value : undefined;
  } catch {
    return undefined; // missing, or cut off by a crash: people are told less, nothing depends on it
  }
}

async function take(file: string, waitMs: number): Promise<(() => void) | undefined> {
  const until = performance.now() + waitMs;
  const db = orFault(file, () => connect(file));
  while (!orFault(file, () => begin(db))) {
    if (performance.now() >= until) {
      db.close();
      return undefined;
    }
    await pause(pollMs);
  }
  held.set(file, db);
  return () => {
    held.delete(file);
    db.close();
  };
}

/** On a file that it may not write, SQLite answers BEGIN EXCLUSIVE with a shared lock, and many would hold the job. */
function connect(file: string): Database.Database {
  const db = new Database(file, { timeout: 0 });
  try {
    accessSync(file, constants.W_OK);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function begin(db: Database.Database): boolean {
  try {
    db.pragma('journal_mode = MEMORY'); // no lock.db-journal: there is nothing to roll back
    db.exec('BEGIN EXCLUSIVE');
    return true;
  } catch (error) {
    if (isBusy(error)) return false;
    db.close();
    throw error;
  }
}

/** Reading needs a moment of a shared lock, which the holder's exclusive one refuses. */
function isTaken(file: string): boolean {
  const db = orFault(file, () => new Database(file, { readonly: true, timeout: 0 }));
  try {
    db.prepare('SELECT count(*) FROM sqlite_schema').get();
    return false;
  } catch (error) {
    if (isBusy(error)) return true;
    throw storageFault(error, file);
  } finally {
    db.close();
  }
}

function isBusy(error: unknown): boolean {
  return errno(error)?.startsWith('SQLITE_BUSY') ?? false;
}

/** One name for one file, through whatever links it was reached. */
function lockFile(folder: string): string {
  return path.join(realpathSync(folder), lockName);
}

function writeHolder(folder: string, holder: LockHolder): void {
  const file = path.join(folder, holderName);
  orFault(file, () => replaceFile(file, `${JSON.stringify(holder)}\n`));
}

function lockedBy(folder: string): Fault {
  const holder = readLockHolder(folder);
  const who = holder
    ? `pid ${holder.pid} on ${holder.host} since ${new Date(holder.startedAt).toISOString()}${holder.run ? `, run ${holder.run}` : ''}`
    : `a process that ${holderName} does not tell`;
  return new Fault('run-locked', `another run holds ${folder}: ${who}; expected it to end first`);
}

function isHolder(value: unknown): value is LockHolder {
  const { pid, host, startedAt, run, waitsUntil, ...told } = (value ?? {}) as Partial<
    Record<keyof LockHolder, unknown>
  >;
  const text = (one: unknown) => one === undefined || typeof one === 'string';
  const process = Number.isSafeInteger(pid) && Number(pid) > 0; // what is not above zero is a group to kill(2)
  const instants = isInstant(startedAt) && (waitsUntil === undefined || isInstant(waitsUntil));
  return process && typeof host === 'string' && instants && text(run) && text(told.process);
}

function isInstant(value: unknown): boolean {
  return typeof value === 'number' && Math.abs(value) <= 8.64e15;
}
