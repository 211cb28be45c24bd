import type { Origin } from '../origins/contract.js';
import type { Night } from './night.js';

/** Makes the names by which readers find the head lead to it again; returns those that did not. */
export async function mendEntrances({ entrances }: Origin): Promise<readonly string[]> {
  const lost = (await entrances?.lost()) ?? [];
  if (lost.length > 0) await entrances?.mend();
  return lost;
}

/** A commit makes them anyway; a night without one looks whether somebody took them away, or a publisher died before it could. */
export async function mendAndTell(night: Night): Promise<void> {
  const lost = await mendEntrances(night.origin);
  if (lost.length === 0) return;
  const message = `${lost.join(', ')} at the origin did not lead readers to what is live; now it does`;
  night.emit({ type: 'finding', finding: { code: 'entrance-lost', severity: 'notice', message } });
}
