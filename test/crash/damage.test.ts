import { appendFile, copyFile, readdir, readFile, rename, rm, truncate, unlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { manifestKey } from '../../src/domain/origin-keys.js';
import type { Result } from '../../src/domain/result.js';
import type { Digest } from '../../src/domain/types.js';
import { flawsOf, liveSnapshot } from '../support/published.js';
import { aWorld, type Ended, fill, type World } from '../support/world.js';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let world: World;
let live: Digest;

beforeAll(async () => {
  world = await aWorld();
  await fill(world, { pictures: 2, texts: 2 });
  await world.run();
  live = (await liveSnapshot(world.origin)) as Digest;
});
afterAll(() => world.end());

/** One line for a person: the cause, what is still live, what to do; never a stack. */
function saysClearly(ended: Ended, exit: number, cause: RegExp): void {
  expect(ended.code).toBe(exit);
  expect(ended.stderr).not.toMatch(/^ {4}at /m);
  expect(ended.stdout).not.toMatch(/^ {4}at /m);
  expect(ended.stderr + ended.stdout).toMatch(cause);
  expect(ended.stderr + ended.stdout).toMatch(
    /nightpress (run|verify|doctor|snapshots|rollback) night|newer nightpress/,
  );
}

/** The lowest bit of a column's type (sqlite.org/fileformat2.html#record_format) tells text from bytes. */
function withBytesForText(whole: Buffer): Buffer {
  for (let key = whole.indexOf('texts/t0.txt'); key >= 0; key = whole.indexOf('texts/t0.txt', key + 1)) {
    for (let at = key - 40; at < key; at++) {
      const bytes = Buffer.from(whole);
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      if (hasBytesForText(Buffer.from(bytes).fill(1, 18, 20))) return bytes; // in memory there is no WAL
    }
  }
  throw new Error('no bit of the state makes bytes of a key');
}

function hasBytesForText(bytes: Buffer): boolean {
  const db = new Database(bytes);
  try {
    return db.prepare("SELECT count(*) FROM asset WHERE typeof(key) = 'blob'").pluck().get() === 1;
  } catch {
    return false; // another bit, another damage
  } finally {
    db.close();
  }
}

/** The same call for a machine, whose result is returned, and for a person. */
async function failing(exit: number, code: string, cause: RegExp): Promise<Result | undefined> {
  const json = await world.run(['--now']);
  saysClearly(json, exit, cause);
  expect(json.result).toMatchObject({
    outcome: 'failed',
    exit,
    fault: { code, message: expect.stringMatching(cause) },
  });
  expect(json.result?.fault?.message).not.toContain('\n');
  const text = await world.run(['--now'], { plain: true });
  saysClearly(text, exit, cause);
  expect(text.stderr + text.stdout).toMatch(/live/);
  return json.result;
}

describe('a damaged state', () => {
  const state = () => path.join(world.state, 'state.db');
  const copy = () => path.join(world.folder, 'state.db');
  beforeAll(() => copyFile(state(), copy()));
  beforeEach(async () => {
    for (const suffix of ['-wal', '-shm']) await rm(`${state()}${suffix}`, { force: true });
    await copyFile(copy(), state());
  });

  const damages: Record<string, () => Promise<void> | void> = {
    'is cut off': () => truncate(state(), 5000),
    'is empty': () => truncate(state(), 0),
    'holds garbage': () => writeFile(state(), Buffer.alloc(20_000, 'garbage')),
    "is another program's": () => {
      const db = new Database(state());
      db.pragma('application_id = 7');
      db.close();
    },
  };
  test.each(Object.keys(damages))('that %s is refused with 12, and says what is live', async (how) => {
    await damages[how]?.();
    const result = await failing(12, 'state-corrupt', /state\.db/);
    expect(result?.live?.snapshot).toBe(live);
    expect(await flawsOf(world.origin)).toEqual([]);
  });

  test('one bit of which makes bytes of a text is refused with 12 when the night stumbles over it', async () => {
    await writeFile(state(), withBytesForText(await readFile(copy())));
    await failing(12, 'state-corrupt', /state.*non-TEXT value in asset\.key/);
  });

  test('that a newer nightpress wrote is refused with 12 and both numbers', async () => {
    const db = new Database(state());
    const known = Number(db.pragma('user_version', { simple: true }));
    db.pragma('user_version = 999');
    db.close();
    await failing(12, 'state-newer', new RegExp(`999.* ${known}\\b`));
  });

  test('that is moved away as the hint says costs nothing: the next run adopts', async () => {
    await rm(world.state, { recursive: true });
    const next = await world.run();
    expect(next.result).toMatchObject({ outcome: 'unchanged', derivatives: { made: 0 }, snapshot: live });
  });
});

describe('a damaged origin', () => {
  test.each(['', '{"nightpress":1,'])('whose head reads %j is refused with 13; what is live stays', async (text) => {
    const file = path.join(world.origin, 'now', 'head.json');
    const whole = await readFile(file);
    await writeFile(file, text);
    await failing(13, 'origin-corrupt', new RegExp(`head\\.json.*live still shows snapshot ${live}`));
    await writeFile(file, whole);
    expect((await world.run(['--now'])).result).toMatchObject({ outcome: 'unchanged' });
  });

  test.each(['cut off', 'deleted'])('whose live manifest is %s is refused with 13; what is live stays', async (how) => {
    const file = path.join(world.origin, manifestKey(live));
    const whole = await readFile(file);
    await unlink(file);
    if (how === 'cut off') await writeFile(file, whole.subarray(0, 100));
    await world.write('texts/t0.txt', how);
    await failing(13, 'origin-corrupt', new RegExp(manifestKey(live)));
    expect(await liveSnapshot(world.origin)).toBe(live);
    await rm(file, { force: true });
    await writeFile(file, whole);
    const next = await world.run(['--now']);
    expect(next.result).toMatchObject({ outcome: 'published' });
    live = next.result?.snapshot as Digest;
    expect(await flawsOf(world.origin)).toEqual([]);
  });

  test('that is gone after it was published to is not started over', async () => {
    const aside = path.join(world.folder, 'aside');
    await rename(world.origin, aside);
    await failing(13, 'origin-rewound', /no head/);
    expect(await readdir(world.folder)).not.toContain('public');
    await rename(aside, world.origin);
  });
});

test('a log whose last line was cut off is continued on a line of its own', async () => {
  await world.write('texts/t1.txt', 'log');
  const killed = await world.run(['--now'], { env: { NIGHTPRESS_CRASH: 'planned' } });
  const run = killed.lines.find((line) => line.type === 'run')?.run;
  const file = path.join(world.state, 'runs', `${run}.jsonl`);
  await appendFile(file, '{"at":"2026-');
  expect((await world.run()).result).toMatchObject({ outcome: 'published', run });
  const bad = (await readFile(file, 'utf8'))
    .trim()
    .split('\n')
    .filter((text) => !text.endsWith('}'));
  expect(bad).toEqual(['{"at":"2026-']);
});
