import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Limits } from '../../../src/domain/types.js';
import type { Attempt, Executor, ExecutorKind, ProcessGroup } from '../../../src/executors/contract.js';
import { isLiving, orderOf, written } from '../../support/orders.js';
import { until } from '../../support/until.js';

/** One member of the family: its workers must have the behaviours of `test/support/hostile-worker.mjs`. */
export interface ExecutorHarness {
  readonly name: string;
  readonly kind: ExecutorKind;
}

const mb = 1_000_000;

const deaths: readonly { readonly when: string; readonly how: string; readonly limits?: Partial<Limits> }[] = [
  { when: 'aborts', how: 'crashed' },
  { when: 'segfaults', how: 'crashed' },
  { when: 'exits', how: 'crashed' },
  { when: 'starts a child and segfaults', how: 'crashed' },
  { when: 'loops', how: 'timed-out', limits: { wallMs: 700 } },
  { when: 'sleeps', how: 'timed-out', limits: { wallMs: 700 } },
  { when: 'starts a child and sleeps', how: 'timed-out', limits: { wallMs: 700 } },
  { when: 'hoards memory', how: 'out-of-memory', limits: { memoryBytes: 200 * mb } },
  { when: 'fills the heap', how: 'out-of-memory', limits: { memoryBytes: 2000 * mb } },
  { when: 'fills its outbox', how: 'output-limit', limits: { outputBytes: mb } },
  { when: 'writes too much at once', how: 'output-limit', limits: { outputBytes: mb } },
];

