import type { AssetKey, Inventory } from '../domain/types.js';
import type { Source } from '../sources/contract.js';

/**
 * A source that seems to hold only chosen assets, for a run over a part of the library. It was scanned already; findings
 * of other assets are left out, those about the source as a whole stay.
 */
export function sampleSource(source: Source, inventory: Inventory, chosen: ReadonlySet<AssetKey>): Source {
  const sample: Inventory = {
    assets: inventory.assets.filter((asset) => chosen.has(asset.key)),
    findings: inventory.findings.filter(({ key }) => key === undefined || chosen.has(key)),
    unreadable: inventory.unreadable,
  };
  return {
    scan: async () => sample,
    list: async (key) => (chosen.has(key) ? await source.list(key) : undefined),
    stage: (key, file, leave) => source.stage(key, file, leave),
  };
}
