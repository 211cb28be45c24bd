import { Fault } from '../domain/faults.js';
import type { SnapshotId } from '../domain/types.js';
import { compareSnapshots, type SnapshotDiff } from '../engine/compare.js';
import type { OriginCall } from './at-origin.js';
import { printable } from './render/units.js';

/** What going live would change, before it does. A live manifest that is damaged is a reason to go on, not an obstacle. */
export async function whatChanges(
  { origin, terminal }: OriginCall,
  from: SnapshotId | undefined,
  to: SnapshotId,
): Promise<SnapshotDiff | undefined> {
  try {
    return await compareSnapshots(origin, from, to);
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'origin-corrupt') throw error;
    terminal.note(`cannot be compared with what is live: ${printable(error.message)}`);
    return undefined;
  }
}
