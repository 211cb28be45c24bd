import { claimsOf, findCollisions } from './collisions.js';
import { candidatesOf, decide, type Evidence, type PlannedItem } from './decide.js';
import type { Change, Comparison } from './inventory.js';
import { balance } from './partitions.js';
import type { Priority } from './priority.js';
import type { AssetCounts } from './result.js';
import type { AssetKey, Digest, Finding, ItemId, PartitionId } from './types.js';

export interface PlanInput extends Evidence {
  readonly comparison: Comparison;
  readonly workers: number;
  /** Higher is more urgent. */
  readonly priority: Priority;
}

export interface PlannedPartition {
  readonly id: PartitionId;
  readonly ordinal: number;
  readonly items: number;
  readonly predictedSeconds: number;
}

export interface Plan {
  /** By key, then in the order of recipes. */
  readonly items: readonly PlannedItem[];
  readonly partitions: readonly PlannedPartition[];
  /** With those of assets that needed no look; together with `items` all items there are. */
  readonly unchangedItems: number;
  /** Live assets that the source has no more; who was never live, or is so no longer, changes nothing by going. */
  readonly removedKeys: readonly AssetKey[];
  /** Live items whose asset stays, but whose recipe no longer matches it. */
  readonly droppedItems: readonly { readonly key: AssetKey; readonly recipe: string }[];
  /** An unreadable asset counts in `total` only: nobody knows whether it changed. */
  readonly assets: AssetCounts;
  readonly predictedSeconds: number;
}

/**
 * Decides about every matching recipe of every change: unchanged (a count), ended at once, or to do in a partition.
 * Every row says why. The same input gives the same plan, and a plan on its own published result has no rows.
 */
export function planItems(input: PlanInput): Plan {
  const { changes } = input.comparison;
  const looks = changes.filter((change) => change.kind !== 'removed').map((change) => look(input, change));
  const rows = looks.flatMap((asset) => asset.rows);
  const todo = rows.filter((row) => row.disposition === undefined);
  const partitions = balance(
    todo.map((row) => ({ id: row.id, seconds: row.predictedSeconds, priority: input.priority(row) })),
    input,
  );
  const partitionOf = new Map(partitions.flatMap(({ id, items }) => items.map((item) => [item, id] as const)));
  return {
    items: rows.map((row) => withPartition(row, partitionOf.get(row.id))),
    partitions: partitions.map((partition) => ({ ...partition, items: partition.items.length })),
    unchangedItems: looks.reduce((sum, asset) => sum + asset.unchanged, input.comparison.unchangedItems),
    removedKeys: changes.filter(({ kind, key }) => kind === 'removed' && input.base.has(key)).map(({ key }) => key),
    droppedItems: looks.flatMap((asset) => asset.dropped.map((recipe) => ({ key: asset.change.key, recipe }))),
    assets: countAssets(input.comparison),
    predictedSeconds: todo.reduce((sum, row) => sum + row.predictedSeconds, 0),
  };
}

/** Fingerprints of all items whose content is known before staging: what `made` and `quarantined` are asked for. */
export function fingerprintsOf(
  input: Pick<PlanInput, 'comparison' | 'recipesFor' | 'facts' | 'base'>,
): readonly Digest[] {
  const known = input.comparison.changes.filter((change) => change.sha256 !== undefined);
  return [...new Set(known.flatMap((change) => candidatesOf(input, change).flatMap((item) => item.fingerprint ?? [])))];
}

/**
 * Collisions among the public paths of all items of these keys: every asset the next snapshot may hold, changed or not.
 * Costs a look at each, so ask only when something is about to be worked.
 */
export function planCollisions(
  keys: Iterable<AssetKey>,
  { recipesFor, facts }: Pick<PlanInput, 'recipesFor' | 'facts'>,
): ReadonlyMap<ItemId, Finding> {
  const claimers = new Map(
    [...facts].map(([name, { recipe, kind }]) => [name, claimsOf(recipe, kind.outputs(recipe.settings))]),
  );
  function* claims() {
    for (const key of keys) for (const { name } of recipesFor(key)) yield* claimers.get(name)?.(key) ?? [];
  }
  return findCollisions(claims());
}

interface Look {
  readonly change: Change;
  readonly rows: readonly PlannedItem[];
  readonly unchanged: number;
  readonly dropped: readonly string[];
}

function look(input: PlanInput, change: Change): Look {
  const items = candidatesOf(input, change);
  const rows = items.flatMap((item) => decide(item, input) ?? []);
  const names = new Set(items.map((item) => item.facts.recipe.name));
  const dropped = Object.keys(input.base.get(change.key)?.items ?? {}).filter((recipe) => !names.has(recipe));
  return { change, rows, unchanged: items.length - rows.length, dropped };
}

function withPartition(item: PlannedItem, partition: PartitionId | undefined): PlannedItem {
  return partition === undefined ? item : { ...item, partition };
}

function countAssets({ changes, unchanged, unmatched, total }: Comparison): AssetCounts {
  const count = (kind: Change['kind']) => changes.filter((change) => change.kind === kind).length;
  return {
    total,
    added: count('added'),
    changed: count('changed'),
    unchanged: unchanged + count('again'),
    removed: count('removed'),
    unmatched,
  };
}
