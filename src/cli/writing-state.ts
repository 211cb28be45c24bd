import { hostname } from 'node:os';
import { Fault } from '../domain/faults.js';
import type { State } from '../state/contract.js';
import { holdJobLock } from '../state/lock.js';
import { openState, stateExists } from '../state/open.js';
import type { CommandContext } from './context.js';

/**
 * For commands that change a job's state beside no run: holds the job's lock meanwhile. Throws `run-locked` (11) while a
 * run holds it, `usage` where the job never ran.
 */
export async function writingState(
  { context, folder, job }: { readonly context: CommandContext; readonly folder: string; readonly job: string },
  work: (state: State) => void,
): Promise<void> {
  if (!stateExists(folder)) {
    throw new Fault('usage', `no run of '${job}' is remembered here`, { hint: `nightpress run ${job}` });
  }
  const lock = await holdJobLock(folder, { pid: process.pid, host: hostname(), startedAt: context.clock() });
  try {
    const state = openState(folder);
    try {
      work(state);
    } finally {
      state.close();
    }
  } finally {
    lock.release();
  }
}
