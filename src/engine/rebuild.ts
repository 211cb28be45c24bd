import { Fault } from '../domain/faults.js';
import type { Head } from '../domain/head.js';
import type { RememberedOrigin } from '../state/contract.js';
import { meetOrigin, refuseStranger } from './base.js';
import type { Night } from './night.js';

/**
 * Fills the new state of `night` with what is live at the origin. `remembered`: the origin of the state it replaces, as
 * far as that can be read. Without a head it is refused: a volume that is not mounted looks the same as an origin that
 * nothing was ever published to. Throws `origin-rewound`, `origin-foreign`, `origin-corrupt`, `origin-unreachable`.
 */
export async function adoptLive(night: Night, remembered: RememberedOrigin | undefined): Promise<Head> {
  const head = (await night.origin.readHead())?.head;
  if (!head) {
    const message = `the origin of '${night.job.name}' has no head to rebuild the state from: is its volume mounted? the state is as it was`;
    const hint = `mount the origin, then: nightpress doctor {job} --rebuild (if nothing was ever published there, move ${night.folder} away)`;
    throw new Fault('origin-rewound', message, { hint });
  }
  if (remembered) refuseStranger(remembered, head, night.job.name);
  await meetOrigin(night, false);
  return head;
}
