import { Fault } from '../domain/faults.js';
import { firstAgainst, tierOf, whyUnfit } from '../domain/store-tier.js';
import type { Night } from './night.js';

/** A store may be replaced or upgraded under the same address. */
const trustedForMs = 30 * 86_400_000;

/** One small race of each sort: it tells stores that look first and write then. `doctor --origin` tries harder. */
const quick = { extent: 'commits', racers: 8, rounds: 1 } as const;

/**
 * Before a run begins, so that no hour of work comes to an end that cannot be committed: throws `origin-unfit` where
 * commits of two publishers would overwrite each other. That a store keeps them apart is remembered, and tried again when
 * the state is lost; that it does not is tried each time, so that a store that was mended is not held to what it was.
 */
export async function refuseUnfitStore(night: Night): Promise<void> {
  const { probe } = night.origin;
  if (!probe || probe.singleWriter) return;
  const provedAt = night.state.storeProvedAt(probe.place);
  if (provedAt !== undefined && night.clock() - provedAt < trustedForMs) return;
  const observations = await probe.look({ ...quick, clock: night.clock });
  const unfit = whyUnfit(tierOf(observations), probe.singleWriter);
  if (unfit !== undefined) {
    const against = firstAgainst(observations);
    const evidence = against ? ` (${against.check}: ${against.detail})` : '';
    throw new Fault('origin-unfit', `origin ${probe.place} is of ${unfit}${evidence}`);
  }
  night.state.rememberStore(probe.place, night.clock());
}
