import { setTimeout as delay } from 'node:timers/promises';
import { errno, Fault } from '../../domain/faults.js';
import type { ProcessGroup } from '../contract.js';
import { readMark } from './mark.js';
import type { ProcessTable } from './table.js';

const lookAgainMs = 10;

/** SIGKILL takes effect at once, unless a process hangs in the kernel (a dead disk or network file system). */
const patienceMs = 10_000;

/**
 * Kills the whole group, and what left it, and resolves when all are gone. Not SIGTERM: outputs of a killed attempt are
 * never used, so nobody needs time to tidy up. A group that does not go is `executor-failed`: its worker's place must not
 * be reused.
 */
export async function endGroup(table: ProcessTable, pgid: number, mark: string | undefined): Promise<void> {
  const deadline = performance.now() + patienceMs;
  for (const { pid } of table.family(pgid)) signal(pid);
  for (;;) {
    const strays = mark === undefined ? [] : table.marked(mark);
    for (const { pid } of strays) signal(pid);
    const isThere = signal(-pgid) && table.group(pgid).length > 0;
    if (!isThere && strays.length === 0) return;
    if (performance.now() > deadline) {
      throw new Fault('executor-failed', `process group ${pgid} is still there ${patienceMs} ms after SIGKILL`);
    }
    await delay(lookAgainMs);
  }
}

/** Kills recorded groups that still are what was recorded, and what left them; returns those. */
export async function reapGroups(
  table: ProcessTable,
  recorded: readonly ProcessGroup[],
): Promise<readonly ProcessGroup[]> {
  const reaped = await Promise.all(recorded.map((one) => reapGroup(table, one)));
  return recorded.filter((_, at) => reaped[at]);
}

async function reapGroup(table: ProcessTable, recorded: ProcessGroup): Promise<boolean> {
  const { group, mark } = readMark(recorded);
  if (table.group(group.pgid).length > 0 && table.isStill(group)) {
    await endGroup(table, group.pgid, mark);
    return true;
  }
  const strays = mark === undefined ? [] : table.marked(mark);
  for (const { pid } of strays) signal(pid);
  return strays.length > 0;
}

/** False: there is no such process or (negative) group any more. A group of zombies still takes signals, or (macOS) refuses them. */
function signal(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (errno(error) === 'ESRCH') return false;
    if (errno(error) === 'EPERM') return true;
    throw error;
  }
}
