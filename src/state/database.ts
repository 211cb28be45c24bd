import { randomUUID } from 'node:crypto';
import { existsSync, linkSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { errno, Fault } from '../domain/faults.js';
import { makeFolder, syncFolder, writeSynced } from './files.js';
import { keepCopy, type Migration, migrate, schemaOf, versionOf } from './migrate.js';
import { refuseNetwork } from './network.js';
import { corrupt, orFault } from './storage-fault.js';

/**
 * `state.db`: SQLite in WAL mode, `application_id` 'npst', `user_version` = number of the newest migration.
 *
 * It appears under its name whole, with its schema (drafted, synced, hard-linked: the first of two processes wins). So
 * a file without a schema is never "new": it was damaged, and is refused instead of started over. Rejected: creating
 * in place, where a crash at the wrong moment looks the same as a truncated file.
 *
 * Never open it with `fs` while a connection lives: closing any descriptor drops this process's POSIX locks.
 */
const applicationId = 1852863348;
const busyTimeoutMs = 5000;

export interface OpenedFile {
  readonly file: string;
  readonly migrations: readonly Migration[];
}

/** For the one process that writes: created or migrated if need be. */
export function openToWrite(opened: OpenedFile): Database.Database {
  const { file, migrations } = opened;
  return orFault(file, () => {
    makeFolder(path.dirname(file));
    if (!existsSync(file)) create(opened);
    return closedOnError(connect(file), (db) => {
      refuseStrange(db, opened);
      db.pragma('journal_mode = WAL');
      db.pragma('synchronous = FULL');
      db.pragma('fullfsync = ON'); // macOS: fsync alone does not reach the disk
      migrate(db, migrations, (next) => keepCopy(db, file, next));
      refuseOtherSchema(db, opened);
    });
  });
}

/**
 * For any number of readers, beside a live run. Leaves no file behind: a handle that may write, told not to, takes its
 * `-wal` and `-shm` away with it, which a read-only handle cannot. No state yet reads as an empty one; a state of an
 * older schema, or in a folder where not even the WAL index may be made, is read from a copy in memory.
 */
export function openToRead(opened: OpenedFile): Database.Database {
  const { file, migrations } = opened;
  return orFault(file, () => {
    const db = existsSync(file) ? readable(opened) : openEmpty(migrations);
    return closedOnError(db, () => db.pragma('query_only = ON'));
  });
}

function readable(opened: OpenedFile): Database.Database {
  const { file, migrations } = opened;
  refuseNetwork(path.dirname(file));
  const db = closedOnError(connectToRead(file), (connection) => refuseStrange(connection, opened));
  const current = versionOf(db) === migrations.length ? db : upgradedCopy(db, migrations);
  return closedOnError(current, () => refuseOtherSchema(current, opened));
}

/** A copy in memory that may be written and is forgotten: for deciding what a run would do, without doing it. */
export function openScratchCopy(opened: OpenedFile): Database.Database {
  const { file, migrations } = opened;
  return orFault(file, () => (existsSync(file) ? upgradedCopy(readable(opened), migrations) : openEmpty(migrations)));
}

function create({ file, migrations }: OpenedFile): void {
  if (existsSync(`${file}-wal`) && !existsSync(file)) {
    throw corrupt(file, `it is missing, but ${path.basename(file)}-wal is there`);
  }
  const draft = `${file}.draft-${randomUUID()}`;
  writeSynced(draft, inJournalMode('wal', openEmpty(migrations).serialize()));
  try {
    linkSync(draft, file);
  } catch (error) {
    // Made by another process in this moment; it may have tidied our draft away.
    if (!existsSync(file)) throw error;
  }
  tidyDrafts(file);
  syncFolder(path.dirname(file));
}

/** Ours, and those of processes that died while creating. */
function tidyDrafts(file: string): void {
  const folder = path.dirname(file);
  for (const name of readdirSync(folder)) {
    if (name.startsWith(`${path.basename(file)}.draft-`)) rmSync(path.join(folder, name), { force: true });
  }
}

function connect(file: string): Database.Database {
  refuseCut(file);
  const db = new Database(file, { fileMustExist: true, timeout: busyTimeoutMs });
  return closedOnError(db, () => db.pragma('cell_size_check = ON')); // damage is told where it is read
}

function connectToRead(file: string): Database.Database {
  const db = connect(file);
  try {
    versionOf(db); // the first read opens the WAL index
    return db;
  } catch (error) {
    db.close();
    if (errno(error) !== 'SQLITE_CANTOPEN' || walBytes(file) > 0) throw error;
    return new Database(inJournalMode('rollback', readFileSync(file))); // nobody writes where no index can be made
  }
}

function upgradedCopy(db: Database.Database, migrations: readonly Migration[]): Database.Database {
  const bytes = inJournalMode('rollback', db.serialize());
  db.close();
  return closedOnError(new Database(bytes), (copy) => migrate(copy, migrations));
}

/** In memory, with the newest schema and no row. */
export function openEmpty(migrations: readonly Migration[]): Database.Database {
  const db = new Database(':memory:');
  migrate(db, migrations);
  return db;
}

/** Bytes 18 and 19 of the header (sqlite.org/fileformat2.html#file_format_version_numbers): a database in memory has no WAL. */
function inJournalMode(mode: 'wal' | 'rollback', bytes: Buffer): Buffer {
  return bytes.fill(mode === 'wal' ? 2 : 1, 18, 20);
}

function walBytes(file: string): number {
  return statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0;
}

/** SQLite reads the missing rest of a last page as zeros; with a WAL beside it the file may rightly be short. */
function refuseCut(file: string): void {
  const entry = statSync(file);
  if (!entry.isFile()) return; // SQLite says so itself
  const { size } = entry;
  if (size === 0) throw corrupt(file, 'it is empty');
  if (size % 4096 !== 0 && walBytes(file) === 0) throw corrupt(file, `it is cut off after ${size} bytes`);
}

/** Not a full integrity check: header and schema only. */
function refuseStrange(db: Database.Database, { file, migrations }: OpenedFile): void {
  const id = Number(db.pragma('application_id', { simple: true }));
  if (id !== applicationId) throw corrupt(file, `application id ${id}, expected ${applicationId}`);
  const version = versionOf(db);
  if (version > migrations.length) {
    const message = `${file} has schema ${version}, this nightpress knows schemas up to ${migrations.length}`;
    throw new Fault('state-newer', message);
  }
  if (version < 1) throw corrupt(file, `schema ${version}`);
}

function refuseOtherSchema(db: Database.Database, { file, migrations }: OpenedFile): void {
  const expected = openEmpty(migrations);
  if (schemaOf(db) !== schemaOf(expected))
    throw corrupt(file, `its tables are not those of schema ${migrations.length}`);
}

function closedOnError(db: Database.Database, prepare: (db: Database.Database) => unknown): Database.Database {
  try {
    prepare(db);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** The version of the SQLite inside. */
export function sqliteVersion(): string {
  const db = new Database(':memory:');
  try {
    return String(db.prepare('SELECT sqlite_version()').pluck().get());
  } finally {
    db.close();
  }
}
