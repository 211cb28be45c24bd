import { type Hold, judge } from '../domain/gate.js';
import { updateManifest } from '../domain/manifest.js';
import type { Disposition, ItemId, SnapshotId } from '../domain/types.js';
import { nodeLoader } from './base.js';
import type { Night } from './night.js';
import type { MadePlan } from './plan.js';

export interface ForecastInput {
  readonly made: MadePlan;
  readonly base: SnapshotId | undefined;
  /** Items that were tried and gave nothing. */
  readonly failing?: ReadonlySet<ItemId>;
}

/** What the gate would object to if every item that is still to do worked, apart from those known to fail. */
export async function forecastGate(
  night: Pick<Night, 'job' | 'origin'>,
  { made, base, failing }: ForecastInput,
): Promise<readonly Hold[]> {
  const { plan, entries, frozen } = made;
  const items = { done: 0, reused: 0, carried: 0, failed: 0, quarantined: 0 };
  for (const { id, key, recipe, disposition } of plan.items) {
    const nothing: Disposition = entries.get(key)?.items[recipe] ? 'carried' : 'failed';
    items[disposition ?? (failing?.has(id) ? nothing : 'done')]++;
  }
  const live = await updateManifest(nodeLoader(night.origin), base, new Map());
  const { total, unmatched, removed } = plan.assets;
  const verdict = judge({
    spec: night.job.gate,
    items: { ...items, total: plan.items.length + plan.unchangedItems },
    assets: { total: total - unmatched, removed, baseTotal: base && live.count },
    findings: frozen.totals.findings.filter((finding) => finding.recipe === undefined),
  });
  return verdict.publish ? [] : verdict.holds;
}
