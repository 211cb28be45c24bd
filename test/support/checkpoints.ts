import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { unlessAbsent } from './published.js';
import type { World } from './world.js';

/**
 * Items that ended in a committed checkpoint of the newest run, if it was begun since, read as a dead process left them: from a copy, because
 * opening the state itself would tidy up after the crash.
 */
export async function checkpointed(world: World, since = 0): Promise<ReadonlySet<string>> {
  const folder = await mkdtemp(path.join(tmpdir(), 'nightpress-copy-'));
  try {
    for (const name of ['state.db', 'state.db-wal']) {
      await unlessAbsent(copyFile(path.join(world.state, name), path.join(folder, name)));
    }
    return readItems(path.join(folder, 'state.db'), since);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function readItems(file: string, since: number): ReadonlySet<string> {
  const db = new Database(file);
  try {
    const known = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'item'").get();
    if (!known) return new Set(); // killed before there was a state
    const newest = 'SELECT id FROM (SELECT * FROM run ORDER BY ordinal DESC LIMIT 1) WHERE started_at >= ?';
    const left = "coalesce(finding ->> 'code', '') = 'shed'"; // by the deadline, for the next night
    const ended = `SELECT id FROM item WHERE state = 'ended' AND NOT ${left} AND run IN (${newest})`;
    const rows = db.prepare(ended).pluck().all(since);
    return new Set(rows as string[]);
  } finally {
    db.close();
  }
}
