import { shedCode } from '../domain/deadline.js';
import type { Change, ChangeKind } from '../domain/inventory.js';
import type { PlannedPartition } from '../domain/plan.js';
import type { AssetKey, Digest, ListedAsset, PartitionId, RunId } from '../domain/types.js';
import type { FrozenPlan, NewItem, Progress, State } from './contract.js';
import { moveRun, readRun } from './runs.js';
import { type Sql, toJson } from './sql.js';
import { fromSummed, toSummed } from './sum.js';

type PlanQueries = Pick<State, 'freezePlan' | 'changes' | 'partitions' | 'progress'>;

/** The plan of a run, and how far its work is. */
export function planQueries(sql: Sql): PlanQueries {
  return {
    freezePlan: (run, plan) => sql.writing(() => freezePlan(sql, run, plan)),
    changes: (run) => {
      const rows = sql.rows<ChangeColumns>('SELECT key, kind, asset, sha256, recipes FROM change WHERE run = ?', run);
      return rows.map((row) => toChange(sql, row));
    },
    partitions: (run) => readPartitions(sql, run),
    progress: (run) => sql.reading(() => readProgress(sql, run)),
  };
}

function freezePlan(sql: Sql, run: RunId, plan: FrozenPlan): void {
  if (readRun(sql, run)?.plan) throw new Error(`the plan of run ${run} is frozen already`);
  sql.write('UPDATE run SET plan = ? WHERE id = ?', toSummed(plan.totals, [run]), run);
  moveRun(sql, run, 'planned');
  for (const change of plan.changes) insertChange(sql, run, change);
  for (const partition of plan.partitions) insertPartition(sql, run, partition);
  for (const item of plan.items) insertItem(sql, run, item);
}

function insertChange(sql: Sql, run: RunId, { key, kind, asset, sha256, recipes }: Change): void {
  sql.write(
    'INSERT INTO change (run, key, kind, asset, sha256, recipes) VALUES (?, ?, ?, ?, ?, ?)',
    run,
    key,
    kind,
    toSummed(asset, [key, kind, sha256 ?? null, recipes]),
    sha256 ?? null,
    recipes,
  );
}

function insertPartition(sql: Sql, run: RunId, { id, ordinal, items, predictedSeconds }: PlannedPartition): void {
  sql.write(
    'INSERT INTO partition (run, id, ordinal, items, predicted_seconds) VALUES (?, ?, ?, ?, ?)',
    run,
    id,
    ordinal,
    items,
    predictedSeconds,
  );
}

function insertItem(sql: Sql, run: RunId, item: NewItem): void {
  sql.write(
    `INSERT INTO item (run, id, key, recipe, because, predicted_seconds, partition, state, disposition, finding, fingerprint,
       sha256, staged)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    run,
    item.id,
    item.key,
    item.recipe,
    item.because,
    item.predictedSeconds,
    item.partition ?? null,
    item.disposition ? 'ended' : 'todo',
    item.disposition ?? null,
    toJson(item.finding),
    item.fingerprint ?? null,
    item.sha256 ?? null,
    item.staged ? toSummed(item.staged, [item.id, item.disposition ?? null, item.sha256 ?? null]) : null,
  );
}

function readPartitions(sql: Sql, run: RunId): PlannedPartition[] {
  return sql.rows<PlannedPartition>(
    'SELECT id, ordinal, items, predicted_seconds AS predictedSeconds FROM partition WHERE run = ? ORDER BY ordinal',
    run,
  );
}

/**
 * `failed` of a partition: items that ended without the derivatives they should have; `carried` is one of them. What the
 * deadline left was not worked: to a partition it is like what has not ended.
 */
function readProgress(sql: Sql, run: RunId): Progress {
  const counts = sql.rows<{ standing: string; items: number }>(
    'SELECT coalesce(disposition, state) AS standing, count(*) AS items FROM item WHERE run = ? GROUP BY 1',
    run,
  );
  const ended = sql.rows<{
    id: PartitionId;
    ended: number;
    failed: number;
    endedSeconds: number;
    workedSeconds: number;
  }>(
    `SELECT partition AS id, count(*) AS ended, count(*) FILTER (WHERE disposition NOT IN ('done', 'reused', 'withheld')) AS failed,
       total(predicted_seconds) AS endedSeconds, total(worked) AS workedSeconds
     FROM item LEFT JOIN (
       SELECT item AS id, sum(ended_at - started_at) / 1000.0 AS worked FROM attempt WHERE run = ? GROUP BY item
     ) USING (id)
     WHERE run = ? AND state = 'ended' AND partition IS NOT NULL AND finding ->> 'code' IS NOT ? GROUP BY partition`,
    run,
    run,
    shedCode,
  );
  const rest = sql.row<{ lastEndedAt: number | null; remainingSeconds: number }>(
    `SELECT max(ended_at) AS lastEndedAt, total(predicted_seconds) FILTER (WHERE state <> 'ended') AS remainingSeconds
     FROM item WHERE run = ?`,
    run,
  );
  const count = new Map(counts.map(({ standing, items }) => [standing, items]));
  const of = (standing: string) => count.get(standing) ?? 0;
  const endedOf = new Map(ended.map((row) => [row.id, row]));
  return {
    todo: of('todo'),
    claimed: of('claimed'),
    ended: {
      done: of('done'),
      reused: of('reused'),
      carried: of('carried'),
      failed: of('failed'),
      quarantined: of('quarantined'),
      withheld: of('withheld'),
    },
    partitions: readPartitions(sql, run).map((partition) => {
      const { ended = 0, failed = 0, endedSeconds = 0, workedSeconds = 0 } = endedOf.get(partition.id) ?? {};
      return { ...partition, ended, failed, endedSeconds, workedSeconds };
    }),
    lastEndedAt: rest?.lastEndedAt ?? undefined,
    remainingSeconds: rest?.remainingSeconds ?? 0,
  };
}

interface ChangeColumns {
  key: AssetKey;
  kind: ChangeKind;
  asset: string | null;
  sha256: Digest | null;
  recipes: number;
}

function toChange(sql: Sql, row: ChangeColumns): Change {
  const { key, kind, sha256, recipes } = row;
  const asset = fromSummed<ListedAsset>(sql, row.asset, [key, kind, sha256, recipes]);
  return { ...row, asset, sha256: sha256 ?? undefined };
}
