import type { KnownListing } from '../domain/inventory.js';
import type { AssetKey, Digest } from '../domain/types.js';
import type { KnownAsset, Settlement, State } from './contract.js';
import { writeOrigin } from './origin.js';
import { type Sql, toJson } from './sql.js';

type AssetQueries = Pick<State, 'asset' | 'assetKeys' | 'listings' | 'settle' | 'unsettle' | 'condemn' | 'condemned'>;
interface AssetColumns {
  readonly key: AssetKey;
  readonly bytes: number;
  readonly modifiedAt: number;
  readonly listing: string | null;
  readonly sha256: Digest | null;
  readonly recipes: number;
  readonly settled: Digest | null;
  readonly firstSeenAt: number;
}

/** In `settled`, where no recipe set has this name: so every way in which an asset is looked at anew takes it off. */
const condemnedMark = 'condemned';
const settledOrNull = `NULLIF(settled, '${condemnedMark}')`;

const select = `SELECT key, bytes, modified_at AS modifiedAt, listing, sha256, recipes, ${settledOrNull} AS settled,
  first_seen_at AS firstSeenAt FROM asset`;

/** What the live snapshot is known to hold: one row an asset, a hundred thousand read at the start of every run. */
export function assetQueries(sql: Sql): AssetQueries {
  return {
    asset: (key) => {
      const row = sql.row<AssetColumns>(`${select} WHERE key = ?`, key);
      return row && toAsset(row);
    },
    assetKeys: () => sql.column<AssetKey>('SELECT key FROM asset'),
    listings: (recipeSet) => sql.reading(() => listings(sql, recipeSet)),
    settle: (settlement) => sql.writing(() => settle(sql, settlement)),
    unsettle: (keys) => sql.writing(() => unsettle(sql, keys)),
    condemn: (keys) => sql.writing(() => condemn(sql, keys)),
    condemned: () => sql.column<number>('SELECT count(*) FROM asset WHERE settled = ?', condemnedMark)[0] ?? 0,
  };
}

type ListingColumns = [
  key: AssetKey,
  recipes: number,
  listing: string | null,
  isSettled: 0 | 1,
  sha256: Digest | null,
  settled: Digest | null,
];

const pageSize = 5_000;

/** Pages as JSON: crossing from SQLite once for thousands of rows takes half the time of crossing for each. */
function listings(sql: Sql, recipeSet: Digest): Map<AssetKey, KnownListing> {
  const found = new Map<AssetKey, KnownListing>();
  const asked = { settled: recipeSet };
  let after = '';
  for (;;) {
    const [page = '[]'] = sql.column<string>(
      `SELECT json_group_array(CASE WHEN settled IS ? THEN json_array(key, recipes, listing, 1)
         ELSE json_array(key, recipes, listing, 0, sha256, ${settledOrNull}) END)
       FROM (SELECT key, recipes, listing, sha256, settled FROM asset WHERE key > ? ORDER BY key LIMIT ${pageSize})`,
      recipeSet,
      after,
    );
    const rows = sql.json<readonly ListingColumns[]>(page);
    for (const [key, recipes, listing, isSettled, sha256, settled] of rows) {
      const more = isSettled ? asked : { sha256: sha256 ?? undefined, settled: settled ?? undefined };
      found.set(key, { recipes, listing: listing ?? undefined, ...more });
    }
    const last = rows.at(-1);
    if (!last) return found;
    [after] = last;
  }
}

function settle(sql: Sql, { origin, upserts, removed, at }: Settlement): void {
  if (origin) writeOrigin(sql, origin);
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

function condemn(sql: Sql, keys: readonly AssetKey[]): void {
  const chosen = 'key IN (SELECT value FROM json_each(?))';
  sql.write(`UPDATE asset SET settled = ? WHERE ${chosen}`, condemnedMark, toJson(keys));
}

function toAsset({ listing, sha256, settled, ...row }: AssetColumns): KnownAsset {
  return {
    ...row,
    listing: listing ?? undefined,
    sha256: sha256 ?? undefined,
    settled: settled ?? undefined,
  };
}
