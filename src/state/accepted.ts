import type { Acceptance } from '../domain/acceptance.js';
import type { Digest, ItemId, RunId } from '../domain/types.js';
import type { Approval, State } from './contract.js';
import { type Sql, toJson } from './sql.js';

type AcceptedQueries = Pick<State, 'accepted' | 'accept' | 'revoke' | 'approvals' | 'approve' | 'carriedSince'>;

export function acceptedQueries(sql: Sql): AcceptedQueries {
  return {
    accepted: () => readAccepted(sql),
    accept: (rows) =>
      sql.writing(() => {
        for (const row of rows) insertAccepted(sql, row);
      }),
    approvals: (opens) =>
      sql.rows<Approval>('SELECT opens, rule, reason, at FROM approval WHERE opens = ? ORDER BY rule', opens),
    approve: ({ opens, rule, reason, at }) =>
      sql.writing(
        () =>
          void sql.write(
            'INSERT OR REPLACE INTO approval (opens, rule, reason, at) VALUES (?, ?, ?, ?)',
            opens,
            rule,
            reason,
            at,
          ),
      ),
    carriedSince: (run) => carriedSince(sql, run),
    revoke: (items) =>
      sql.writing(
        () => void sql.write('DELETE FROM accepted WHERE item IN (SELECT value FROM json_each(?))', toJson(items)),
      ),
  };
}

function insertAccepted(sql: Sql, row: Acceptance): void {
  sql.write(
    `INSERT OR REPLACE INTO accepted (item, key, recipe, fingerprint, code, reason, until, at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    row.item,
    row.key,
    row.recipe,
    row.fingerprint ?? null,
    row.code,
    row.reason,
    row.until ?? null,
    row.at,
  );
}

/** As far back as runs are remembered. */
function carriedSince(sql: Sql, run: RunId): ReadonlyMap<ItemId, number> {
  const rows = sql.rows<{ id: ItemId; since: number }>(
    `SELECT now.id, (
       SELECT min(ended_at) FROM item AS earlier
       WHERE earlier.key = now.key AND earlier.recipe = now.recipe AND earlier.disposition = 'carried'
         AND earlier.ordinal > coalesce((
           SELECT max(ordinal) FROM item AS fresh
           WHERE fresh.key = now.key AND fresh.recipe = now.recipe AND fresh.disposition IN ('done', 'reused')
         ), 0)
     ) AS since
     FROM item AS now WHERE now.run = ? AND now.disposition = 'carried'`,
    run,
  );
  return new Map(rows.map(({ id, since }) => [id, since]));
}

interface AcceptedColumns extends Omit<Acceptance, 'fingerprint' | 'until'> {
  item: ItemId;
  fingerprint: Digest | null;
  until: number | null;
}

function readAccepted(sql: Sql): readonly Acceptance[] {
  const rows = sql.rows<AcceptedColumns>(
    'SELECT item, key, recipe, fingerprint, code, reason, until, at FROM accepted ORDER BY key, recipe',
  );
  return rows.map((row) => ({ ...row, fingerprint: row.fingerprint ?? undefined, until: row.until ?? undefined }));
}
