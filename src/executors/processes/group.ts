import { setTimeout as delay } from 'node:timers/promises';
import { errno, Fault } from '../../domain/faults.js';
import type { ProcessGroup } from '../contract.js';
import type { ProcessTable } from './table.js';

const lookAgainMs = 10;

/** SIGKILL takes effect at once, unless a process hangs in the kernel (a dead disk or network file system). */
const patienceMs = 10_000;

/**
 * Kills the whole group and resolves when it is gone. Not SIGTERM: outputs of a killed attempt are never used, so
 * nobody needs time to tidy up. A group that does not go is `executor-failed`: its worker's place must not be reused.
 */
export async function endGroup(table: ProcessTable, pgid: number): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (signalGroup(pgid) && table.group(pgid).length > 0) {
    if (performance.now() > deadline) {
      throw new Fault('executor-failed', `process group ${pgid} is still there ${patienceMs} ms after SIGKILL`);
    }
    await delay(lookAgainMs);
  }
}

/** Kills recorded groups that still are what was recorded; returns those. */
export async function reapGroups(
  table: ProcessTable,
  groups: readonly ProcessGroup[],
): Promise<readonly ProcessGroup[]> {
  const ours = groups.filter((group) => table.group(group.pgid).length > 0 && table.isStill(group));
  await Promise.all(ours.map((group) => endGroup(table, group.pgid)));
  return ours;
}

/** False: there is no such group any more. A group of zombies still takes signals, or (macOS) refuses them. */
function signalGroup(pgid: number): boolean {
  try {
    return process.kill(-pgid, 'SIGKILL');
  } catch (error) {
    if (errno(error) === 'ESRCH') return false;
    if (errno(error) === 'EPERM') return true;
    throw error;
  }
}
