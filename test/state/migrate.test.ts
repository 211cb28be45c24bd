import { once } from 'node:events';
import { cpSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { openToRead, openToWrite } from '../../src/state/database.js';
import { readMigrations } from '../../src/state/migrate.js';
import { openState } from '../../src/state/open.js';
import { afterTest, newRun, runA, startChild, tell, tempFolder } from './world.js';

const own = fileURLToPath(new URL('../../src/state/migrations', import.meta.url));

interface OldState {
  readonly folder: string;
  readonly file: string;
}

/** A state of today's schema with one run in it. */
function oldState(): OldState {
  const folder = tempFolder();
  const state = openState(folder);
  state.beginRun(newRun(runA));
  state.close();
  return { folder, file: path.join(folder, 'state.db') };
}

/** Our migrations and these after them. */
const today = readMigrations().length;
const numbered = (more: number) => String(today + more).padStart(4, '0');

function migrationsAnd(...more: readonly string[]): string {
  const folder = tempFolder();
  cpSync(own, folder, { recursive: true });
  for (const [index, sql] of more.entries()) writeFileSync(path.join(folder, `${numbered(index + 1)}.sql`), sql);
  return folder;
}

function open(file: string, migrations: string): Database.Database {
  const db = openToWrite({ file, migrations: readMigrations(migrations) });
  afterTest(() => db.close());
  return db;
}

const addTag = 'ALTER TABLE run ADD COLUMN tag TEXT;';
const addMood = 'ALTER TABLE run ADD COLUMN mood TEXT;';

test('an older state is brought forward step by step, keeping its rows and a copy of the file before the last step', () => {
  const { folder, file } = oldState();
  const db = open(file, migrationsAnd(addTag, addMood));
  expect(db.pragma('user_version', { simple: true })).toBe(today + 2);
  expect(db.prepare('SELECT id, tag, mood FROM run').all()).toEqual([{ id: runA, tag: null, mood: null }]);
  expect(readdirSync(folder).filter((name) => name.includes('before'))).toEqual([`state.db.before-${numbered(2)}`]);
  const copy = new Database(path.join(folder, `state.db.before-${numbered(2)}`), { readonly: true });
  afterTest(() => copy.close());
  expect(copy.pragma('user_version', { simple: true })).toBe(today + 1);
  expect(copy.prepare('SELECT id, tag FROM run').all()).toEqual([{ id: runA, tag: null }]);
});

test('a fresh state needs no copy, and a current one is left alone', () => {
  const folder = tempFolder();
  const file = path.join(folder, 'state.db');
  const migrations = migrationsAnd(addTag);
  open(file, migrations);
  expect(open(file, migrations).pragma('user_version', { simple: true })).toBe(today + 1);
  expect(readdirSync(folder).filter((name) => name.includes('before'))).toEqual([]);
});

test('a step that fails changes nothing', () => {
  const { file } = oldState();
  expect(() => open(file, migrationsAnd(`${addTag} INSERT INTO nowhere VALUES (1);`))).toThrow('nowhere');
  const state = openState(path.dirname(file));
  afterTest(() => state.close());
  expect(state.openRun()?.id).toBe(runA);
});

test('a step that breaks a foreign key changes nothing', () => {
  const { file } = oldState();
  expect(() => open(file, migrationsAnd('DELETE FROM "window";'))).toThrow('foreign key');
  const state = openState(path.dirname(file));
  afterTest(() => state.close());
  expect(state.windows()).toHaveLength(1);
});

test('a process killed inside a step leaves the state before it, and the next opening makes the step', async () => {
  const { file } = oldState();
  const child = startChild('half', file, `${addTag} UPDATE run SET tag = 'half';`);
  await child.said();
  tell(child, 'go');
  expect(await child.said()).toBe('half');
  child.process.kill('SIGKILL');
  await once(child.process, 'exit');
  const db = open(file, migrationsAnd(addTag));
  expect(db.prepare('SELECT id, tag FROM run').all()).toEqual([{ id: runA, tag: null }]);
});

test('two processes migrating at once make each step once', async () => {
  const { file, folder } = oldState();
  const migrations = migrationsAnd(addTag, addMood);
  const children = [startChild('migrate', file, migrations), startChild('migrate', file, migrations)];
  for (const child of children) expect(await child.said()).toBe('ready');
  for (const child of children) tell(child, 'go');
  for (const child of children) expect(await child.said()).toBe(String(today + 2));
  expect(readdirSync(folder).filter((name) => name.includes('before'))).toEqual([`state.db.before-${numbered(2)}`]);
});

test('a reader sees an older state in the new shape and leaves the file as it is', () => {
  const { file, folder } = oldState();
  const db = openToRead({ file, migrations: readMigrations(migrationsAnd(addTag)) });
  expect(db.prepare('SELECT id, tag FROM run').all()).toEqual([{ id: runA, tag: null }]);
  db.close();
  expect(readdirSync(folder)).toEqual(['state.db']);
  const state = openState(folder);
  afterTest(() => state.close());
  expect(state.openRun()?.id).toBe(runA);
});

test('a gap in the numbers is a broken installation', () => {
  const folder = migrationsAnd();
  writeFileSync(path.join(folder, `${numbered(2)}.sql`), addTag);
  expect(() => readMigrations(folder)).toThrow(`expected ${numbered(1)}.sql`);
});
