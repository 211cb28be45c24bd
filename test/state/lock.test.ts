import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { Fault } from '../../src/domain/faults.js';
import { holdJobLock, holdLock, isLocked, type JobLock, readLockHolder } from '../../src/state/lock.js';
import { afterTest, runA, startChild, tell, tempFolder } from './world.js';

const me = { pid: process.pid, host: 'here', startedAt: Date.UTC(2026, 10, 22, 2) };

async function held(folder: string, waitMs?: number): Promise<JobLock> {
  const lock = await holdJobLock(folder, me, waitMs === undefined ? {} : { waitMs });
  afterTest(() => lock.release());
  return lock;
}

async function refusal(folder: string, waitMs: number): Promise<Fault> {
  const error: unknown = await holdJobLock(folder, me, { waitMs }).catch((reason: unknown) => reason);
  if (error instanceof Fault) return error;
  throw new Error('expected a fault');
}

/** A child that holds the lock of `folder` by now. */
async function holder(folder: string): Promise<ReturnType<typeof startChild>> {
  const child = startChild('hold', folder);
  expect(await child.said()).toBe('ready');
  tell(child, 'go');
  expect(await child.said()).toBe('held');
  return child;
}

test('a lock makes its folder, tells who holds it and since when, and leaves nothing but its file', async () => {
  const folder = path.join(tempFolder(), 'a', 'job');
  expect(isLocked(folder)).toBe(false);
  expect(existsSync(folder)).toBe(false);
  const lock = await held(folder);
  expect(isLocked(folder)).toBe(true);
  expect(readLockHolder(folder)).toEqual(me);
  lock.update(runA);
  expect(readLockHolder(folder)).toEqual({ ...me, run: runA });
  lock.stopping();
  expect(readLockHolder(folder)).toEqual({ ...me, run: runA, stopping: true });
  expect(readdirSync(folder).sort()).toEqual(['lock.db', 'lock.json']);
  lock.release();
  lock.release();
  expect(isLocked(folder)).toBe(false);
  expect(readLockHolder(folder)).toBeUndefined();
  expect(readdirSync(folder)).toEqual(['lock.db']);
});

test('a folder that cannot be written any more does not keep the lock from being released', async () => {
  const folder = tempFolder();
  const lock = await held(folder);
  rmSync(path.join(folder, 'lock.json'));
  mkdirSync(path.join(folder, 'lock.json')); // what cannot be removed as a file, for root as for anybody
  lock.release();
  expect(isLocked(folder)).toBe(false);
});

test('a lock can be had again, and an old release does not free the new one', async () => {
  const folder = tempFolder();
  const first = await held(folder);
  first.release();
  await held(folder);
  first.release();
  expect(isLocked(folder)).toBe(true);
  expect(readLockHolder(folder)).toEqual(me);
});

test('another process is refused with the name of the holder, who is not disturbed', async () => {
  const folder = tempFolder();
  const child = await holder(folder);
  expect(isLocked(folder)).toBe(true);
  const fault = await refusal(folder, 50);
  expect(fault).toMatchObject({ code: 'run-locked', exit: 11 });
  expect(fault.message).toContain(`pid ${child.process.pid} on child since 1970-01-01T00:00:00.000Z`);
  expect(isLocked(folder)).toBe(true);
});

test('the holder names its run', async () => {
  const folder = tempFolder();
  await holder(folder);
  writeFileSync(path.join(folder, 'lock.json'), JSON.stringify({ ...me, run: runA }));
  expect((await refusal(folder, 0)).message).toContain(`on here since 2026-11-22T02:00:00.000Z, run ${runA};`);
});

test.each(['', '{', '[]', 'null', '{"pid":"x"}', '{"pid":1,"host":"h","startedAt":1e99}'])(
  'a side file with %j changes nothing but what people are told',
  async (text) => {
    const folder = tempFolder();
    const lock = await held(folder);
    writeFileSync(path.join(folder, 'lock.json'), text);
    expect(readLockHolder(folder)).toBeUndefined();
    expect(isLocked(folder)).toBe(true);
    expect((await refusal(folder, 0)).code).toBe('run-locked');
    lock.release();
    expect(isLocked(folder)).toBe(false);
  },
);

