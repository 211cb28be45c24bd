import type { Inventory } from '../domain/types.js';
import type { Night } from './night.js';

/** Lists the source once. What it finds is frozen with the plan; the next look is the next run's. */
export async function scan(night: Pick<Night, 'source' | 'emit'>): Promise<Inventory> {
  const inventory = await night.source.scan();
  night.emit({ type: 'scanned', assets: inventory.assets.length, findings: inventory.findings.length });
  for (const finding of inventory.findings) night.emit({ type: 'finding', finding });
  return inventory;
}
