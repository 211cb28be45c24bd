import type { Head } from '../domain/head.js';
import type { Change } from '../domain/inventory.js';
import type { AssetKey, Digest, RunId, SnapshotId } from '../domain/types.js';
import type { ItemRow, Settlement } from '../state/contract.js';
import type { Night } from './night.js';

export interface SettleInput {
  readonly run: RunId;
  readonly recipeSet: Digest;
  readonly head: Head | undefined;
  /** False when the snapshot was staged: then only what was learned of the sources is kept. */
  readonly live: boolean;
  /** The snapshot that what the state knows is measured against: the live one, unless others moved the head meanwhile. */
  readonly snapshot: SnapshotId | undefined;
  /** Keys whose change did not go in because another publisher's is newer. */
  readonly yielded: ReadonlySet<AssetKey>;
}

/**
 * Writes down what the run learned: content of sources, and which assets the live snapshot now holds completely.
 * An asset with a carried or failed item is not settled, so every night looks at it until it is mended.
 */
export function settle(night: Night, input: SettleInput): void {
  const { head, snapshot } = input;
  const origin = head ? { origin: head.origin, seq: head.seq, snapshot } : night.state.origin();
  const rows = byKey(night.state.items(input.run));
  const changes = night.state.changes(input.run);
  const removed = input.live ? changes.filter((change) => change.kind === 'removed').map((change) => change.key) : [];
  const upserts = changes.flatMap((change) => settledRow(change, rows.get(change.key) ?? [], input) ?? []);
  night.state.settle({ origin, upserts, removed, at: night.clock() });
}

function settledRow(
  change: Change,
  rows: readonly ItemRow[],
  input: SettleInput,
): Settlement['upserts'][number] | undefined {
  if (!change.asset || change.kind === 'unreadable') return undefined;
  const read = rows.find((row) => row.staged);
  const asset = read?.staged ?? change.asset;
  const sha256 = read ? read.sha256 : change.sha256;
  const isOne = rows.every((row) => !row.staged || row.staged.listing === asset.listing);
  const whole = rows.every((row) => row.disposition === 'done' || row.disposition === 'reused');
  const trusted = isOne && asset.settled && (sha256 !== undefined || change.recipes === 0);
  return {
    key: change.key,
    bytes: asset.bytes,
    modifiedAt: asset.modifiedAt,
    listing: trusted ? asset.listing : undefined,
    sha256,
    recipes: change.recipes,
    settled: input.live && whole && trusted && !input.yielded.has(change.key) ? input.recipeSet : undefined,
  };
}

export function byKey(rows: readonly ItemRow[]): ReadonlyMap<AssetKey, readonly ItemRow[]> {
  const map = new Map<AssetKey, ItemRow[]>();
  for (const row of rows) {
    const list = map.get(row.key);
    if (list) list.push(row);
    else map.set(row.key, [row]);
  }
  return map;
}
