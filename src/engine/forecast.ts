import { Acceptances } from '../domain/acceptance.js';
import { type Hold, judge } from '../domain/gate.js';
import { updateManifest } from '../domain/manifest.js';
import type { ItemId, SnapshotId } from '../domain/types.js';
import { liveLoader } from './base.js';
import { lastPlanned } from './failing.js';
import { missingOf, ownTolerances, staleItems } from './judge.js';
import type { Night } from './night.js';
import type { MadePlan } from './plan.js';

export interface ForecastInput {
  readonly made: MadePlan;
  readonly base: SnapshotId | undefined;
  /** Items that were tried and gave nothing. */
  readonly failing?: ReadonlySet<ItemId>;
  /** Of the window, for rules that were lifted beforehand. */
  readonly opens?: number;
}

/** What the gate would object to if every item that is still to do worked, apart from those known to fail. */
export async function forecastGate(
  night: Pick<Night, 'job' | 'state' | 'origin' | 'clock'>,
  { made, base, failing, opens }: ForecastInput,
): Promise<readonly Hold[]> {
  const { plan, entries, frozen } = made;
  const acceptances = new Acceptances(night.state.accepted(), night.clock());
  const ended = plan.items
    .map((item) => {
      const nothing = entries.get(item.key)?.items[item.recipe] ? 'carried' : 'failed';
      return { ...item, disposition: item.disposition ?? (failing?.has(item.id) ? nothing : 'done') };
    })
    .filter(({ finding, fingerprint }) => !finding || !acceptances.of({ finding, fingerprint }));
  const last = lastPlanned(night.state);
  const live = await updateManifest(liveLoader(night.origin), base, new Map());
  const { total, unmatched, removed } = plan.assets;
  const verdict = judge({
    spec: night.job.gate,
    total: plan.items.length + plan.unchangedItems,
    missing: missingOf(ended),
    stale: last ? staleItems(night, last.id, ended) : [],
    recipes: ownTolerances(night.job, plan.items),
    assets: { total: total - unmatched, removed, baseTotal: base && live.count },
    findings: frozen.totals.findings
      .filter((finding) => finding.recipe === undefined)
      .map((finding) => acceptances.tell({ finding })),
  });
  const approved = new Set(opens === undefined ? [] : night.state.approvals(opens).map(({ rule }) => rule));
  return verdict.publish ? [] : verdict.holds.filter(({ rule }) => !approved.has(rule));
}