test('asking twice in one process is refused at once, through a link too, and costs the first nothing', async () => {
  const folder = path.join(tempFolder(), 'job');
  await held(folder);
  symlinkSync(folder, `${folder}-link`);
  for (const name of [folder, `${folder}-link`]) {
    expect(isLocked(name)).toBe(true);
    expect((await refusal(name, 60_000)).message).toContain(`pid ${process.pid}`);
  }
  const child = startChild('hold', folder, '0');
  await child.said();
  tell(child, 'go');
  expect(await child.said()).toContain('run-locked');
});

test('a stopped process still holds, a killed one does not, and nothing has to be cleared away', async () => {
  const folder = tempFolder();
  const child = await holder(folder);
  child.process.kill('SIGSTOP');
  expect((await refusal(folder, 50)).code).toBe('run-locked');
  child.process.kill('SIGKILL');
  await once(child.process, 'exit');
  expect(isLocked(folder)).toBe(false);
  expect(readLockHolder(folder)?.host).toBe('child');
  await held(folder, 0);
  expect(readLockHolder(folder)).toEqual(me);
});

test('a waiting process gets the lock as soon as it is free, and works meanwhile', async () => {
  const folder = tempFolder();
  const child = await holder(folder);
  let turns = 0;
  const timer = setInterval(() => turns++, 5);
  const waiting = held(folder, Number.POSITIVE_INFINITY);
  await expect.poll(() => turns, { timeout: 20_000 }).toBeGreaterThan(20);
  child.process.kill('SIGKILL');
  await waiting;
  clearInterval(timer);
  expect(isLocked(folder)).toBe(true);
});

test('a lock file that is no lock is named and left alone', async () => {
  const folder = tempFolder();
  const file = path.join(folder, 'lock.db');
  writeFileSync(file, 'x'.repeat(4096));
  const fault = await refusal(folder, 0);
  expect(fault.code).toBe('state-corrupt');
  expect(fault.message).toContain(file);
  expect(readFileSync(file, 'utf8')).toBe('x'.repeat(4096));
});

test('a folder that cannot be a lock is the state that cannot be used', async () => {
  const folder = tempFolder();
  mkdirSync(path.join(folder, 'lock.db'));
  expect((await refusal(folder, 0)).code).toBe('state-unwritable');
});

test('work on a lock file of its own excludes others, of this process too, and is done in turn', async () => {
  const file = path.join(tempFolder(), '.lock');
  let inside = 0;
  const work = async (n: number) => {
    expect(++inside).toBe(1);
    await new Promise((resolve) => setImmediate(resolve));
    inside--;
    return n;
  };
  const all = Array.from({ length: 8 }, (_, n) => holdLock(file, 20_000, () => work(n)));
  expect(await Promise.all(all)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});

test('one that gives up waiting in the same process does not cost the holder its lock', async () => {
  const folder = tempFolder();
  const file = path.join(folder, 'lock.db');
  await holdLock(file, 0, async () => {
    await expect(holdLock(file, 30, async () => undefined)).rejects.toThrow('waited 0.03 s');
    const child = startChild('hold', folder, '0');
    await child.said();
    tell(child, 'go');
    expect(await child.said()).toContain('run-locked');
  });
});

test('work that throws frees the lock, and its error is told as it is', async () => {
  const file = path.join(tempFolder(), '.lock');
  await expect(holdLock(file, 0, () => Promise.reject(new Error('torn')))).rejects.toThrow('torn');
  expect(await holdLock(file, 0, async () => 'mine')).toBe('mine');
});

test('work is not begun when the lock is not to be had in time', async () => {
  const folder = tempFolder();
  const child = await holder(folder);
  const file = path.join(folder, 'lock.db');
  let begun = false;
  const work = holdLock(file, 50, async () => {
    begun = true;
  });
  await expect(work).rejects.toMatchObject({ code: 'run-locked', message: expect.stringContaining(file) });
  expect(begun).toBe(false);
  expect(child.process.exitCode).toBeNull();
});
