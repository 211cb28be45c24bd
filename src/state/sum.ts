import { sha256 } from '../domain/digest.js';
import type { Sql, Value } from './sql.js';

/**
 * SQLite finds a broken page, not a flipped bit in a text. Where such a bit would end in a manifest, the row's JSON
 * column carries a `sum`: the first 16 hex digits of the sha256 of its own value and of the columns `beside` it. Rows
 * that are only ever compared with the source or the origin need none: a flipped bit makes them differ, and the asset is
 * looked at again. Rejected: a sum over the whole file at every close (0.45 s for 100,000 assets, every night, to read
 * what the night never asks for).
 */
export function toSummed(value: object | undefined, beside: readonly Value[]): string {
  return JSON.stringify({ ...value, sum: sumOf(value ?? {}, beside) });
}

/** Undefined: there was no value. Throws `state-corrupt`. A row of a time without sums is taken as it is. */
export function fromSummed<T extends object>(sql: Sql, text: string | null, beside: readonly Value[]): T | undefined {
  if (text === null) return undefined;
  const { sum, ...value } = sql.json<{ readonly sum?: unknown }>(text);
  if (sum !== undefined && sum !== sumOf(value, beside)) throw sql.corrupt('a row is not what was written');
  return Object.keys(value).length === 0 ? undefined : (value as T);
}

function sumOf(value: object, beside: readonly Value[]): string {
  return sha256(JSON.stringify([value, ...beside])).slice(0, 16);
}
