import type Database from 'better-sqlite3';
import type { Fault } from '../domain/faults.js';
import { corrupt, orFault } from './storage-fault.js';

export type Value = string | number | null;

/**
 * One connection with its prepared statements. Every error of SQLite leaves here as a `Fault`, or is a bug.
 *
 * Rows are cast to the shape the caller names: the schema is known to be ours (checked at open) and its tables are
 * STRICT, so a column has the type it was declared with.
 */
export class Sql {
  readonly #db: Database.Database;
  readonly #file: string;
  readonly #statements = new Map<string, Database.Statement<unknown[], unknown>>();

  constructor(db: Database.Database, file: string) {
    this.#db = db;
    this.#file = file;
  }

  row<Row>(text: string, ...values: readonly Value[]): Row | undefined {
    return this.#guarded(() => this.#prepared(text).get(...values) as Row | undefined);
  }

  rows<Row>(text: string, ...values: readonly Value[]): Row[] {
    return this.#guarded(() => this.#prepared(text).all(...values) as Row[]);
  }

  /** The first column of every row. */
  column<T extends Value>(text: string, ...values: readonly Value[]): T[] {
    return this.#guarded(
      () =>
        this.#prepared(text)
          .pluck(true)
          .all(...values) as T[],
    );
  }

  /** The number of rows it changed. */
  write(text: string, ...values: readonly Value[]): number {
    return this.#guarded(() => this.#prepared(text).run(...values).changes);
  }

  /** Everything `read` sees is of one moment, however much a run commits meanwhile. */
  reading<T>(read: () => T): T {
    return this.#guarded(() => this.#db.transaction(read).deferred());
  }

  /** All of `write` or nothing of it; durable on return. Not to be nested. */
  writing<T>(write: () => T): T {
    return this.#guarded(() => this.#db.transaction(write).immediate());
  }

  json<T>(text: string): T;
  json<T>(text: string | null): T | undefined;
  json<T>(text: string | null): T | undefined {
    if (text === null) return undefined;
    try {
      return JSON.parse(text) as T;
    } catch (error) {
      throw this.corrupt('a column that holds JSON does not parse', error);
    }
  }

  /** The fault to throw when what was read cannot be what was written. */
  corrupt(what: string, cause?: unknown): Fault {
    return corrupt(this.#file, what, cause);
  }

  close(): void {
    this.#guarded(() => this.#db.close());
  }

  #prepared(text: string): Database.Statement<unknown[], unknown> {
    const known = this.#statements.get(text);
    if (known) return known;
    const statement = this.#db.prepare<unknown[], unknown>(text);
    this.#statements.set(text, statement);
    return statement;
  }

  #guarded<T>(work: () => T): T {
    return orFault(this.#file, work);
  }
}

export function toJson(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value);
}
