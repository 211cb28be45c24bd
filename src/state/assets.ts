import type { AssetKey, Digest } from '../domain/types.js';
import type { KnownAsset, Settlement, State } from './contract.js';
import { writeOrigin } from './origin.js';
import { type Sql, toJson } from './sql.js';

type AssetQueries = Pick<State, 'assets' | 'asset' | 'settle' | 'unsettle'>;
type AssetColumns = [
  key: AssetKey,
  bytes: number,
  modifiedAt: number,
  listing: string | null,
  sha256: Digest | null,
  recipes: number,
  settled: Digest | null,
  firstSeenAt: number,
];

const select = 'SELECT key, bytes, modified_at, listing, sha256, recipes, settled, first_seen_at FROM asset';

/** What the live snapshot is known to hold: one row an asset, a hundred thousand read at the start of every run. */
export function assetQueries(sql: Sql): AssetQueries {
  return {
    assets: () => {
      const assets = new Map<AssetKey, KnownAsset>();
      sql.each<AssetColumns>([select], (row) => assets.set(row[0], toAsset(row)));
      return assets;
    },
    asset: (key) => {
      let found: KnownAsset | undefined;
      sql.each<AssetColumns>([`${select} WHERE key = ?`, key], (row) => {
        found = toAsset(row);
      });
      return found;
    },
    settle: (settlement) => sql.writing(() => settle(sql, settlement)),
    unsettle: (keys) => sql.writing(() => unsettle(sql, keys)),
  };
}

function settle(sql: Sql, { origin, upserts, removed, at }: Settlement): void {
  writeOrigin(sql, origin);
  for (const asset of upserts) {
    sql.write(
      `INSERT INTO asset (key, bytes, modified_at, listing, sha256, recipes, settled, first_seen_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (key) DO UPDATE SET bytes = excluded.bytes, modified_at = excluded.modified_at,
         listing = excluded.listing, sha256 = excluded.sha256, recipes = excluded.recipes, settled = excluded.settled`,
      asset.key,
      asset.bytes,
      asset.modifiedAt,
      asset.listing ?? null,
      asset.sha256 ?? null,
      asset.recipes,
      asset.settled ?? null,
      at,
    );
  }
  sql.write('DELETE FROM asset WHERE key IN (SELECT value FROM json_each(?))', toJson(removed));
}

function unsettle(sql: Sql, keys: readonly AssetKey[] | 'all'): void {
  if (keys === 'all') sql.write('UPDATE asset SET settled = NULL WHERE settled IS NOT NULL');
  else sql.write('UPDATE asset SET settled = NULL WHERE key IN (SELECT value FROM json_each(?))', toJson(keys));
}

function toAsset(row: AssetColumns): KnownAsset {
  const [key, bytes, modifiedAt, listing, sha256, recipes, settled, firstSeenAt] = row;
  return {
    key,
    bytes,
    modifiedAt,
    listing: listing ?? undefined,
    sha256: sha256 ?? undefined,
    recipes,
    settled: settled ?? undefined,
    firstSeenAt,
  };
}
