import { Fault } from '../../../domain/faults.js';
import type { EdgeFile } from './table.js';

/** What a key-value store takes, in bytes. */
export interface StoreLimits {
  /** As people call it. */
  readonly store: string;
  readonly keyBytes: number;
  readonly valueBytes: number;
}

export interface Pair {
  readonly key: string;
  readonly value: string;
}

/** Refuses what would fail at upload, or worse, be half uploaded. */
export function checkPairs(pairs: readonly Pair[], { store, keyBytes, valueBytes }: StoreLimits): void {
  const long = pairs.find(({ key }) => Buffer.byteLength(key) > keyBytes);
  if (long) {
    throw tooSmall(
      `public path ${long.key} makes a key of ${Buffer.byteLength(long.key)} bytes, ${store} takes ${keyBytes}`,
    );
  }
  const wide = pairs.find(({ value }) => Buffer.byteLength(value) > valueBytes);
  if (!wide) return;
  const bytes = Buffer.byteLength(wide.value);
  throw tooSmall(
    `${wide.key} differs in so many snapshots that it takes ${bytes} bytes, ${store} takes ${valueBytes}: export fewer`,
  );
}

export function checkBytes({ name, text }: EdgeFile, limit: number, what: string): void {
  const bytes = Buffer.byteLength(text);
  if (bytes > limit) throw tooSmall(`${name} has ${bytes} bytes, ${what} takes ${limit}`);
}

export function tooSmall(message: string): Fault {
  return new Fault('edge-too-small', message);
}
