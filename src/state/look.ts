import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { RunId } from '../domain/types.js';
import { replaceFile } from './files.js';

/**
 * `last-look.json`: how the newest call that held the job's lock ended, whether there was something to do or not. So
 * "nothing changed" can be told from "nobody looked". Kept outside the database, which a night with nothing to do need not
 * write, and which may be what is broken. Rejected: the newest run's row; a call without work has none.
 */
export interface Look {
  /** When the call ended; milliseconds since the epoch. */
  readonly at: number;
  readonly exit: number;
  /** Null: there was nothing to do, or a fault before there was a run. */
  readonly run: RunId | null;
  /** Why there was nothing to do, or what was wrong. */
  readonly because: string | null;
}

const lookName = 'last-look.json';

/** For the holder of the job's lock. Throws what the file system throws. */
export function writeLook(folder: string, look: Look): void {
  replaceFile(path.join(folder, lookName), `${JSON.stringify(look)}\n`);
}

/** Undefined: nobody looked yet, or the file was damaged, which costs one false alarm at most. */
export function readLook(folder: string): Look | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path.join(folder, lookName), 'utf8'));
    return isLook(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isLook(value: unknown): value is Look {
  const { at, exit, run, because } = (value ?? {}) as Partial<Record<keyof Look, unknown>>;
  const text = (one: unknown) => one === null || typeof one === 'string';
  const instant = typeof at === 'number' && Math.abs(at) <= 8.64e15;
  return instant && Number.isSafeInteger(exit) && text(run) && text(because);
}
