import { Fault } from '../domain/faults.js';
import type { AssetKey, FailureClass, ItemId, RunId } from '../domain/types.js';
import type { AttemptRow, HistoryRow, RunRow, State } from './contract.js';
import { readItems } from './items.js';
import { readRun } from './runs.js';
import type { Sql } from './sql.js';

type UpkeepQueries = Pick<State, 'attempts' | 'history' | 'prune' | 'integrity'>;

export function upkeepQueries(sql: Sql): UpkeepQueries {
  return {
    attempts: (run, item) => readAttempts(sql, run, item),
    history: (key) => sql.reading(() => readHistory(sql, key)),
    prune: (keep) => sql.writing(() => prune(sql, keep)),
    integrity: () => checkIntegrity(sql),
  };
}

function readHistory(sql: Sql, key: AssetKey): HistoryRow[] {
  const runs = sql.column<RunId>(
    'SELECT id FROM run WHERE id IN (SELECT run FROM item WHERE key = ?) ORDER BY ordinal DESC',
    key,
  );
  return runs.flatMap((id) => {
    const run = readRun(sql, id);
    return run ? historyOf(sql, run, key) : [];
  });
}

function historyOf(sql: Sql, run: RunRow, key: AssetKey): HistoryRow[] {
  return readItems(sql, 'WHERE run = ? AND key = ? ORDER BY recipe', run.id, key).map((item) => ({
    run,
    item,
    attempts: readAttempts(sql, run.id, item.id),
  }));
}

function readAttempts(sql: Sql, run: RunId, item: ItemId): readonly AttemptRow[] {
  const rows = sql.rows<AttemptColumns>(
    `SELECT number, started_at AS startedAt, ended_at AS endedAt, outcome, detail, code, class, log
     FROM attempt WHERE run = ? AND item = ? ORDER BY number`,
    run,
    item,
  );
  return rows.map(({ detail, code, class: failure, log, ...row }) => ({
    ...row,
    detail: detail ?? undefined,
    code: code ?? undefined,
    class: failure ?? undefined,
    log: log ?? undefined,
  }));
}

interface AttemptColumns {
  number: number;
  startedAt: number;
  endedAt: number;
  outcome: string;
  detail: string | null;
  code: string | null;
  class: FailureClass | null;
  log: string | null;
}

/** The open run is never pruned; whatever belongs to a pruned run goes with it (ON DELETE CASCADE). */
function prune(sql: Sql, keep: number): void {
  sql.write(
    `DELETE FROM run WHERE ordinal IN (
       SELECT ordinal FROM run
       WHERE outcome IS NOT NULL AND (outcome <> 'interrupted' OR ordinal < (SELECT max(ordinal) FROM run))
       ORDER BY ordinal DESC LIMIT -1 OFFSET ?
     )`,
    keep,
  );
  sql.write('DELETE FROM made WHERE used_by < (SELECT min(ordinal) FROM run)');
}

function checkIntegrity(sql: Sql): readonly string[] {
  try {
    const lines = sql.column<string>('PRAGMA quick_check').flatMap((text) => text.split('\n'));
    const found = lines.filter((line) => line !== 'ok' && !line.startsWith('***'));
    const broken = sql.rows<{ table: string; rowid: number | null; parent: string }>('PRAGMA foreign_key_check');
    return [...found, ...broken.map((row) => `row ${row.rowid ?? '?'} of ${row.table} names a missing ${row.parent}`)];
  } catch (error) {
    if (error instanceof Fault && error.code === 'state-corrupt') return [error.message];
    throw error;
  }
}
