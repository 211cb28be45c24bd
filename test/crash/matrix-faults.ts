import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import type { SmallDisk } from '../support/small-disk.js';
import type { Running, World } from '../support/world.js';

/** Where a night goes wrong. */
export interface Scene {
  readonly world: World;
  /** Read by `test/support/fault-fs.mjs` in the coordinator. */
  readonly faultFile: string;
  /** File systems of their own under work folder and origin, where this process may mount. */
  readonly disks: { readonly state: SmallDisk; readonly origin: SmallDisk } | undefined;
}

/** One way to go wrong, done to a run that stands still at a named point. */
export interface Disturbance {
  readonly name: string;
  /** What really happens, for the reader of the table. */
  readonly how: (scene: Pick<Scene, 'disks'>) => string;
  /** Exit codes that say the truth about it while the head has not moved; a run that gets through ends with 0. */
  readonly exits: readonly (number | 'SIGKILL')[];
  /** Returns how to take it back. */
  readonly inject: (scene: Scene, run: Running) => () => void;
}

const nothing = () => undefined;
const signalled = () => 'signal';

function signal(name: 'SIGKILL' | 'SIGTERM'): Disturbance['inject'] {
  return (_scene, run) => {
    run.signal(name);
    return nothing;
  };
}

function injected(faultFile: string, fault: object): () => void {
  writeFileSync(faultFile, JSON.stringify(fault));
  return () => rmSync(faultFile, { force: true });
}

function failing(errno: 'ENOSPC' | 'EROFS' | 'EIO', place: 'state' | 'origin'): Disturbance['inject'] {
  return ({ world, faultFile }) => injected(faultFile, { errno, below: world[place] });
}

function full(place: 'state' | 'origin'): Disturbance['inject'] {
  return (scene, run) => {
    const disk = scene.disks?.[place];
    if (!disk) return failing('ENOSPC', place)(scene, run);
    disk.fill();
    return () => disk.free();
  };
}

const howFull: Disturbance['how'] = ({ disks }) =>
  disks ? 'tmpfs without a free page' : 'ENOSPC, SQLITE_FULL injected';
const inCalls = (what: string) => () => `${what} injected`;

/** Longer than the run waits for the state: until it has ended. */
function holdWriteLock({ world }: Scene): () => void {
  const db = new Database(path.join(world.state, 'state.db'), { fileMustExist: true });
  db.exec('BEGIN IMMEDIATE');
  return () => {
    db.exec('ROLLBACK');
    db.close();
  };
}

/** No file may grow: what it is kept from writing fails with EFBIG, in SQLite too. */
function limitFiles(_scene: Scene, run: Running): () => void {
  execFileSync('prlimit', ['--pid', String(run.pid), '--fsize=1:']);
  return nothing;
}

function clock(hours: number): Disturbance['inject'] {
  return ({ faultFile }) => injected(faultFile, { clockMs: hours * 3_600_000 });
}

export const disturbances: readonly Disturbance[] = [
  { name: 'SIGKILL', how: signalled, exits: ['SIGKILL'], inject: signal('SIGKILL') },
  { name: 'SIGTERM', how: signalled, exits: [143], inject: signal('SIGTERM') },
  { name: 'full work folder', how: howFull, exits: [12], inject: full('state') },
  { name: 'full origin', how: howFull, exits: [75], inject: full('origin') },
  {
    name: 'read-only work folder',
    how: inCalls('EROFS, SQLITE_READONLY'),
    exits: [12],
    inject: failing('EROFS', 'state'),
  },
  { name: 'read-only origin', how: inCalls('EROFS'), exits: [75], inject: failing('EROFS', 'origin') },
  { name: 'busy state', how: () => 'another process holds the write lock', exits: [11], inject: holdWriteLock },
  {
    name: 'I/O errors in work folder',
    how: inCalls('EIO, SQLITE_IOERR_WRITE'),
    exits: [12],
    inject: failing('EIO', 'state'),
  },
  { name: 'I/O errors at origin', how: inCalls('EIO'), exits: [75], inject: failing('EIO', 'origin') },
  { name: 'files may not grow', how: () => 'RLIMIT_FSIZE by prlimit', exits: [12, 75], inject: limitFiles },
  { name: 'clock 6 h ahead', how: inCalls('Date'), exits: [3], inject: clock(6) },
  { name: 'clock 6 h back', how: inCalls('Date'), exits: [], inject: clock(-6) },
];
