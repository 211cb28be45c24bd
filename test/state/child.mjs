/**
 * A second process for the tests: `child.mjs VERB ARGUMENT…`. Says `ready` when loaded, waits for a line, does its verb,
 * says what came of it, and stays until its input ends or it is killed.
 */
import { createInterface } from 'node:readline';
import Database from 'better-sqlite3';
import { openToWrite } from '../../dist/state/database.js';
import { holdJobLock } from '../../dist/state/lock.js';
import { readMigrations } from '../../dist/state/migrate.js';
import { openState } from '../../dist/state/open.js';

/** A connection that is collected ends its transaction. */
let kept;

const verbs = {
  open: async (folder) => openState(folder).windows().length,
  begin: async (folder) => {
    const state = openState(folder);
    const window = { opens: 1, closes: 2, label: 'child' };
    state.beginRun({ id: 'child', window, scheduled: true, verb: 'run', startedAt: 1, jobDigest: 'x', log: '/x' });
    return state.windows().length;
  },
  migrate: async (file, migrations) =>
    openToWrite({ file, migrations: readMigrations(migrations) }).pragma('user_version', { simple: true }),
  hold: async (folder, waitMs = '5000') => {
    await holdJobLock(folder, { pid: process.pid, host: 'child', startedAt: 0 }, { waitMs: Number(waitMs) });
    return 'held';
  },
  /** Half a migration, as a process killed inside its transaction leaves it. */
  half: async (file, sql) => {
    kept = new Database(file);
    kept.exec(`BEGIN IMMEDIATE; ${sql}`);
    return 'half';
  },
};

const [verb, ...values] = process.argv.slice(2);
const input = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
console.log('ready');
await input.next();
try {
  console.log(String(await verbs[verb](...values)));
} catch (error) {
  console.log(`${error.code}: ${error.message}`);
}
await input.next();
process.exit(0);
