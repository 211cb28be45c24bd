/**
 * Loaded before a program (`node --import`): its file system calls, its SQLite and its clock go wrong from the moment
 * on at which the file that `NIGHTPRESS_FAULT_FILE` names holds a fault. Until then, and without the file, nothing is
 * changed. Needs no privileges; other processes, workers included, are not touched.
 *
 *   { "errno": "ENOSPC" | "EROFS" | "EIO", "below": "/folder" }   calls on paths in there, open files included
 *   { "clockMs": 21600000 }                                       the clock is that much ahead
 *
 * ENOSPC refuses what needs space, EROFS everything that writes, EIO reading as well.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import Database from 'better-sqlite3';

const faultFile = process.env.NIGHTPRESS_FAULT_FILE ?? '';
const { readFileSync } = fs;
const RealDate = Date;

function faultNow() {
  try {
    return JSON.parse(readFileSync(faultFile, 'utf8'));
  } catch {
    return {}; // not there, or just being written: nothing is wrong yet
  }
}

const needsSpace = ['appendFile', 'copyFile', 'link', 'mkdir', 'symlink', 'writeFile'];
const writes = [...needsSpace, 'chmod', 'rename', 'rm', 'truncate', 'unlink', 'utimes'];
const reads = ['access', 'lstat', 'readFile', 'readdir', 'readlink', 'stat'];
const hit = {
  ENOSPC: new Set([...needsSpace, 'create', 'write']),
  EROFS: new Set([...writes, 'create', 'write']),
  EIO: new Set([...writes, ...reads, 'create', 'write', 'open', 'read', 'sync']),
};

/** Throws when a call of this kind on one of these paths is to fail now. */
function demand(kind, ...files) {
  const { errno, below } = faultNow();
  if (!errno || !hit[errno].has(kind)) return;
  const file = files.find((one) => typeof one === 'string' && `${path.resolve(one)}/`.startsWith(`${below}/`));
  if (file === undefined) return;
  throw Object.assign(new Error(`${errno}: injected, ${kind} '${file}'`), { code: errno, syscall: kind, path: file });
}

function wrap(owner, name, before) {
  const real = owner[name];
  owner[name] = function (...args) {
    before.call(this, ...args);
    return real.apply(this, args);
  };
}

/** The same in the promised kind, where a failure is a rejection. */
function wrapPromised(owner, name, before) {
  const real = owner[name];
  owner[name] = async function (...args) {
    before.call(this, ...args);
    return await real.apply(this, args);
  };
}

const kindOfOpen = (flags) => (flags === undefined || flags === 'r' || (Number(flags) & 3) === 0 ? 'open' : 'create');

for (const kind of [...writes, ...reads]) {
  wrapPromised(fs.promises, kind, (one, other) => demand(kind, one, other));
  wrap(fs, `${kind}Sync`, (one, other) => demand(kind, one, other));
}

const pathOfDescriptor = new Map();
const { openSync } = fs;
fs.openSync = (file, flags, mode) => {
  demand(kindOfOpen(flags), file);
  const descriptor = openSync(file, flags, mode);
  pathOfDescriptor.set(descriptor, file);
  return descriptor;
};
wrap(fs, 'writeSync', (descriptor) => demand('write', pathOfDescriptor.get(descriptor)));
wrap(fs, 'fsyncSync', (descriptor) => demand('sync', pathOfDescriptor.get(descriptor)));

const pathOfHandle = new WeakMap();
const { open } = fs.promises;
const probe = await open(process.execPath, 'r');
const Handle = Object.getPrototypeOf(probe);
await probe.close();
fs.promises.open = async (file, flags, mode) => {
  demand(kindOfOpen(flags), file);
  const handle = await open(file, flags, mode);
  pathOfHandle.set(handle, file);
  return handle;
};
const ofHandles = { write: 'write', writeFile: 'write', chmod: 'chmod', utimes: 'utimes', sync: 'sync', read: 'read' };
for (const [name, kind] of Object.entries(ofHandles)) {
  wrapPromised(Handle, name, function () {
    demand(kind, pathOfHandle.get(this));
  });
}
syncBuiltinESMExports();

const said = {
  ENOSPC: ['SQLITE_FULL', 'database or disk is full'],
  EROFS: ['SQLITE_READONLY', 'attempt to write a readonly database'],
  EIO: ['SQLITE_IOERR_WRITE', 'disk I/O error'],
};
const memory = new Database(':memory:');
const Statement = Object.getPrototypeOf(memory.prepare('SELECT 1'));
memory.close();
/** Beginning and rolling back touch no file. */
wrap(Statement, 'run', function () {
  if (/^\s*(BEGIN|ROLLBACK)/i.test(this.source)) return;
  try {
    demand('write', this.database.name);
  } catch (error) {
    const [code, message] = said[error.code];
    throw new Database.SqliteError(`${message} (injected)`, code);
  }
});

class JumpingDate extends RealDate {
  constructor(...args) {
    super(...(args.length === 0 ? [JumpingDate.now()] : args));
  }
  static now() {
    return RealDate.now() + (faultNow().clockMs ?? 0);
  }
}
Object.defineProperty(JumpingDate, 'name', { value: 'Date' });
globalThis.Date = JumpingDate;
