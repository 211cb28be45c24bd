import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import type { OpenUpload } from '../domain/uploads.js';
import type { GroupRow, RememberedOrigin } from './contract.js';
import { originQueries } from './origin.js';
import { Sql } from './sql.js';
import { orFault } from './storage-fault.js';
import { uploadQueries } from './uploads.js';

/** What can still be read of a state that is to be given up. Every part of it may be unreadable for itself. */
export interface Remains {
  /** Undefined: none, or unreadable. */
  readonly origin: RememberedOrigin | undefined;
  /** Process groups of workers that may still live. */
  readonly groups: readonly GroupRow[];
  /** Uploads in parts that may still lie at the origin, where nobody else knows of them. */
  readonly uploads: readonly OpenUpload[];
  readonly losses: readonly Loss[];
}

/** Something that no origin knows, and that goes with the state. */
export interface Loss {
  /** What it is, and what losing it means. */
  readonly what: string;
  /** Null: how many there were cannot be read. */
  readonly rows: number | null;
}

const openRun = `SELECT id FROM (SELECT id, outcome FROM run ORDER BY ordinal DESC LIMIT 1)
  WHERE outcome IS NULL OR outcome = 'interrupted'`;

/** In the order of what it costs to lose them. */
const known: readonly { readonly what: string; readonly count: string }[] = [
  {
    what: 'finished items of a run that had not published: made again',
    count: `SELECT count(*) FROM item WHERE disposition IN ('done', 'reused') AND run IN (${openRun})`,
  },
  { what: 'accepted failures: exit 3 again', count: 'SELECT count(*) FROM accepted' },
  { what: 'gate rules approved for a window to come', count: 'SELECT count(*) FROM approval' },
  { what: 'quarantined items: tried again', count: 'SELECT count(*) FROM quarantine' },
  { what: 'runs in the history of status and explain', count: 'SELECT count(*) FROM run' },
  { what: 'windows whose outcome was known: the current one is run again', count: 'SELECT count(*) FROM "window"' },
  { what: 'sorts of work whose cost was learned: predictions start anew', count: 'SELECT count(*) FROM cost' },
];

/**
 * Reads from a copy made in `scratch`, a folder to be deleted afterwards: a state that is kept for inspection must not
 * change by being looked at. Never throws for what the state holds.
 */
export function readRemains(file: string, scratch: string): Remains {
  const sql = unlessUnreadable(() => openCopy(file, scratch));
  if (!sql)
    return { origin: undefined, groups: [], uploads: [], losses: known.map(({ what }) => ({ what, rows: null })) };
  try {
    const queries = originQueries(sql);
    return {
      origin: unlessUnreadable(() => queries.origin()),
      groups: unlessUnreadable(() => queries.groups()) ?? [],
      uploads: unlessUnreadable(() => uploadQueries(sql).uploads.all()) ?? [],
      losses: known.map(({ what, count }) => ({
        what,
        rows: unlessUnreadable(() => sql.column<number>(count)[0]) ?? null,
      })),
    };
  } finally {
    sql.close();
  }
}

function openCopy(file: string, scratch: string): Sql {
  const copy = path.join(scratch, 'remains.db');
  orFault(scratch, () => {
    mkdirSync(scratch, { recursive: true });
    for (const suffix of ['', '-wal']) if (existsSync(file + suffix)) copyFileSync(file + suffix, copy + suffix);
  });
  return new Sql(
    orFault(copy, () => new Database(copy, { fileMustExist: true })),
    copy,
  );
}

/** What cannot be read is told as such: it is the very reason why anybody asks. */
function unlessUnreadable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
