import { itemId } from '../domain/digest.js';
import type {
  AssetKey,
  Digest,
  Disposition,
  Finding,
  ItemId,
  ListedAsset,
  PartitionId,
  RunId,
} from '../domain/types.js';
import type { ItemRow, Mark, State } from './contract.js';
import { insertMade, insertQuarantined } from './made.js';
import { type Sql, toJson } from './sql.js';
import { fromSummed, toSummed } from './sum.js';

type ItemQueries = Pick<State, 'items' | 'releaseClaims' | 'reopen' | 'commit'>;
type MarkOf<Kind extends Mark['kind']> = Extract<Mark, { kind: Kind }>;

/** Items and their checkpoints. The moves of an item stand above its table in `migrations/0001.sql`. */
export function itemQueries(sql: Sql): ItemQueries {
  return {
    items: (run, partition) =>
      partition === undefined
        ? readItems(sql, 'WHERE run = ? ORDER BY ordinal', run)
        : readItems(sql, 'WHERE run = ? AND partition = ? ORDER BY ordinal', run, partition),
    releaseClaims: (run) => sql.writing(() => releaseClaims(sql, run)),
    reopen: (run, items) => sql.writing(() => reopen(sql, run, items)),
    commit: (marks) =>
      sql.writing(() => {
        for (const mark of marks) commitMark(sql, mark);
      }),
  };
}

function releaseClaims(sql: Sql, run: RunId): ItemId[] {
  const claimed = sql.column<ItemId>(`SELECT id FROM item WHERE run = ? AND state = 'claimed' ORDER BY ordinal`, run);
  sql.write(`UPDATE item SET state = 'todo' WHERE run = ? AND state = 'claimed'`, run);
  return claimed;
}

function reopen(sql: Sql, run: RunId, items: readonly ItemId[]): void {
  sql.write(
    `UPDATE item
     SET state = 'todo', disposition = NULL, finding = NULL, sha256 = NULL, staged = NULL, ended_at = NULL
     WHERE run = ? AND id IN (SELECT value FROM json_each(?))`,
    run,
    toJson(items),
  );
}

function commitMark(sql: Sql, mark: Mark): void {
  switch (mark.kind) {
    case 'claimed':
      claim(sql, mark);
      break;
    case 'attempt':
      countAttempt(sql, mark);
      break;
    case 'ended':
      endItem(sql, mark);
      break;
    case 'made':
      insertMade(sql, mark);
      break;
    case 'quarantined':
      insertQuarantined(sql, mark);
      break;
  }
}

function claim(sql: Sql, { run, item }: MarkOf<'claimed'>): void {
  const moved = sql.write(`UPDATE item SET state = 'claimed' WHERE run = ? AND id = ? AND state <> 'ended'`, run, item);
  if (moved !== 1) throw new Error(`item ${item} of run ${run} cannot be claimed: it has ended or is not in the plan`);
}

function countAttempt(sql: Sql, mark: MarkOf<'attempt'>): void {
  const { run, item } = mark;
  const counted = sql.write('UPDATE item SET attempts = attempts + 1 WHERE run = ? AND id = ?', run, item);
  if (counted !== 1) throw new Error(`attempt at item ${item}, which is not in the plan of run ${run}`);
  sql.write(
    `INSERT INTO attempt (run, item, number, started_at, ended_at, outcome, detail, code, class, log)
     SELECT run, id, attempts, ?, ?, ?, ?, ?, ?, ? FROM item WHERE run = ? AND id = ?`,
    mark.startedAt,
    mark.endedAt,
    mark.outcome,
    mark.detail ?? null,
    mark.code ?? null,
    mark.class ?? null,
    mark.log ?? null,
    run,
    item,
  );
}

function endItem(sql: Sql, mark: MarkOf<'ended'>): void {
  const { run, item, fingerprint = null } = mark;
  const moved = sql.write(
    `UPDATE item
     SET state = 'ended', disposition = ?, ended_at = ?, sha256 = ?, staged = ?, finding = ?,
       fingerprint = coalesce(?, fingerprint)
     WHERE run = ? AND id = ? AND state <> 'ended'`,
    mark.disposition,
    mark.at,
    mark.sha256 ?? null,
    mark.staged ? toSummed(mark.staged, [item, mark.disposition, mark.sha256 ?? null]) : null,
    toJson(mark.finding),
    fingerprint,
    run,
    item,
  );
  if (moved !== 1) throw new Error(`item ${item} of run ${run} cannot end: it has ended or is not in the plan`);
  sql.write('UPDATE made SET used_by = (SELECT ordinal FROM run WHERE id = ?) WHERE fingerprint = ?', run, fingerprint);
}

interface ItemColumns {
  id: ItemId;
  key: AssetKey;
  recipe: string;
  because: string;
  predictedSeconds: number;
  partition: PartitionId | null;
  state: ItemRow['state'];
  attempts: number;
  disposition: Disposition | null;
  finding: string | null;
  fingerprint: Digest | null;
  sha256: Digest | null;
  staged: string | null;
  endedAt: number | null;
}

/** `clauses` is text of ours. */
export function readItems(sql: Sql, clauses: string, ...values: readonly string[]): ItemRow[] {
  const rows = sql.rows<ItemColumns>(
    `SELECT id, key, recipe, because, predicted_seconds AS predictedSeconds, partition, state, attempts, disposition,
       finding, fingerprint, sha256, staged, ended_at AS endedAt
     FROM item ${clauses}`,
    ...values,
  );
  const strange = rows.find((row) => itemId(row.recipe, row.key) !== row.id);
  if (strange) throw sql.corrupt(`item ${strange.id} is not that of its asset and recipe`);
  return rows.map((row) => ({
    ...row,
    partition: row.partition ?? undefined,
    disposition: row.disposition ?? undefined,
    finding: sql.json<Finding>(row.finding),
    fingerprint: row.fingerprint ?? undefined,
    sha256: row.sha256 ?? undefined,
    staged: fromSummed<ListedAsset>(sql, row.staged, [row.id, row.disposition, row.sha256]),
    endedAt: row.endedAt ?? undefined,
  }));
}
