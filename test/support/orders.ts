import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { sha256 } from '../../src/domain/digest.js';
import type { ItemId, Limits } from '../../src/domain/types.js';
import type { WorkOrder } from '../../src/processors/contract.js';
import { until } from './until.js';

export const hostileWorker = fileURLToPath(new URL('hostile-worker.mjs', import.meta.url));

const roomy: Limits = { wallMs: 20_000, memoryBytes: 1_000_000_000, outputBytes: 10_000_000 };
let ordered = 0;

/** An order for one of the behaviours of `hostile-worker.mjs`, with its staged file and its empty outbox. */
export async function orderOf(folder: string, behaviour: string, limits: Partial<Limits> = {}): Promise<WorkOrder> {
  const place = path.join(folder, `order-${++ordered}`);
  const file = path.join(place, 'staged');
  const outbox = path.join(place, 'outbox');
  await mkdir(outbox, { recursive: true });
  await writeFile(file, behaviour);
  return {
    item: sha256(place) as string as ItemId,
    kind: behaviour,
    settings: {},
    input: { file, sha256: sha256(behaviour), bytes: behaviour.length, key: `${behaviour}.jpg` },
    outbox,
    limits: { ...roomy, ...limits },
  };
}

/** What a behaviour wrote into its outbox, as soon as it is there and not empty. */
export async function written(order: WorkOrder, name: string): Promise<string> {
  return await until(async () => {
    const text = await readFile(path.join(order.outbox, name), 'utf8').catch(() => '');
    return text === '' ? undefined : text;
  }, `${name} is written`);
}

/**
 * Whether a process with this number, or any in the group of this number, can still do something. Zombies cannot: they
 * wait for whoever inherited them, which on some machines takes its time.
 */
export function isLiving(number: number): boolean {
  const rows = execFileSync('ps', ['-A', '-o', 'pid=,pgid=,stat='], { encoding: 'utf8' }).trim().split('\n');
  return rows.some((row) => {
    const [pid, pgid, state] = row.trim().split(/\s+/);
    return (Number(pid) === number || Number(pgid) === number) && !state?.startsWith('Z');
  });
}

/** Command lines of living processes that name this folder. */
export function processesNaming(folder: string): readonly string[] {
  const rows = execFileSync('ps', ['-A', '-ww', '-o', 'stat=,args='], { encoding: 'utf8' }).trim().split('\n');
  return rows.filter((row) => row.includes(folder) && !row.startsWith('Z'));
}
