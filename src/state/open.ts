import { existsSync } from 'node:fs';
import path from 'node:path';
import { acceptedQueries } from './accepted.js';
import { assetQueries } from './assets.js';
import type { State } from './contract.js';
import { costQueries } from './costs.js';
import { openEmpty, openScratchCopy, openToRead, openToWrite } from './database.js';
import { itemQueries } from './items.js';
import { madeQueries } from './made.js';
import { readMigrations } from './migrate.js';
import { originQueries } from './origin.js';
import { planQueries } from './plans.js';
import { runQueries } from './runs.js';
import { Sql } from './sql.js';
import { upkeepQueries } from './upkeep.js';
import { uploadQueries } from './uploads.js';

export interface OpenOptions {
  /** Beside a live run; writes nothing. Without a state it reads as an empty one. */
  readonly readOnly?: boolean;
}

/**
 * Opens the state of the job whose folder this is; created and migrated if need be, unless `readOnly`.
 * Throws `state-corrupt`, `state-newer`, `state-unwritable`, `state-network`, and `run-locked` (temporary) when another
 * process keeps the file locked for 5 s.
 */
export function openState(folder: string, options: OpenOptions = {}): State {
  const file = stateFile(folder);
  const opened = { file, migrations: readMigrations() };
  if (options.readOnly) return stateOf(new Sql(openToRead(opened), file));
  const sql = new Sql(openToWrite(opened), file);
  try {
    refuseUnsound(sql);
    return stateOf(sql);
  } catch (error) {
    sql.close();
    throw error;
  }
}

/** The whole of it is looked at when a run is to go on, for what it left is used; not every night: see docs/RELIABILITY.md. */
function refuseUnsound(sql: Sql): void {
  const [outcome] = sql.column<string | null>('SELECT outcome FROM run ORDER BY ordinal DESC LIMIT 1');
  if (outcome !== null && outcome !== 'interrupted') return;
  const [problem] = upkeepQueries(sql).integrity();
  if (problem !== undefined) throw sql.corrupt(problem);
}

/** A copy of the state in memory, for `plan` and dry runs: may be written, is forgotten at `close`. */
export function openScratchState(folder: string): State {
  const file = stateFile(folder);
  return stateOf(new Sql(openScratchCopy({ file, migrations: readMigrations() }), file));
}

/** As before the first run; in memory, forgotten at `close`. */
export function openEmptyState(): State {
  return stateOf(new Sql(openEmpty(readMigrations()), ':memory:'));
}

function stateOf(sql: Sql): State {
  return {
    ...originQueries(sql),
    ...runQueries(sql),
    ...planQueries(sql),
    ...itemQueries(sql),
    ...madeQueries(sql),
    ...acceptedQueries(sql),
    ...costQueries(sql),
    ...assetQueries(sql),
    ...upkeepQueries(sql),
    ...uploadQueries(sql),
    close: () => sql.close(),
  };
}

export function stateExists(folder: string): boolean {
  return existsSync(stateFile(folder));
}

function stateFile(folder: string): string {
  return path.join(path.resolve(folder), 'state.db');
}
