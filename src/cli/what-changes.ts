import { Fault } from '../domain/faults.js';
import type { SnapshotId } from '../domain/types.js';
import { compareSnapshots, type SnapshotDiff } from '../engine/compare.js';
import type { OriginCall } from './at-origin.js';
import { renderTotals } from './render/diff.js';
import { printable, short } from './render/units.js';
import type { Terminal } from './terminal.js';

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

/** What a person reads before being asked. */
export function renderWhatChanges(
  terminal: Terminal,
  job: string,
  { diff, to }: { readonly diff: SnapshotDiff | undefined; readonly to: SnapshotId },
): void {
  terminal.out(`${job}  ${diff?.before ? `${short(diff.before)} → ` : ''}${short(to)} would change`);
  if (diff) renderTotals(terminal, diff.totals);
}
