import type { AssetKey, Inventory, ListedAsset } from '../../domain/types.js';
import type { Source, SourceKind, Staged } from '../contract.js';
import { vanished } from '../findings.js';
import { isSettled } from '../keys.js';
import type { Catalog } from './catalog.js';
import { catalogsOf } from './catalogs.js';
import { checkListing, type ListingConfig, listingConfig } from './config.js';
import { filesOf } from './files.js';
import { objectsOf } from './objects.js';

/**
 * An inventory that somebody else writes as a source: NDJSON, CSV, or an S3 Inventory that was copied here, pointing at
 * files of a folder or at objects of a bucket. Nothing is listed but the inventory. How its rows become ours:
 *
 *   row                       an asset, named by `key`; needs `bytes` (`size`) and one of `etag`, `version`, `modified`,
 *                             `sha256`. Listing fingerprint: what the row says. `path` (`location`): where it lies, if
 *                             not under its key
 *   row with a key and else   an asset that cannot be read (`row-invalid`, error): what is live of it stays
 *   nothing to be understood
 *   two rows of one key       that say the same: once (`row-repeated`, notice); that do not: an asset that cannot be read
 *                             (`row-contradicts`, error)
 *   line that is no row       `line-unreadable`, error. Of which asset it told nobody knows, so nothing counts as removed
 *   key that cannot be one    as with source `s3`
 *   deleted, superseded       nothing: `isDeleteMarker`, `isLatest`
 *   key without the `prefix`  ignored and counted (`row-outside`, notice; error when no row is an asset)
 *   empty or cut file         `source-unreachable`, never an empty library: see `read.ts` for how they are told
 *
 * Bytes must be what their row says: length, sha256 where it is told.
 */
export const listing: SourceKind = { check: checkListing, open };

export type { ListingSourceInput } from './config.js';

/** What rows point to. */
export interface Store {
  /** Fails with `source-unreachable` when there is nothing to point to. */
  check(): void;
  stage(asset: ListedAsset, file: string, given: Given): Promise<Staged>;
}

/** What only a store of objects needs. */
export interface Given {
  readonly others: () => Iterable<ListedAsset>;
  readonly leave: AbortSignal | undefined;
}

function open(given: Readonly<Record<string, unknown>>, clock: () => number): Source {
  const config = listingConfig(given);
  const catalogs = catalogsOf(config, clock);
  const store = storeOf(config, clock);
  return {
    scan: async () => {
      store.check();
      return inventoryOf(await catalogs.read());
    },
    list: async (key) => {
      store.check();
      return at((await catalogs.current()).assets.get(key), clock);
    },
    stage: async (key, file, leave) => {
      store.check();
      const { assets } = await catalogs.planned();
      return await stage({ store, asset: at(assets.get(key), clock), key, file, others: () => assets.values(), leave });
    },
  };
}

function storeOf(config: ListingConfig, clock: () => number): Store {
  return config.root === undefined ? objectsOf(config, clock) : filesOf(config.root, clock);
}

function inventoryOf({ assets, findings, hasBadLines }: Catalog): Inventory {
  const sorted = [...assets.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  return { assets: sorted, findings, unreadable: hasBadLines ? [''] : [] };
}

/** As the asset is listed now; a catalog may be older. */
function at(asset: ListedAsset | undefined, clock: () => number): ListedAsset | undefined {
  return asset && { ...asset, settled: !asset.problem && isSettled(asset.modifiedAt, clock()) };
}

interface Order extends Given {
  readonly store: Store;
  readonly asset: ListedAsset | undefined;
  readonly key: AssetKey;
  readonly file: string;
}

async function stage({ store, asset, key, file, ...given }: Order): Promise<Staged> {
  if (!asset) return { ok: false, finding: vanished(key) };
  if (asset.problem) return { ok: false, finding: asset.problem };
  return await store.stage(asset, file, given);
}
