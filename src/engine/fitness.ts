import { Fault } from '../domain/faults.js';
import type { Head } from '../domain/head.js';
import { firstAgainst, relianceOf, tierOf, whyUnfit } from '../domain/store-tier.js';
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
export async function refuseUnfitStore(night: Night, head: Head | undefined): Promise<void> {
  const { probe } = night.origin;
  if (!probe || probe.singleWriter || isTrusted(night, head)) return;
  const observations = await probe.look({ ...quick, clock: night.clock });
  const tier = tierOf(observations);
  const reliance = relianceOf(tier, { singleWriter: probe.singleWriter, head });
  const unfit = whyUnfit(tier, reliance);
  if (unfit !== undefined) {
    const against = firstAgainst(observations, reliance);
    const evidence = against ? ` (${against.check}: ${against.detail})` : '';
    throw new Fault('origin-unfit', `origin ${probe.place} is of ${unfit}${evidence}`);
  }
  night.state.rememberStore(tier === 'A' ? probe.place : creating(probe.place), night.clock());
}

/** The name under which it is remembered that a store creates once, and does no more. */
function creating(place: string): string {
  return `creates once: ${place}`;
}

function provedAt({ origin, state }: Proved): { readonly swap: number; readonly create: number } {
  const { place = '' } = origin.probe ?? {};
  const at = (name: string) => state.storeProvedAt(name) ?? Number.NEGATIVE_INFINITY;
  return { swap: at(place), create: at(creating(place)) };
}

type Proved = Pick<Night, 'origin'> & { readonly state: Pick<Night['state'], 'storeProvedAt'> };

/** A store that compares and swaps also creates once. */
function isTrusted(night: Night, head: Head | undefined): boolean {
  const { swap, create } = provedAt(night);
  const isSwapNeeded = head !== undefined && head.commitsBy === undefined;
  return night.clock() - (isSwapNeeded ? swap : Math.max(swap, create)) < trustedForMs;
}

/** How the first commit of an origin is made there, by what its store was found to keep last. */
export function wayProved(proved: Proved): Head['commitsBy'] {
  const { swap, create } = provedAt(proved);
  return create > swap ? 'log' : undefined;
}