/** What every executor owes the engine. */
export function executorContract({ name, kind }: ExecutorHarness): void {
  describe(`the executor '${name}'`, () => {
    let folder = '';
    let executor: Executor;
    let started: ProcessGroup[] = [];
    let ended: ProcessGroup[] = [];
    let mostAtOnce = 0;

    beforeEach(async () => {
      folder = await mkdtemp(path.join(tmpdir(), 'nightpress-executor-'));
      started = [];
      ended = [];
      mostAtOnce = 0;
      executor = kind.open({
        workers: 2,
        onStart: (group) => {
          started.push(group);
          mostAtOnce = Math.max(mostAtOnce, started.length - ended.length);
        },
        onEnd: (group) => ended.push(group),
      });
    });

    afterEach(async () => {
      await executor.kill();
      await executor.close();
      expect(started.filter(({ pgid }) => isLiving(pgid))).toEqual([]);
      expect(ended.map(({ pgid }) => pgid).sort()).toEqual(started.map(({ pgid }) => pgid).sort());
      await rm(folder, { recursive: true, force: true });
    });

    const run = async (behaviour: string, limits?: Partial<Limits>): Promise<Attempt> =>
      await executor.execute(await orderOf(folder, behaviour, limits));

    test('works more orders than it has workers, and each worker many', async () => {
      const attempts = await Promise.all(Array.from({ length: 9 }, () => run('obeys')));
      expect(attempts.every(finishedWell)).toBe(true);
      expect(started.length).toBe(2);
    });

    test('gives back the result as the processor made it', async () => {
      const order = await orderOf(folder, 'obeys');
      const attempt = await executor.execute(order);
      const bytes = (await written(order, 'original')).length;
      expect(attempt).toEqual({
        kind: 'finished',
        result: {
          ok: true,
          source: { type: 'text/plain' },
          outputs: [
            { file: 'original', variant: 'original', sha256: '0'.repeat(64), bytes, type: 'text/plain', ext: 'txt' },
          ],
          findings: [],
          verifyCpuMs: 0,
        },
      });
    });

    test('takes a refusal for a result', async () => {
      const attempt = await run('refuses');
      expect(attempt).toMatchObject({ kind: 'finished', result: { ok: false, finding: { code: 'decode-failed' } } });
      expect(await run('obeys')).toSatisfy(finishedWell);
      expect(started.length).toBe(1);
    });

    for (const { when, how, limits } of deaths) {
      test(`loses only the attempt when a worker ${when}`, async () => {
        const [bad, ...others] = await Promise.all([run(when, limits), run('obeys'), run('obeys'), run('obeys')]);
        expect(bad).toMatchObject({ kind: 'died', how });
        if (bad?.kind === 'died') expect(bad.detail).toMatch(/^[^\n]+$/);
        expect(others.every(finishedWell)).toBe(true);
        expect(ended.length).toBe(1);
        expect(await run('obeys')).toSatisfy(finishedWell);
        expect(mostAtOnce).toBeLessThanOrEqual(2);
      });
    }

    test('reports a death only when nothing of the attempt is left', async () => {
      const order = await orderOf(folder, 'starts a child and segfaults');
      await executor.execute(order);
      expect(isLiving(Number(await written(order, 'child')))).toBe(false);
      expect(isLiving(started[0]?.pgid ?? 0)).toBe(false);
    });

    test('ends what a finished order left running, before anything else is worked', async () => {
      const order = await orderOf(folder, 'leaves a child');
      expect(await executor.execute(order)).toSatisfy(finishedWell);
      expect(isLiving(Number(await written(order, 'child')))).toBe(false);
      expect(await run('obeys')).toSatisfy(finishedWell);
    });

    test('takes an exception of a processor for a failed attempt of class infrastructure', async () => {
      expect(await run('throws')).toMatchObject({
        kind: 'finished',
        result: { ok: false, finding: { code: 'processor-error', class: 'infrastructure', message: 'a bug' } },
      });
      expect(await run('an unknown kind')).toMatchObject({
        kind: 'finished',
        result: { ok: false, finding: { code: 'processor-error', class: 'infrastructure' } },
      });
    });

    test('rejects with the system error when the disk refuses, and can go on', async () => {
      await expect(run('finds the disk full')).rejects.toMatchObject({ code: 'ENOSPC' });
      expect(await run('obeys')).toSatisfy(finishedWell);
    });

    test('ends every call as stopped when it is killed: working, waiting, and later', async () => {
      const orders = await Promise.all(
        ['loops', 'starts a child and sleeps', 'obeys'].map((one) => orderOf(folder, one)),
      );
      const calls = orders.map((order) => executor.execute(order));
      const [loops, sleeps] = orders;
      if (loops) await written(loops, 'looping');
      const child = sleeps ? Number(await written(sleeps, 'child')) : 0;
      await executor.kill();
      expect(isLiving(child)).toBe(false);
      const attempts = await Promise.all([...calls, run('obeys')]);
      expect(attempts.map((attempt) => (attempt.kind === 'died' ? attempt.how : 'finished'))).toEqual(
        Array.from({ length: 4 }, () => 'stopped'),
      );
    });

    test('can be killed while its workers are starting', async () => {
      const call = run('obeys');
      await until(() => started[0], 'a worker is started');
      await executor.kill();
      expect(await call).toMatchObject({ kind: 'died', how: 'stopped' });
    });

    test('works what it was given before it closes, and then takes nothing more', async () => {
      const orders = await Promise.all(['obeys', 'obeys', 'obeys'].map((behaviour) => orderOf(folder, behaviour)));
      const calls = orders.map((order) => executor.execute(order));
      await executor.close();
      expect((await Promise.all(calls)).every(finishedWell)).toBe(true);
      expect(ended.length).toBe(started.length);
      await expect(run('obeys')).rejects.toMatchObject({ code: 'executor-failed' });
    });

    test('replaces a worker that is killed from outside, busy or idle', async () => {
      expect(await run('obeys')).toSatisfy(finishedWell);
      process.kill(started[0]?.pgid ?? 0, 'SIGKILL');
      await until(() => ended[0], 'the idle worker is gone');
      const order = await orderOf(folder, 'sleeps');
      const call = executor.execute(order);
      await written(order, 'sleeping');
      process.kill(started[1]?.pgid ?? 0, 'SIGKILL');
      expect(await call).toMatchObject({ kind: 'died', how: 'crashed', detail: expect.stringContaining('SIGKILL') });
      expect(await run('obeys')).toSatisfy(finishedWell);
    });

    test('reaps a recorded group with all that is in it, once', async () => {
      const order = await orderOf(folder, 'starts a child and sleeps');
      const call = executor.execute(order);
      const child = Number(await written(order, 'child'));
      expect(await kind.reap(started)).toEqual(started);
      expect(isLiving(child)).toBe(false);
      expect(await call).toMatchObject({ kind: 'died', how: 'crashed' });
      expect(await kind.reap(started)).toEqual([]);
    });

    test('spares a group whose number was recorded for another', async () => {
      await run('obeys');
      const strangers = started.map(({ pgid }) => ({ pgid, startedAt: 'another time' }));
      expect(await kind.reap(strangers)).toEqual([]);
      expect(await run('obeys')).toSatisfy(finishedWell);
      expect(started.length).toBe(1);
    });
  });
}

function finishedWell(attempt: Attempt): boolean {
  return attempt.kind === 'finished' && attempt.result.ok;
}
