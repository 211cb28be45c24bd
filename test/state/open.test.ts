import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { openToWrite } from '../../src/state/database.js';
import { readMigrations } from '../../src/state/migrate.js';
import { refuseNetwork } from '../../src/state/network.js';
import { openScratchState, openState, stateExists } from '../../src/state/open.js';
import { Sql } from '../../src/state/sql.js';
import { storageFault } from '../../src/state/storage-fault.js';
import { closing, faultOf, newRun, runA, startChild, tell, tempFolder } from './world.js';

function stateIn(folder: string): string {
  return path.join(folder, 'state.db');
}

test('a fresh folder gets an empty state, durable and guarded, and nothing else', () => {
  const folder = path.join(tempFolder(), 'a', 'job');
  openState(folder).close();
  expect(readdirSync(folder)).toEqual(['state.db']);
  expect(statSync(folder).mode & 0o777).toBe(0o755 & ~process.umask());
  expect(statSync(stateIn(folder)).mode & 0o777).toBe(0o644 & ~process.umask());
  const state = closing(openState(folder));
  expect(state.windows()).toEqual([]);
  expect(state.openRun()).toBeUndefined();
  expect(state.origin()).toBeUndefined();
  expect(state.assetKeys()).toEqual([]);
  expect(state.integrity()).toEqual([]);
});

test('what one opening wrote, the next one reads', () => {
  const folder = tempFolder();
  const first = openState(folder);
  first.rememberOrigin({ origin: 'uuid', seq: 3 });
  first.close();
  expect(closing(openState(folder)).origin()).toEqual({ origin: 'uuid', seq: 3 });
});

test('readers read beside a writer, and leave no file behind', () => {
  const folder = tempFolder();
  const writer = openState(folder);
  const reader = openState(folder, { readOnly: true });
  writer.beginRun(newRun(runA));
  expect(reader.openRun()?.id).toBe(runA);
  reader.close();
  writer.close();
  openState(folder, { readOnly: true }).close();
  expect(readdirSync(folder)).toEqual(['state.db']);
});

test('readers read beside a run of another process', async () => {
  const folder = tempFolder();
  const child = startChild('begin', folder);
  await child.said();
  tell(child, 'go');
  expect(await child.said()).toBe('1');
  expect(closing(openState(folder, { readOnly: true })).openRun()?.id).toBe('child');
});

test('what a process committed before it was killed is there, for the next reader and the next writer', async () => {
  const folder = tempFolder();
  const child = startChild('begin', folder);
  await child.said();
  tell(child, 'go');
  expect(await child.said()).toBe('1');
  child.process.kill('SIGKILL');
  await once(child.process, 'exit');
  for (const readOnly of [true, false]) {
    const state = openState(folder, { readOnly });
    expect(state.openRun()?.id).toBe('child');
    state.close();
  }
});

test('a writer syncs every commit and checks every foreign key', () => {
  const db = openToWrite({ file: stateIn(tempFolder()), migrations: readMigrations() });
  const pragma = (name: string) => db.pragma(name, { simple: true });
  expect(pragma('journal_mode')).toBe('wal');
  expect(pragma('synchronous')).toBe(2);
  expect(pragma('foreign_keys')).toBe(1);
  expect(pragma('busy_timeout')).toBe(5000);
  db.close();
});

test('where no WAL index can be made, as on a read-only file system, a reader still reads and a writer is refused', () => {
  const folder = tempFolder();
  const writer = openState(folder);
  writer.rememberOrigin({ origin: 'uuid', seq: 3 });
  writer.close();
  symlinkSync('nowhere/at/all', `${stateIn(folder)}-shm`);
  expect(closing(openState(folder, { readOnly: true })).origin()).toEqual({ origin: 'uuid', seq: 3 });
  expect(faultOf(() => openState(folder)).code).toBe('state-unwritable');
});

test('a reader cannot write', () => {
  const folder = tempFolder();
  const early = closing(openState(folder, { readOnly: true }));
  openState(folder).close();
  const reader = closing(openState(folder, { readOnly: true }));
  for (const state of [early, reader]) {
    expect(faultOf(() => state.beginRun(newRun(runA))).code).toBe('state-unwritable');
  }
});

test('where there is no state yet a reader sees an empty one and makes nothing', () => {
  const folder = path.join(tempFolder(), 'job');
  expect(stateExists(folder)).toBe(false);
  expect(closing(openState(folder, { readOnly: true })).windows()).toEqual([]);
  expect(existsSync(folder)).toBe(false);
  openState(folder).close();
  expect(stateExists(folder)).toBe(true);
});

test('a scratch state starts as the state is, may be written, and is forgotten', () => {
  const folder = tempFolder();
  expect(closing(openScratchState(path.join(folder, 'none'))).windows()).toEqual([]);
  const state = closing(openState(folder));
  state.rememberOrigin({ origin: 'uuid', seq: 3 });
  const scratch = closing(openScratchState(folder));
  scratch.beginRun(newRun(runA));
  expect(scratch.origin()).toEqual({ origin: 'uuid', seq: 3 });
  expect(scratch.openRun()?.id).toBe(runA);
  expect(state.openRun()).toBeUndefined();
  expect(existsSync(path.join(folder, 'none'))).toBe(false);
});

