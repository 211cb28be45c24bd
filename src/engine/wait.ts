import type { RunId } from '../domain/types.js';
import { windowLabel } from '../domain/window.js';
import type { Night } from './night.js';

/** How late a wait may notice that the clock was set or that the machine had slept. */
const lookEveryMs = 1000;

/**
 * Waits until the wall clock shows `until` (ms since the epoch), or until somebody asks the run to stop. The clock is
 * looked at every second: one that is put forward, or a machine that slept, ends the wait at once; one that is set back
 * makes it longer. Rejected: one timer for the whole time, which counts what the machine was awake.
 */
export async function waitForClose(night: Night, run: RunId, until: number): Promise<'closed' | 'stopped'> {
  const { asked } = night.stop;
  const zone = night.job.window.timezone;
  night.emit({ type: 'waiting', run, until, label: windowLabel(until, zone), zone });
  for (let now = night.clock(); now < until && !asked.aborted; now = night.clock()) {
    await night.pause(Math.min(lookEveryMs, until - now), asked);
  }
  return asked.aborted ? 'stopped' : 'closed';
}
