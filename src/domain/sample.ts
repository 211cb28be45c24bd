import { sha256 } from './digest.js';
import { compareText } from './order.js';
import { extensionOf } from './paths.js';
import type { AssetKey } from './types.js';

/** An asset as far as choosing a sample goes. */
export interface Sampleable {
  readonly key: AssetKey;
  readonly bytes: number;
  /** Names of the recipes that match. */
  readonly recipes: readonly string[];
}

/**
 * A sample that shows every kind of work: strata are recipes × extension × power of ten of the size. Each stratum gives
 * one asset as far as `size` allows, the largest strata first; what is left is shared out in proportion. Inside a stratum
 * the hash of the key decides: the same library gives the same sample on every machine, and a larger sample contains
 * what a smaller one took of a stratum, whatever the order of the input. Sorted by key.
 */
export function stratifiedSample<Asset extends Sampleable>(assets: readonly Asset[], size: number): readonly Asset[] {
  const strata = [...groupByStratum(assets)].sort(([a, as], [b, bs]) => bs.length - as.length || compareText(a, b));
  const places = shareOut(
    strata.map(([, members]) => members.length),
    Math.min(size, assets.length),
  );
  return strata
    .flatMap(([, members], at) => firstByHash(members, places[at] ?? 0))
    .sort((a, b) => compareText(a.key, b.key));
}

/** The kind of work an asset stands for. */
export function stratumOf({ key, bytes, recipes }: Sampleable): string {
  return `${recipes.toSorted(compareText).join('+')}\0${extensionOf(key)}\0${String(Math.trunc(bytes)).length}`;
}

function groupByStratum<Asset extends Sampleable>(assets: readonly Asset[]): ReadonlyMap<string, Asset[]> {
  const strata = new Map<string, Asset[]>();
  for (const asset of assets) {
    const stratum = stratumOf(asset);
    const members = strata.get(stratum);
    if (members) members.push(asset);
    else strata.set(stratum, [asset]);
  }
  return strata;
}

/** One to each in order, then always to the one furthest below its share. `sizes` are in falling order. */
function shareOut(sizes: readonly number[], places: number): readonly number[] {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const given = sizes.map((_, at): number => (at < places ? 1 : 0));
  for (let left = places - given.reduce((sum, n) => sum + n, 0); left > 0; left--) {
    const missing = sizes.map((size, at) => {
      const has = given[at] ?? 0;
      return has < size ? (size * places) / total - has : Number.NEGATIVE_INFINITY;
    });
    const neediest = missing.indexOf(Math.max(...missing));
    given[neediest] = (given[neediest] ?? 0) + 1;
  }
  return given;
}

function firstByHash<Asset extends Sampleable>(members: readonly Asset[], count: number): readonly Asset[] {
  if (count >= members.length) return members;
  const hashed = members.map((asset) => ({ asset, hash: sha256(asset.key) }));
  return hashed
    .sort((a, b) => compareText(a.hash, b.hash))
    .slice(0, count)
    .map(({ asset }) => asset);
}
