import { sha256 } from '../domain/digest.js';
import type { Sql, Value } from './sql.js';

/**
 * SQLite finds a broken page, not a flipped bit in a text. Where such a bit would end in a manifest, the row's JSON
 * column ends in a `sum`: the first 16 hex digits of the sha256 of the JSON before it and of the columns `beside` it.
 * Rows that are only ever compared with the source or the origin need none: a flipped bit makes them differ, and the
 * asset is looked at again. Rejected: a sum over the whole file at every close (0.45 s for 100,000 assets, every night,
 * to read what the night never asks for).
 */
export function toSummed(value: object | undefined, beside: readonly Value[]): string {
  const open = JSON.stringify(value ?? {}).slice(0, -1);
  return `${open}${open === '{' ? '' : ','}"sum":"${sumOf(open, beside)}"}`;
}

const tail = /,?"sum":"([0-9a-f]{16})"\}$/;

/**
 * Undefined: there was no value. Throws `state-corrupt`. A row of a time without sums is taken as it is; so is one whose
 * flipped bit hit the word `sum`, which then is a member that nobody asks for.
 */
export function fromSummed<T extends object>(sql: Sql, text: string | null, beside: readonly Value[]): T | undefined {
  if (text === null) return undefined;
  const found = tail.exec(text);
  if (!found) return sql.json<T>(text);
  const open = text.slice(0, found.index);
  if (found[1] !== sumOf(open, beside)) throw sql.corrupt('a row is not what was written');
  return open === '{' ? undefined : sql.json<T>(`${open}}`);
}

function sumOf(open: string, beside: readonly Value[]): string {
  return sha256([open, ...beside].join('\n')).slice(0, 16);
}
