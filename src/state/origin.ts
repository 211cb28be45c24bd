import type { ToldEdge } from '../domain/edges.js';
import type { RunId, SnapshotId } from '../domain/types.js';
import type { GroupRow, OpenSwap, RememberedOrigin, State } from './contract.js';
import type { Sql } from './sql.js';

type OriginQueries = Pick<
  State,
  | 'origin'
  | 'rememberOrigin'
  | 'told'
  | 'rememberTold'
  | 'storeProvedAt'
  | 'rememberStore'
  | 'openSwap'
  | 'beginSwap'
  | 'endSwap'
  | 'recordGroup'
  | 'forgetGroup'
  | 'groups'
>;

/** What is remembered of the world outside: the origin, a swap of its head, processes of workers. */
export function originQueries(sql: Sql): OriginQueries {
  return {
    origin: () => {
      const row = sql.row<{ origin: string; seq: number; snapshot: SnapshotId | null }>(
        'SELECT origin, seq, snapshot FROM remembered_origin',
      );
      return row && { ...row, snapshot: row.snapshot ?? undefined };
    },
    rememberOrigin: (origin) => sql.writing(() => writeOrigin(sql, origin)),
    told: () => sql.rows<ToldEdge>('SELECT edge, origin, seq FROM told ORDER BY edge'),
    rememberTold: ({ edge, origin, seq, at }) =>
      sql.writing(() => void sql.write('INSERT OR REPLACE INTO told VALUES (?, ?, ?, ?)', ...[edge, origin, seq, at])),
    storeProvedAt: (place) => sql.column<number>('SELECT at FROM proved_store WHERE place = ?', place)[0],
    rememberStore: (place, at) =>
      sql.writing(() => void sql.write('INSERT OR REPLACE INTO proved_store VALUES (?, ?)', place, at)),
    openSwap: () => {
      const row = sql.row<{ txn: string; run: RunId | null; seq: number; snapshot: SnapshotId | null; at: number }>(
        'SELECT txn, run, seq, snapshot, at FROM swap',
      );
      return row && { ...row, run: row.run ?? undefined, snapshot: row.snapshot ?? undefined };
    },
    beginSwap: (swap) => sql.writing(() => beginSwap(sql, swap)),
    endSwap: (txn) => sql.writing(() => void sql.write('DELETE FROM swap WHERE txn = ?', txn)),
    recordGroup: ({ pgid, startedAt, run }) =>
      sql.writing(() => void sql.write('INSERT OR REPLACE INTO worker_group VALUES (?, ?, ?)', pgid, startedAt, run)),
    forgetGroup: (pgid) => sql.writing(() => void sql.write('DELETE FROM worker_group WHERE pgid = ?', pgid)),
    groups: () => sql.rows<GroupRow>('SELECT pgid, started_at AS startedAt, run FROM worker_group ORDER BY pgid'),
  };
}

export function writeOrigin(sql: Sql, { origin, seq, snapshot }: RememberedOrigin): void {
  sql.write('INSERT OR REPLACE INTO remembered_origin VALUES (1, ?, ?, ?)', origin, seq, snapshot ?? null);
}

/** A second swap would make us forget the first, which may have landed. */
function beginSwap(sql: Sql, swap: OpenSwap): void {
  const [open] = sql.column<string>('SELECT txn FROM swap');
  if (open !== undefined) throw new Error(`swap ${swap.txn} begun while swap ${open} is not settled`);
  const { txn, run, seq, snapshot, at } = swap;
  sql.write('INSERT INTO swap VALUES (1, ?, ?, ?, ?, ?)', txn, run ?? null, seq, snapshot ?? null, at);
}
