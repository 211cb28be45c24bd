import { gravityOf, type StoreTier, tierOf, tierWords, whyUnfit } from '../domain/store-tier.js';
import type { Job } from '../domain/types.js';
import type { Probe, ProbeOptions } from '../origins/contract.js';
import type { Check } from './doctor.js';

/** What a store did when it was tried, and whether the job can publish there as it is configured. */
export interface StoreReport {
  readonly place: string;
  readonly tier: StoreTier;
  readonly singleWriter: boolean;
  readonly checks: readonly (Check & { readonly seen: string })[];
  /** Undefined: it can. */
  readonly unfit?: string;
}

export async function examineStore(probe: Probe, options: ProbeOptions): Promise<StoreReport> {
  const { place, singleWriter } = probe;
  const observations = await probe.look(options);
  const tier = tierOf(observations);
  const checks = observations.map((one) => {
    const { check: name, seen, detail } = one;
    return { name, seen, verdict: gravityOf(one, singleWriter), detail };
  });
  const problem = checks.find(({ verdict }) => verdict === 'problem');
  const unfit = whyUnfit(tier, singleWriter) ?? (problem && `${problem.name}: ${problem.detail}`);
  return { place, tier, singleWriter, checks, unfit };
}

export function storeRecord(job: Job, { place, unfit, ...rest }: StoreReport): object {
  const facts = { type: 'doctor-origin', job: job.name, origin: place, ...rest };
  return { ...facts, fit: unfit === undefined, ...(unfit === undefined ? {} : { because: unfit }) };
}

export function verdictLine({ place, tier, singleWriter, unfit }: StoreReport): string {
  if (unfit !== undefined) return `${place} is not fit for this job: ${unfit}`;
  const alone = singleWriter ? ', and the job says that only one machine publishes there' : '';
  return `${place} is of tier ${tier}: it ${tierWords[tier]}${alone}; fit for this job`;
}
