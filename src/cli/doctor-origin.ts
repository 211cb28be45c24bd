import type { Head } from '../domain/head.js';
import {
  gravityOf,
  type Reliance,
  relianceOf,
  type StoreTier,
  tierOf,
  tierWords,
  whyUnfit,
} from '../domain/store-tier.js';
import type { Job } from '../domain/types.js';
import type { Probe, ProbeOptions } from '../origins/contract.js';
import type { Check } from './doctor.js';

/** What a store did when it was tried, and whether the job can publish there as it is configured. */
export interface StoreReport {
  readonly place: string;
  readonly tier: StoreTier;
  readonly singleWriter: boolean;
  /** What keeps the commits of two publishers apart. */
  readonly commits: Reliance;
  readonly checks: readonly (Check & { readonly seen: string })[];
  /** Undefined: it can. */
  readonly unfit?: string;
}

/** `head`: what is published there already, if anything. */
export async function examineStore(probe: Probe, head: Head | undefined, options: ProbeOptions): Promise<StoreReport> {
  const { place, singleWriter } = probe;
  const observations = await probe.look(options);
  const tier = tierOf(observations);
  const commits = relianceOf(tier, { singleWriter, head });
  const checks = observations.map((one) => {
    const { check: name, seen, detail } = one;
    return { name, seen, verdict: gravityOf(one, commits), detail };
  });
  const problem = checks.find(({ verdict }) => verdict === 'problem');
  const unfit = whyUnfit(tier, commits) ?? (problem && `${problem.name}: ${problem.detail}`);
  return { place, tier, singleWriter, commits, checks, unfit };
}

export function storeRecord(job: Job, { place, unfit, ...rest }: StoreReport): object {
  const facts = { type: 'doctor-origin', job: job.name, origin: place, ...rest };
  return { ...facts, fit: unfit === undefined, ...(unfit === undefined ? {} : { because: unfit }) };
}

const commitWords: Readonly<Record<Reliance, string>> = {
  swap: '',
  create: '; commits are entries of a log, at five requests each, and whoever publishes reads the head with two',
  nothing: ', and the job says that only one machine publishes there',
};

export function verdictLine({ place, tier, commits, unfit }: StoreReport): string {
  if (unfit !== undefined) return `${place} is not fit for this job: ${unfit}`;
  return `${place} is of tier ${tier}: it ${tierWords[tier]}${commitWords[commits]}; fit for this job`;
}