test('two processes opening a fresh folder at once share one state', async () => {
  const folder = path.join(tempFolder(), 'job');
  const children = [startChild('open', folder), startChild('open', folder)];
  for (const child of children) expect(await child.said()).toBe('ready');
  for (const child of children) tell(child, 'go');
  for (const child of children) expect(await child.said()).toBe('0');
  expect(readdirSync(folder).filter((name) => name.includes('draft'))).toEqual([]);
  expect(closing(openState(folder)).integrity()).toEqual([]);
});

test('what a process left behind that died while creating the state is tidied away', () => {
  const folder = tempFolder();
  writeFileSync(`${stateIn(folder)}.draft-of-the-dead`, 'half');
  openState(folder).close();
  expect(readdirSync(folder)).toEqual(['state.db']);
});

test('a WAL without its state is refused, not applied to a new one', () => {
  const folder = tempFolder();
  writeFileSync(`${stateIn(folder)}-wal`, 'old frames');
  const fault = faultOf(() => openState(folder));
  expect(fault.code).toBe('state-corrupt');
  expect(fault.message).toContain('state.db-wal');
});

test('a state from the future is refused with both numbers, for readers too', () => {
  const folder = tempFolder();
  openState(folder).close();
  const db = new Database(stateIn(folder));
  db.pragma('user_version = 1007');
  db.close();
  for (const readOnly of [false, true]) {
    const fault = faultOf(() => openState(folder, { readOnly }));
    expect(fault.code).toBe('state-newer');
    expect(fault.message).toBe(
      `${stateIn(folder)} has schema 1007, this nightpress knows schemas up to ${readMigrations().length}`,
    );
  }
});

test('any other database, or other tables, are refused', () => {
  const folder = tempFolder();
  const db = new Database(stateIn(folder));
  db.exec('CREATE TABLE cat (name)');
  db.close();
  expect(faultOf(() => openState(folder)).message).toContain('application id 0');
  const other = tempFolder();
  openState(other).close();
  const changed = new Database(stateIn(other));
  changed.exec('ALTER TABLE asset RENAME COLUMN listing TO listings');
  changed.close();
  expect(faultOf(() => openState(other)).message).toContain(
    `its tables are not those of schema ${readMigrations().length}`,
  );
});

test('a place that cannot hold a state is named', () => {
  const folder = tempFolder();
  mkdirSync(stateIn(folder));
  for (const readOnly of [false, true]) {
    const fault = faultOf(() => openState(folder, { readOnly }));
    expect(fault.code).toBe('state-unwritable');
    expect(fault.message).toContain(stateIn(folder));
  }
  const file = path.join(folder, 'file');
  writeFileSync(file, '');
  expect(faultOf(() => openState(file)).code).toBe('state-unwritable');
  expect(faultOf(() => openState(path.join(file, 'below'))).code).toBe('state-unwritable');
});

test('a full disk is the state that cannot be written, and what was committed stays', () => {
  const file = stateIn(tempFolder());
  const db = new Database(file);
  const sql = new Sql(db, file);
  sql.write('CREATE TABLE blob (bytes TEXT)');
  db.pragma('max_page_count = 4');
  sql.write("INSERT INTO blob VALUES ('kept')");
  const fault = faultOf(() => sql.writing(() => sql.write('INSERT INTO blob VALUES (?)', 'x'.repeat(99_999))));
  expect(fault.code).toBe('state-unwritable');
  expect(fault.message).toContain('SQLITE_FULL');
  expect(sql.column('SELECT bytes FROM blob')).toEqual(['kept']);
  sql.close();
});

test.each([
  ['SQLITE_BUSY', 'run-locked'],
  ['SQLITE_CORRUPT_INDEX', 'state-corrupt'],
  ['SQLITE_IOERR_FSYNC', 'state-unwritable'],
  ['ENOSPC', 'state-unwritable'],
  ['ERR_DLOPEN_FAILED', 'tool-missing'],
])('%s is told as %s', (code, expected) => {
  const error = Object.assign(new Error('words'), { code });
  expect(storageFault(error, '/job/state.db')).toMatchObject({ code: expected, cause: error });
});

test('a broken constraint is a bug of ours and stays one', () => {
  const error = Object.assign(new Error('words'), { code: 'SQLITE_CONSTRAINT_CHECK' });
  expect(storageFault(error, '/job/state.db')).toBe(error);
});

test('a folder on a network file system is refused', () => {
  const fault = faultOf(() => refuseNetwork('/nas/job', () => 'NFS'));
  expect(fault.code).toBe('state-network');
  expect(fault.message).toBe('/nas/job lies on NFS: expected a local file system');
  expect(() => refuseNetwork(tempFolder())).not.toThrow();
});
