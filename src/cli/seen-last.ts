import { Fault } from '../domain/faults.js';
import type { LastSeen } from '../domain/result.js';
import type { Job } from '../domain/types.js';
import { lastSeenBy } from '../engine/report.js';
import type { Project } from '../job/load.js';
import { openState } from '../state/open.js';
import { jobFolder } from './compose.js';

/** What this machine saw live at the job's origin last; null: it knows of nothing. */
export function seenLast(project: Project, job: Job): LastSeen | null {
  try {
    const state = openState(jobFolder(project, job.name), { readOnly: true });
    try {
      return lastSeenBy(state);
    } finally {
      state.close();
    }
  } catch (error) {
    if (error instanceof Fault) return null; // a state that cannot be read is told by whoever needs it
    throw error;
  }
}
