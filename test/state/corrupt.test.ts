import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { Fault } from '../../src/domain/faults.js';
import type { State } from '../../src/state/contract.js';
import { openState } from '../../src/state/open.js';
import { closing, decodeFailed, digest, faultOf, idOf, listed, made, newRun, plan, runA, tempFolder } from './world.js';

/** Bytes of a state with rows in every table that is read at the start of a run. */
function wholeState(): Buffer {
  const folder = tempFolder();
  const state = openState(folder);
  state.beginRun(newRun(runA));
  state.freezePlan(runA, plan);
  state.commit([
    { kind: 'attempt', run: runA, item: idOf('a.jpg'), startedAt: 1, endedAt: 2, outcome: 'finished' },
    { kind: 'made', run: runA, at: 2, made: made('print', 'blob') },
    { kind: 'ended', run: runA, item: idOf('a.jpg'), disposition: 'failed', at: 3, finding: decodeFailed },
  ]);
  const upserts = Array.from({ length: 300 }, (_, n) => ({
    ...listed(`photos/${n}.jpg`),
    sha256: digest(`${n}`),
    recipes: 1,
  }));
  state.settle({
    origin: { origin: 'uuid', seq: 1 },
    upserts: upserts.map(({ settled, ...asset }) => asset),
    removed: [],
    at: 1,
  });
  state.close();
  return readFileSync(path.join(folder, 'state.db'));
}

function readAll(state: State): void {
  state.origin();
  state.openSwap();
  state.groups();
  state.windows();
  state.openRun();
  state.runs(10);
  state.changes(runA);
  state.items(runA);
  state.progress(runA);
  state.made([digest('print')]);
  state.quarantined([digest('print')]);
  [...state.madeDigests()];
  state.assetKeys();
  state.listings(digest('set'));
  state.history('a.jpg');
  state.integrity();
}

/** The code of the fault, `fine` when all can be read; any other error fails the test. */
function outcomeOf(folder: string, bytes: Buffer, name: string): string {
  const job = path.join(folder, name);
  mkdirSync(job);
  writeFileSync(path.join(job, 'state.db'), bytes);
  try {
    const state = openState(job);
    try {
      readAll(state);
    } finally {
      state.close();
    }
    return 'fine';
  } catch (error) {
    if (!(error instanceof Fault)) throw new Error(`${name}: ${(error as Error).message}`, { cause: error });
    expect(error.message).toContain(path.join(job, 'state.db'));
    expect(error.message).not.toContain('\n');
    return error.code;
  }
}

test('an empty file and garbage are refused by name', () => {
  for (const bytes of [Buffer.alloc(0), Buffer.from('not a database'), Buffer.alloc(8192, 'garbage ')]) {
    const folder = tempFolder();
    writeFileSync(path.join(folder, 'state.db'), bytes);
    for (const readOnly of [false, true]) {
      const fault = faultOf(() => openState(folder, { readOnly }));
      expect(fault.code).toBe('state-corrupt');
      expect(fault.message).toContain(path.join(folder, 'state.db'));
      expect(fault.message).toContain('expected a whole database written by nightpress');
    }
  }
});

test('a column whose JSON does not parse is a damaged state', () => {
  const folder = tempFolder();
  const state = openState(folder);
  state.beginRun(newRun(runA));
  state.close();
  const db = new Database(path.join(folder, 'state.db'));
  db.pragma('ignore_check_constraints = ON');
  db.exec(`UPDATE run SET plan = '{'`);
  db.close();
  const damaged = closing(openState(folder, { readOnly: true }));
  expect(faultOf(() => damaged.openRun()).code).toBe('state-corrupt');
  expect(damaged.integrity()).toEqual([expect.stringContaining('CHECK constraint failed in run')]);
  expect(faultOf(() => openState(folder)).message).toContain('CHECK constraint failed in run');
});

