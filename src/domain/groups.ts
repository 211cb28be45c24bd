import type { AssetKey } from './types.js';

/** Assets that must change together; see `groupOf`. */
export type GroupBy =
  | { readonly kind: 'directory' }
  | { readonly kind: 'pattern'; readonly source: string; readonly flags: string };

/** The group of an asset; undefined: it stands for itself. */
export type GroupOf = (key: AssetKey) => string | undefined;

/**
 * By directory: all assets of one folder, without those of folders in it. By pattern: all assets of which it captures
 * the same text (its first capture, or all it matches); an asset it does not match stands for itself.
 */
export function groupOf(groupBy: GroupBy | undefined): GroupOf {
  if (!groupBy) return () => undefined;
  if (groupBy.kind === 'directory') return (key) => key.slice(0, Math.max(0, key.lastIndexOf('/'))) || '.';
  const pattern = new RegExp(groupBy.source, groupBy.flags.replace(/[gy]/g, '')); // these remember where they were
  return (key) => {
    const match = pattern.exec(key);
    return match ? (match[1] ?? match[0]) : undefined;
  };
}

/** The first failure of each group that cannot be published whole. */
export function tornGroups<Row extends { readonly key: AssetKey }>(
  failures: readonly Row[],
  group: GroupOf,
): ReadonlyMap<string, Row> {
  const torn = new Map<string, Row>();
  for (const row of failures) {
    const name = group(row.key);
    if (name !== undefined && !torn.has(name)) torn.set(name, row);
  }
  return torn;
}

/** Fresh rows whose group cannot be published whole, each with the failure it waits for. */
export function waitingRows<Row extends { readonly key: AssetKey }>(
  { fresh, failing }: { readonly fresh: readonly Row[]; readonly failing: readonly Row[] },
  group: GroupOf,
): readonly (readonly [waiting: Row, cause: Row])[] {
  const torn = tornGroups(failing, group);
  return fresh.flatMap((row) => {
    const name = group(row.key);
    const cause = name === undefined ? undefined : torn.get(name);
    return cause ? [[row, cause] as const] : [];
  });
}

/** An item that waits for the rest of its group; nothing is wrong with it. */
export const groupCode = 'group-incomplete';

/** Above this share of all assets a group makes one bad file hold back too much. */
export const largeGroupShare = 0.05;

export interface LargeGroup {
  readonly group: string;
  readonly assets: number;
  /** 0 to 1. */
  readonly share: number;
}

/** Largest first. */
export function largeGroups(keys: readonly AssetKey[], group: GroupOf): readonly LargeGroup[] {
  const sizes = new Map<string, number>();
  for (const key of keys) {
    const name = group(key);
    if (name !== undefined) sizes.set(name, (sizes.get(name) ?? 0) + 1);
  }
  return [...sizes]
    .map(([name, assets]) => ({ group: name, assets, share: assets / keys.length }))
    .filter(({ assets, share }) => assets > 1 && share > largeGroupShare)
    .sort((a, b) => b.assets - a.assets);
}
