import { compareText } from './order.js';
import type { AssetKey, Digest, Inventory, ListedAsset } from './types.js';

/** What is remembered of an asset from earlier runs. */
export interface KnownListing {
  /** Undefined when the listing was not to be trusted; then the bytes must be read. */
  readonly listing?: string;
  readonly sha256?: Digest;
  /** How many recipes matched. */
  readonly recipes: number;
  /** The recipe set under which the live snapshot holds everything this asset can have. */
  readonly settled?: Digest;
}

/**
 * How a run came to look at an asset:
 *
 *   added       listed, and not known
 *   changed     its listing differs, is too young, or was never trusted: the bytes must be read
 *   again       its listing is the known one, but the live snapshot does not hold all that the recipes ask for
 *   removed     known, and listed no more
 *   unreadable  known to exist, or to have existed below a folder that could not be listed; keeps what is live
 *
 * Everything else is unchanged: a count, not a row.
 */
export type ChangeKind = 'added' | 'changed' | 'again' | 'removed' | 'unreadable';

export interface Change {
  readonly key: AssetKey;
  readonly kind: ChangeKind;
  /** Absent for `removed`, and below a folder that could not be listed. */
  readonly asset?: ListedAsset;
  /** Known before staging; only for `again`. */
  readonly sha256?: Digest;
  /** How many recipes match; for `removed`, how many did. */
  readonly recipes: number;
}

export interface Comparison {
  /** Sorted by key (UTF-16 code units). */
  readonly changes: readonly Change[];
  /** Assets that need no look. */
  readonly unchanged: number;
  /** Items of these assets. */
  readonly unchangedItems: number;
  /** Assets that no recipe matches; they are also counted elsewhere. */
  readonly unmatched: number;
  /** Assets listed, and those below folders that could not be. */
  readonly total: number;
}

export interface CompareInput {
  readonly inventory: Inventory;
  readonly known: ReadonlyMap<AssetKey, KnownListing>;
  readonly recipeSet: Digest;
  /** How many recipes match; asked only for assets that changed. */
  readonly matchCount: (key: AssetKey) => number;
}

/** Compares the inventory with what is known. An unchanged asset costs one look-up and two string comparisons. */
export function compareInventory(input: CompareInput): Comparison {
  const { inventory, known, recipeSet } = input;
  const changes: Change[] = [];
  let [unchangedItems, unmatched, met] = [0, 0, 0];
  for (const asset of inventory.assets) {
    const before = known.get(asset.key);
    if (before) met++;
    if (before && isUnchanged(asset, before, recipeSet)) {
      unchangedItems += before.recipes;
      if (before.recipes === 0) unmatched++;
    } else changes.push(changeOf(asset, before, input.matchCount(asset.key)));
  }
  const unchanged = inventory.assets.length - changes.length;
  if (met < known.size) changes.push(...notListed(input));
  changes.sort((a, b) => compareText(a.key, b.key));
  unmatched += changes.filter((change) => change.recipes === 0 && change.kind !== 'removed').length;
  const removed = changes.filter((change) => change.kind === 'removed').length;
  return { changes, unchanged, unchangedItems, unmatched, total: unchanged + changes.length - removed };
}

function isUnchanged(asset: ListedAsset, before: KnownListing, recipeSet: Digest): boolean {
  return hasKnownListing(asset, before) && before.settled === recipeSet && asset.problem === undefined;
}

function hasKnownListing(asset: ListedAsset, before: KnownListing): boolean {
  return asset.settled && asset.listing === before.listing;
}

/** How a listed asset is looked at when it is looked at in any case. */
export function changeOf(asset: ListedAsset, before: KnownListing | undefined, recipes: number): Change {
  const { key } = asset;
  if (asset.problem) return { key, kind: 'unreadable', asset, recipes };
  if (!before) return { key, kind: 'added', asset, recipes };
  if (!hasKnownListing(asset, before)) return { key, kind: 'changed', asset, recipes };
  return { key, kind: 'again', asset, sha256: before.sha256, recipes };
}

function notListed({ inventory, known, matchCount }: CompareInput): Change[] {
  const listed = new Set(inventory.assets.map((asset) => asset.key));
  const changes: Change[] = [];
  for (const [key, { recipes }] of known) {
    if (listed.has(key)) continue;
    const hidden = inventory.unreadable.some((prefix) => key.startsWith(prefix));
    changes.push(hidden ? { key, kind: 'unreadable', recipes: matchCount(key) } : { key, kind: 'removed', recipes });
  }
  return changes;
}