/** Rows whose bits SQLite cannot vouch for, and that end in a manifest. */
test.each([
  ['made', `outputs = replace(outputs, 'image/webp', 'image/wecp')`],
  ['made', `source = replace(source, '"width":4', '"width":5')`],
  ['made', `placeholder = 'x'`],
  ['change', `key = 'b.jpg' WHERE key = 'a.jpg'`],
  ['change', `recipes = 2`],
  ['item', `sha256 = replace(sha256, 'a', 'b') WHERE staged IS NOT NULL`],
  ['item', `staged = replace(staged, '"bytes":10', '"bytes":11') WHERE staged IS NOT NULL`],
  ['item', `disposition = 'reused' WHERE disposition = 'done'`],
  ['item', `key = 'b.jpg' WHERE key = 'a.jpg'`],
  ['run', `plan = replace(plan, '"total":3', '"total":4')`],
])('a row of %s that is not what was written (%s) is a damaged state', (table, change) => {
  const folder = tempFolder();
  const state = openState(folder);
  state.beginRun(newRun(runA));
  state.freezePlan(runA, plan);
  const ended = { run: runA, item: idOf('a.jpg'), at: 3, fingerprint: digest('print'), sha256: digest('content') };
  state.commit([
    { kind: 'made', run: runA, at: 2, made: made('print', 'blob') },
    { kind: 'ended', ...ended, disposition: 'done', staged: listed('a.jpg') },
  ]);
  state.close();
  const file = path.join(folder, 'state.db');
  const reading = closing(openState(folder, { readOnly: true }));
  expect(reading.items(runA).find(({ key }) => key === 'a.jpg')).toMatchObject({ staged: listed('a.jpg') });
  expect(reading.made([digest('print')]).get(digest('print'))).toEqual(made('print', 'blob'));
  const db = new Database(file);
  const { changes } = db.prepare(`UPDATE ${table} SET ${change}`).run();
  db.close();
  expect(changes, 'rows changed').toBeGreaterThan(0);
  const damaged = closing(openState(folder)); // no page is broken and no CHECK fails: only the row itself tells
  expect(faultOf(() => readAll(damaged)).message).toMatch(/a row is not what was written|not that of its asset/);
});

test('a row of a time without sums is taken as it is, and so is one whose sum is not to be found', () => {
  const folder = tempFolder();
  const state = openState(folder);
  state.beginRun(newRun(runA));
  state.commit([{ kind: 'made', run: runA, at: 2, made: made('print', 'blob') }]);
  state.close();
  const kept = () => {
    const reading = closing(openState(folder, { readOnly: true }));
    return reading.made([digest('print')]).get(digest('print'));
  };
  const db = new Database(path.join(folder, 'state.db'));
  db.exec(`UPDATE made SET source = replace(source, '"sum"', '"sua"')`);
  expect(kept()).toEqual(made('print', 'blob'));
  db.exec(`UPDATE made SET source = json_remove(source, '$.sua')`);
  expect(kept()).toEqual(made('print', 'blob'));
  db.close();
});

test('a state truncated at any length is refused', () => {
  const whole = wholeState();
  const folder = tempFolder();
  const lengths = [
    1,
    15,
    16,
    99,
    100,
    512,
    4095,
    4096,
    4097,
    8192,
    whole.length / 2,
    whole.length - 4096,
    whole.length - 1,
  ];
  for (const length of lengths)
    expect(outcomeOf(folder, whole.subarray(0, length), `cut-${length}`)).toBe('state-corrupt');
  expect(outcomeOf(folder, whole, 'whole')).toBe('fine');
});

test('a state with a flipped byte is read or refused, and never another error', () => {
  const whole = wholeState();
  const folder = tempFolder();
  const header = Array.from({ length: 108 }, (_, at) => at);
  const elsewhere = Array.from({ length: 60 }, (_, n) => 108 + Math.floor(((whole.length - 108) * n) / 60));
  const counts = new Map<string, number>();
  for (const at of [...header, ...elsewhere]) {
    const bytes = Buffer.from(whole);
    bytes[at] = (bytes[at] ?? 0) ^ (at % 2 ? 0xff : 0x04);
    const outcome = outcomeOf(folder, bytes, `flip-${at}`);
    const isVersion = at >= 60 && at < 64;
    expect(isVersion ? ['state-newer', 'state-corrupt'] : ['fine', 'state-corrupt'], `byte ${at}`).toContain(outcome);
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  }
  expect(counts.get('state-corrupt')).toBeGreaterThan(10);
});
