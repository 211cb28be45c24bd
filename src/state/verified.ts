import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { SnapshotId } from '../domain/types.js';
import { replaceFile } from './files.js';

/**
 * `last-verify.json`: what `verify` found wrong with the live snapshot and could not put right by itself, so that `status`
 * tells it to who was not there. Gone when a later `verify` finds all well; out of date when another snapshot is live or a
 * run ended since. Outside the database: it says nothing that a run needs.
 */
export interface Verified {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly snapshot: SnapshotId;
  readonly problems: number;
  /** The first of them, in one line. */
  readonly first: string;
  readonly next: readonly string[];
}

const verifiedName = 'last-verify.json';

/** For the holder of the job's lock. Throws what the file system throws. */
export function writeVerified(folder: string, verified: Verified): void {
  replaceFile(path.join(folder, verifiedName), `${JSON.stringify(verified)}\n`);
}

export function forgetVerified(folder: string): void {
  rmSync(path.join(folder, verifiedName), { force: true });
}

/** Undefined: nothing was found, or the file was damaged; the next `verify` finds it again. */
export function readVerified(folder: string): Verified | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path.join(folder, verifiedName), 'utf8'));
    return isVerified(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isVerified(value: unknown): value is Verified {
  const { at, snapshot, problems, first, next } = (value ?? {}) as Partial<Record<keyof Verified, unknown>>;
  const commands = Array.isArray(next) && next.every((one) => typeof one === 'string');
  return (
    typeof at === 'number' &&
    typeof snapshot === 'string' &&
    typeof first === 'string' &&
    commands &&
    Number.isSafeInteger(problems)
  );
}
