import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { getPriority, tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Executor, ProcessGroup } from '../../../src/executors/contract.js';
import { executors } from '../../../src/executors/index.js';
import { createProcessesKind } from '../../../src/executors/processes/index.js';
import { markName, readMark, withMark } from '../../../src/executors/processes/mark.js';
import { linuxTable } from '../../../src/executors/processes/table-linux.js';
import { psTable } from '../../../src/executors/processes/table-ps.js';
import { hostileWorker, isLiving, orderOf, written } from '../../support/orders.js';
import { until } from '../../support/until.js';
import { executorContract } from './suite.js';

executorContract({ name: 'processes', kind: createProcessesKind({ entry: hostileWorker }) });

describe('worker processes', () => {
  let folder = '';
  let opened: Executor[] = [];
  let started: ProcessGroup[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'nightpress-processes-'));
    opened = [];
    started = [];
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    for (const executor of opened) await executor.kill();
    expect(started.filter(({ pgid }) => isLiving(pgid))).toEqual([]);
    await rm(folder, { recursive: true, force: true });
  });

  const open = (
    options: Partial<Parameters<typeof createProcessesKind>[0]> = {},
    onStart = (_: ProcessGroup) => {},
  ) => {
    const executor = createProcessesKind({ entry: hostileWorker, ...options }).open({
      workers: 1,
      onStart: (group) => {
        started.push(group);
        onStart(group);
      },
      onEnd: () => undefined,
    });
    opened.push(executor);
    return executor;
  };

  test('a worker sees an allow-listed environment and the outbox as its place for temporary files', async () => {
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
    vi.stubEnv('NODE_OPTIONS', '--no-warnings');
    vi.stubEnv('NIGHTPRESS_FFMPEG', '/opt/ffmpeg');
    const order = await orderOf(folder, 'obeys');
    await open().execute(order);
    const { environment } = JSON.parse(await written(order, 'original'));
    expect(Object.keys(environment).sort()).toEqual([
      ...['LANG', 'MALLOC_ARENA_MAX', 'NIGHTPRESS_FFMPEG', 'NIGHTPRESS_WORKER', 'PATH', 'TMPDIR', 'TZ'],
      ...['UV_THREADPOOL_SIZE', 'VIPS_BLOCK_UNTRUSTED', 'VIPS_CONCURRENCY'],
    ]);
    expect(environment.TMPDIR).toBe(order.outbox);
  });

  test('the registered executor works with the real worker and its processors', async () => {
    const processes = await executors.processes?.();
    const executor = processes?.open({ workers: 1, onStart: (group) => started.push(group), onEnd: () => undefined });
    if (!executor) throw new Error('it is not registered');
    opened.push(executor);
    const attempt = await executor.execute(await orderOf(folder, 'copy'));
    expect(attempt).toMatchObject({ kind: 'finished', result: { ok: true, source: { type: 'text/plain' } } });
  });

  test('a worker leads its group and is nice', async () => {
    const order = await orderOf(folder, 'obeys');
    await open().execute(order);
    const { pid } = JSON.parse(await written(order, 'original'));
    expect(pid).toBe(started[0]?.pgid);
    expect(getPriority(pid)).toBe(10);
  });

  test.each([
    ['writes garbage on the channel', /no message/],
    ['answers with a file outside its outbox', /no message \(result\.outputs\.0\.file/],
  ])('a worker that %s is not listened to any more', async (behaviour, detail) => {
    const executor = open();
    const attempt = await executor.execute(await orderOf(folder, behaviour));
    expect(attempt).toMatchObject({ kind: 'died', how: 'crashed', detail: expect.stringMatching(detail) });
    expect(await executor.execute(await orderOf(folder, 'obeys'))).toMatchObject({ kind: 'finished' });
  });

  test('a death carries the last 4 kB that the worker printed, and how far it had come', async () => {
    const executor = open();
    const flood = await executor.execute(await orderOf(folder, 'floods stderr'));
    if (flood.kind !== 'died') throw new Error('it lived');
    expect(flood.detail).toBe('the worker ended with exit code 1');
    expect(flood.log).toHaveLength(4096);
    expect(flood.log).toContain('line 19999 ');
    const late = await executor.execute(await orderOf(folder, 'sleeps', { wallMs: 1000 }));
    expect(late).toMatchObject({ detail: 'not done after 1000 ms; the work said it was at 43 %', log: undefined });
  });

  test('a worker that holds half of what an order may take is replaced before the order', async () => {
    const executor = open();
    await executor.execute(await orderOf(folder, 'keeps memory'));
    await executor.execute(await orderOf(folder, 'obeys'));
    expect(started.length).toBe(1);
    await executor.execute(await orderOf(folder, 'obeys', { memoryBytes: 200_000_000 }));
    expect(started.map(({ pgid }) => isLiving(pgid))).toEqual([false, true]);
  });

  test('a worker is replaced after five hundred orders', async () => {
    const executor = open();
    const order = await orderOf(folder, 'refuses');
    for (let n = 0; n < 500; n++) await executor.execute(order);
    expect(started.length).toBe(1);
    await executor.execute(order);
    expect(started.length).toBe(2);
  });

  test('an entry that does not start is a fault of the executor and names its reason', async () => {
    const executor = open({ entry: path.join(folder, 'absent.js') });
    const call = executor.execute(await orderOf(folder, 'obeys'));
    await expect(call).rejects.toMatchObject({ code: 'executor-failed', message: expect.stringMatching(/absent\.js/) });
    expect(started.length).toBe(3);
  });

  test('a group that cannot be recorded gets no order', async () => {
    const executor = open({}, () => {
      throw new Error('the state is full');
    });
    await expect(executor.execute(await orderOf(folder, 'obeys'))).rejects.toThrow('the state is full');
  });

  test.each([
    ['procfs', linuxTable],
    ['ps', psTable],
  ])('%s tells memory, start and members of a group', async (name, table) => {
    if (name === 'procfs' && process.platform !== 'linux') return;
    const executor = open({ table: { ...table, lookEveryMs: 100 } });
    const order = await orderOf(folder, 'starts a child and sleeps');
    const call = executor.execute(order);
    const child = Number(await written(order, 'child'));
    const [recorded] = started;
    if (!recorded) throw new Error('no worker was started');
    const { group, mark = '' } = readMark(recorded);
    const marked = name === 'procfs' ? [group.pgid, child] : [];
    expect(table.marked(mark).map(({ pid }) => pid)).toEqual(expect.arrayContaining(marked));
    expect(table.startTime(group.pgid)).toBe(group.startedAt);
    expect(table.isStill(group)).toBe(true);
    expect(table.isStill({ ...group, startedAt: 'another time' })).toBe(false);
    for (const members of [table.family(group.pgid), table.group(group.pgid)]) {
      expect(members.map(({ pid }) => pid)).toEqual(expect.arrayContaining([group.pgid, child]));
      expect(members.find(({ pid }) => pid === group.pgid)?.memoryBytes).toBeGreaterThan(20_000_000);
    }
    await executor.kill();
    expect(await call).toMatchObject({ how: 'stopped' });
    expect(table.group(group.pgid)).toEqual([]);
    expect(table.startTime(group.pgid)).toBe(undefined);
  });

  describe.runIf(process.platform === 'linux')('a child in a session of its own, whose parent has ended', () => {
    test.each([
      ['leaves a daemon and segfaults', { how: 'crashed' }],
      ['leaves a daemon', { kind: 'finished' }],
    ])('goes with the worker that %s', async (behaviour, outcome) => {
      const executor = open();
      const order = await orderOf(folder, behaviour);
      expect(await executor.execute(order)).toMatchObject(outcome);
      const daemon = Number(await readFile(path.join(order.outbox, '..', 'child'), 'utf8'));
      await executor.close();
      expect(isLiving(daemon)).toBe(false);
    });

    test('is found by a later run, when coordinator and worker are long gone', async () => {
      const [mine, strange] = ['of this worker', 'of another'].map((mark) => {
        const child = spawn('sleep', ['60'], { env: { [markName]: mark }, detached: true, stdio: 'ignore' });
        return { pgid: child.pid ?? 0, startedAt: '' };
      });
      if (!mine || !strange) throw new Error('none was started');
      started.push(mine, strange);
      const recorded = withMark({ pgid: 2 ** 22 + 1, startedAt: 'long ago' }, 'of this worker');
      const { reap } = createProcessesKind({ entry: hostileWorker });
      expect(await reap([recorded])).toEqual([recorded]);
      await until(() => !isLiving(mine.pgid) || undefined, 'the stray is gone');
      expect(isLiving(strange.pgid)).toBe(true);
      process.kill(strange.pgid, 'SIGKILL');
      await until(() => !isLiving(strange.pgid) || undefined, 'the stranger is gone');
    });
  });

  test.runIf(process.platform === 'linux')(
    'what a leader left behind is recognised by its session and boot',
    async () => {
      const leader = spawn('sh', ['-c', 'sleep 60 >/dev/null 2>&1 &'], { detached: true, stdio: 'ignore' });
      const pgid = leader.pid ?? 0;
      const group = { pgid, startedAt: linuxTable.startTime(pgid) ?? '' };
      started.push(group);
      await once(leader, 'exit');
      expect(linuxTable.startTime(pgid)).toBe(undefined);
      const { reap } = createProcessesKind({ entry: hostileWorker });
      expect(await reap([{ pgid, startedAt: `another boot${group.startedAt}` }])).toEqual([]);
      expect(isLiving(pgid)).toBe(true);
      expect(await reap([group])).toEqual([group]);
      expect(isLiving(pgid)).toBe(false);
    },
  );
});
