import type { CostRow, FinishedWork } from '../domain/cost.js';
import type { ItemId, RunId } from '../domain/types.js';
import type { State } from './contract.js';
import { type Sql, toJson } from './sql.js';

type CostQueries = Pick<State, 'costs' | 'learnCosts' | 'finishedWork' | 'endedWith'>;

const endedWith = `SELECT id FROM item WHERE finding ->> 'code' = ? AND run = (
  SELECT id FROM run WHERE plan IS NOT NULL AND outcome IS NOT NULL AND outcome <> 'superseded' ORDER BY ordinal DESC LIMIT 1
)`;

export function costQueries(sql: Sql): CostQueries {
  return {
    costs: () =>
      sql
        .rows<{ recipe: string; ext: string; size: number; ratios: string }>('SELECT * FROM cost')
        .map((row) => ({ ...row, ratios: sql.json<readonly number[]>(row.ratios) ?? [] })),
    learnCosts: (rows) => sql.writing(() => rows.forEach((row) => void writeCost(sql, row))),
    finishedWork: (run) => finishedWork(sql, run),
    endedWith: (code) => sql.column<ItemId>(endedWith, code),
  };
}

function writeCost(sql: Sql, { recipe, ext, size, ratios }: CostRow): void {
  const text = toJson(ratios);
  sql.write('INSERT OR REPLACE INTO cost (recipe, ext, size, ratios) VALUES (?, ?, ?, ?)', recipe, ext, size, text);
}

/** Only of items that were done: what failed in the end may have cost nothing, or a whole time limit. */
function finishedWork(sql: Sql, run: RunId): FinishedWork[] {
  return sql.rows<FinishedWork>(
    `SELECT key, recipe, staged ->> 'bytes' AS bytes, (attempt.ended_at - started_at) / 1000.0 AS seconds
     FROM item JOIN attempt ON attempt.run = item.run AND attempt.item = item.id
     WHERE item.run = ? AND disposition = 'done' AND outcome = 'finished' AND staged IS NOT NULL
     ORDER BY attempt.ended_at`,
    run,
  );
}
