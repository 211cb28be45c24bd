import { readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import type Database from 'better-sqlite3';
import { installed } from '../installation.js';
import { replaceFile } from './files.js';

export interface Migration {
  readonly number: number;
  readonly sql: string;
}

const ownFolder = installed('dist', 'state', 'migrations');

/** `0001.sql`, `0002.sql`, … without a gap: a missing one is a broken installation. */
export function readMigrations(folder = ownFolder): readonly Migration[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.sql'));
  return names.sort().map((name, index) => {
    const expected = `${migrationName(index + 1)}.sql`;
    if (name !== expected) throw new Error(`${path.join(folder, name)}: expected ${expected}`);
    return { number: index + 1, sql: readFileSync(path.join(folder, name), 'utf8') };
  });
}

export function versionOf(db: Database.Database): number {
  return Number(db.pragma('user_version', { simple: true }));
}

/**
 * Brings the schema to the newest number, each step in a transaction of its own:
 *
 *   BEGIN IMMEDIATE → is the step still to do? (another process may have been faster) → copy → the step → its number
 *
 * A crash anywhere leaves the number before and everything of it; the next open goes on from there. `copy` is called
 * under the lock, so that what it copies is what the step changes. Foreign keys are off while a table is made anew,
 * and checked before the step counts.
 */
export function migrate(db: Database.Database, migrations: readonly Migration[], copy?: (next: number) => void): void {
  db.pragma('foreign_keys = OFF');
  for (const { number, sql } of migrations) {
    const step = db.transaction(() => {
      const version = versionOf(db);
      if (version >= number) return;
      if (version > 0) copy?.(number);
      db.exec(sql);
      db.pragma(`user_version = ${number}`);
      const [broken] = db.pragma('foreign_key_check') as unknown[];
      if (broken) throw new Error(`migration ${number} breaks a foreign key: ${JSON.stringify(broken)}`);
    });
    if (versionOf(db) < number) step.immediate();
  }
  db.pragma('foreign_keys = ON');
}

/** `state.db.before-0002`: the file as it was, for the person whose upgrade went wrong. Only the newest is kept. */
export function keepCopy(db: Database.Database, file: string, next: number): void {
  const copy = `${file}.before-${migrationName(next)}`;
  replaceFile(copy, db.serialize());
  const folder = path.dirname(file);
  for (const name of readdirSync(folder)) {
    const isOlder = name.startsWith(`${path.basename(file)}.before-`) && name !== path.basename(copy);
    if (isOlder) rmSync(path.join(folder, name), { force: true });
  }
}

function migrationName(number: number): string {
  return String(number).padStart(4, '0');
}

/** Every table and index as SQL, sorted by name: equal text, equal schema. */
export function schemaOf(db: Database.Database): string {
  const rows = db
    .prepare<[], string>(
      "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY name",
    )
    .pluck()
    .all();
  return rows.map((sql) => `${sql};\n`).join('\n');
}
