import { type ChildProcessByStdio, execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ProcessGroup } from '../../src/executors/contract.js';
import type { WorkOrder } from '../../src/processors/contract.js';
import { isLiving, orderOf, written } from '../support/orders.js';
import { until } from '../support/until.js';

const program = fileURLToPath(new URL('../support/hostile-coordinator.mjs', import.meta.url));

let folder = '';
let coordinator: ChildProcessByStdio<null, Readable, null> | undefined;
let group: ProcessGroup | undefined;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'nightpress-orphans-'));
});
afterEach(async () => {
  coordinator?.kill('SIGKILL');
  if (group && isLiving(group.pgid)) process.kill(-group.pgid, 'SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

/** A coordinator in a process of its own, as soon as it has recorded its worker's group. */
async function coordinate(order: WorkOrder): Promise<ProcessGroup> {
  coordinator = spawn(process.execPath, [program, 'work', JSON.stringify(order)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: coordinator.stdout })) {
    group = JSON.parse(line) as ProcessGroup;
    return group;
  }
  throw new Error('the coordinator ended without a worker');
}

async function reapFromElsewhere(groups: readonly ProcessGroup[]): Promise<unknown> {
  const { stdout } = await promisify(execFile)(process.execPath, [program, 'reap', JSON.stringify(groups)]);
  return JSON.parse(stdout);
}

const dead = (...pids: readonly number[]) => until(() => !pids.some(isLiving) || undefined, `${pids} are gone`, 2000);

test('a killed coordinator leaves no worker and no tool', async () => {
  const order = await orderOf(folder, 'starts a child and sleeps');
  const { pgid } = await coordinate(order);
  const child = Number(await written(order, 'child'));
  coordinator?.kill('SIGKILL');
  await dead(pgid, child);
});

test('a coordinator killed while its worker starts leaves no worker', async () => {
  const { pgid } = await coordinate(await orderOf(folder, 'sleeps'));
  coordinator?.kill('SIGKILL');
  await until(() => !isLiving(pgid) || undefined, 'the worker is gone');
});

test('a worker too busy to notice is killed by the next run, with its tools', async () => {
  const order = await orderOf(folder, 'starts a child and loops');
  const left = await coordinate(order);
  const child = Number(await written(order, 'child'));
  coordinator?.kill('SIGKILL');
  await until(() => !isLiving(coordinator?.pid ?? 0) || undefined, 'the coordinator is gone');
  expect(isLiving(left.pgid)).toBe(true);
  expect(await reapFromElsewhere([{ ...left, startedAt: 'another time' }])).toEqual([]);
  expect(isLiving(left.pgid)).toBe(true);
  expect(await reapFromElsewhere([left])).toEqual([left]);
  await dead(left.pgid, child);
  expect(await reapFromElsewhere([left])).toEqual([]);
});
