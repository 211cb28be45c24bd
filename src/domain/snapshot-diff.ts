import type { EntryChange } from './manifest.js';
import type { AssetKey, Derivative, Digest, Entry } from './types.js';

export type DiffKind = 'added' | 'removed' | 'changed';

/** What can be told of a file without opening it. */
export interface FileFacts {
  readonly sha256: Digest;
  readonly bytes: number;
  readonly type: string;
  readonly width?: number;
  readonly height?: number;
  readonly duration?: number;
}

/** One public path that is not the same in two snapshots. */
export interface PathDiff {
  readonly path: string;
  readonly kind: DiffKind;
  readonly before?: FileFacts;
  readonly after?: FileFacts;
}

/** One asset that is not the same in two snapshots. No paths: only what is known of it differs, every byte is the same. */
export interface AssetDiff {
  readonly key: AssetKey;
  readonly kind: DiffKind;
  readonly source: { readonly before?: FileFacts; readonly after?: FileFacts };
  readonly paths: readonly PathDiff[];
  /** Derivatives shown although a newer source could not be processed. */
  readonly carried: boolean;
}

export interface DiffTotals {
  readonly assets: Readonly<Record<DiffKind, number>>;
  readonly paths: Readonly<Record<DiffKind, number>>;
  /** Of the paths that differ: what they weighed and weigh. */
  readonly bytes: { readonly before: number; readonly after: number };
}

/** The difference of two entries as a person sees it: by public path. */
export function describeChange({ key, before, after }: EntryChange): AssetDiff {
  const [was, is] = [derivativesOf(before), derivativesOf(after)];
  const names = [...new Set([...was.keys(), ...is.keys()])].sort();
  const items = Object.values(after?.items ?? {});
  return {
    key,
    kind: kindOf(before, after),
    source: pair(before && factsOf(before.source), after && factsOf(after.source)),
    paths: names.flatMap((path) => describePath(path, was.get(path), is.get(path))),
    carried: items.some((item) => item.carried !== undefined),
  };
}

export function totalsOf(diffs: readonly AssetDiff[]): DiffTotals {
  const paths = diffs.flatMap((diff) => diff.paths);
  const weight = (side: 'before' | 'after') => paths.reduce((sum, path) => sum + (path[side]?.bytes ?? 0), 0);
  return { assets: tally(diffs), paths: tally(paths), bytes: { before: weight('before'), after: weight('after') } };
}

function tally(things: readonly { readonly kind: DiffKind }[]): Record<DiffKind, number> {
  const of = (kind: DiffKind) => things.filter((thing) => thing.kind === kind).length;
  return { added: of('added'), removed: of('removed'), changed: of('changed') };
}

function derivativesOf(entry: Entry | undefined): ReadonlyMap<string, Derivative> {
  const all = Object.values(entry?.items ?? {}).flatMap((item) => item.derivatives);
  return new Map(all.map((derivative) => [derivative.path, derivative]));
}

function describePath(
  path: string,
  before: Derivative | undefined,
  after: Derivative | undefined,
): readonly PathDiff[] {
  if (before && after && before.sha256 === after.sha256) return [];
  return [{ path, kind: kindOf(before, after), ...pair(before && factsOf(before), after && factsOf(after)) }];
}

function kindOf(before: unknown, after: unknown): DiffKind {
  if (!before) return 'added';
  return after ? 'changed' : 'removed';
}

function pair<T>(before: T | undefined, after: T | undefined): { readonly before?: T; readonly after?: T } {
  return { ...(before && { before }), ...(after && { after }) };
}

function factsOf({ sha256, bytes, type, width, height, duration }: FileFacts): FileFacts {
  return {
    sha256,
    bytes,
    type,
    ...(width !== undefined && { width }),
    ...(height !== undefined && { height }),
    ...(duration !== undefined && { duration }),
  };
}
