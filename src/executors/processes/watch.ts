import { lstat, readdir } from 'node:fs/promises';
import path from 'node:path';
import { errno } from '../../domain/faults.js';
import type { WorkOrder } from '../../processors/contract.js';
import type { ProcessTable } from './table.js';

/** A limit of the order that was passed, and what was measured. */
export interface Breach {
  readonly how: 'timed-out' | 'out-of-memory' | 'output-limit';
  readonly detail: string;
}

export interface Watched {
  readonly table: ProcessTable;
  readonly pid: number;
  readonly order: WorkOrder;
  onBreach(breach: Breach): void;
  /** The outbox cannot be looked at. */
  onError(error: unknown): void;
}

/**
 * Watches one order from outside the process that works it: the wall clock by a timer, memory and outbox by looking
 * every so often. Returns how to stop watching.
 */
export function watch({ table, pid, order, onBreach, onError }: Watched): () => void {
  const { wallMs } = order.limits;
  const wall = setTimeout(() => onBreach({ how: 'timed-out', detail: `not done after ${wallMs} ms` }), wallMs);
  let over = false;
  let next: NodeJS.Timeout | undefined;
  const look = async (): Promise<void> => {
    const breach = memoryBreach(table, pid, order) ?? (await outputBreach(order));
    if (breach) onBreach(breach);
  };
  const lookLater = (): void => {
    if (!over) next = setTimeout(() => void look().then(lookLater, onError), table.lookEveryMs);
  };
  lookLater();
  return () => {
    over = true;
    clearTimeout(wall);
    clearTimeout(next);
  };
}

export async function outputBreach({ outbox, limits }: WorkOrder): Promise<Breach | undefined> {
  const bytes = await bytesIn(outbox);
  if (bytes <= limits.outputBytes) return undefined;
  return { how: 'output-limit', detail: `${bytes} bytes in the outbox, expected at most ${limits.outputBytes}` };
}

function memoryBreach(table: ProcessTable, pid: number, { limits }: WorkOrder): Breach | undefined {
  const bytes = table.family(pid).reduce((sum, one) => sum + one.memoryBytes, 0);
  if (bytes <= limits.memoryBytes) return undefined;
  return { how: 'out-of-memory', detail: `${bytes} bytes of memory, expected at most ${limits.memoryBytes}` };
}

async function bytesIn(folder: string): Promise<number> {
  const names = await orIfGone(readdir(folder), []);
  const sizes = names.map(async (name) => {
    const file = path.join(folder, name);
    const stat = await orIfGone(lstat(file), undefined);
    return stat?.isDirectory() ? await bytesIn(file) : (stat?.size ?? 0);
  });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/** Tools rename and delete while we look; what is gone takes no room. */
async function orIfGone<T>(looking: Promise<T>, nothing: T): Promise<T> {
  try {
    return await looking;
  } catch (error) {
    if (errno(error) !== 'ENOENT') throw error;
    return nothing;
  }
}
