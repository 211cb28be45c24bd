import { createInterface } from 'node:readline';
import Database from 'better-sqlite3';
import { openToWrite } from '../../src/state/database.js';
import { holdJobLock } from '../../src/state/lock.js';
import { readMigrations } from '../../src/state/migrate.js';
import { openState } from '../../src/state/open.js';

/**
 * A second process for the tests: `child.ts VERB ARGUMENT…`. Says `ready` when loaded, waits for a line, does its verb,
 * says what came of it, and stays until its input ends or it is killed.
 */
const [verb = '', first = '', second = ''] = process.argv.slice(2);

const verbs: Record<string, () => Promise<unknown>> = {
  /** Opens the state of a folder. */
  open: async () => openState(first).windows().length,
  /** Opens the state and begins a run. */
  begin: async () => {
    const state = openState(first);
    const window = { opens: 1, closes: 2, label: 'child' };
    const run = {
      id: 'child' as never,
      window,
      scheduled: true,
      verb: 'run' as const,
      startedAt: 1,
      jobDigest: 'x' as never,
      log: '/x',
    };
    state.beginRun(run);
    return state.windows().length;
  },
  /** Migrates a file with another folder of migrations. */
  migrate: async () =>
    openToWrite({ file: first, migrations: readMigrations(second) }).pragma('user_version', { simple: true }),
  /** Holds a job's lock. */
  hold: async () => {
    await holdJobLock(first, { pid: process.pid, host: 'child', startedAt: 0 }, { waitMs: Number(second || 5000) });
    return 'held';
  },
  /** Half a migration, as a process killed inside its transaction leaves it. */
  half: async () => {
    const db = new Database(first);
    db.exec(`BEGIN IMMEDIATE; ${second}`);
    return 'half';
  },
};

const input = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
console.log('ready');
await input.next();
try {
  console.log(String(await verbs[verb]?.()));
} catch (error) {
  console.log(`${(error as { code?: string }).code}: ${(error as Error).message}`);
}
await input.next();
process.exit(0);
