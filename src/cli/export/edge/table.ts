import { createHash } from 'node:crypto';
import type { SnapshotId } from '../../../domain/types.js';
import type { Published } from '../published.js';

/**
 * What edge code answers from: public paths of one snapshot, and of others as long as they are exported with it.
 *
 *   <prefix>/<path>        the blob of the snapshot that the cookie `nightpress` names, otherwise of the first; no-cache
 *   <prefix>/s/<id>/<path> the blob of that snapshot; immutable. <id>: 12 or all 64 digits
 *   <prefix>/{head.json, b/…, m/…}  the origin's own objects, as they are
 *
 * All else is 404, a path that the pinned snapshot does not have included: never another snapshot's bytes.
 */
export interface EdgeTable {
  readonly job: string;
  /** The first one answers whoever pins none. */
  readonly snapshots: readonly SnapshotId[];
  /** Sorted by path. */
  readonly rows: readonly EdgeRow[];
  /** Path of the job's `baseUrl`: where the world sees the origin. Empty at the root of a host, percent-encoded. */
  readonly prefix: string;
  /** Where the edge gets the origin's objects. */
  readonly backend: URL;
}

export interface EdgeRow {
  readonly path: string;
  /** Origin key in each snapshot, in their order; undefined where a snapshot does not have the path. */
  readonly keys: readonly (string | undefined)[];
}

/** An origin's own objects as path of a request: nothing that leaves the origin, whatever a server makes of it. */
export const ownPattern = '/(head[.]json|[bm](?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+)';

/** A file that `export edge` writes. */
export interface EdgeFile {
  readonly name: string;
  readonly text: string;
}

export function rowsOf(published: readonly (readonly Published[])[]): readonly EdgeRow[] {
  const rows = new Map<string, (string | undefined)[]>();
  for (const [at, snapshot] of published.entries()) {
    for (const { path, key } of snapshot) {
      const keys = rows.get(path) ?? new Array<string | undefined>(published.length).fill(undefined);
      keys[at] = key;
      rows.set(path, keys);
    }
  }
  return [...rows].map(([path, keys]) => ({ path, keys })).sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Every name under which a request may ask for a snapshot, with its place in the table. */
export function pinNames({ snapshots }: EdgeTable): readonly (readonly [name: string, index: number])[] {
  return snapshots.flatMap((id, at) => [[shortId(id), at] as const, [id, at] as const]);
}

export function shortId(id: SnapshotId): string {
  return id.slice(0, 12);
}

/** The same for the same snapshots in the same order. */
export function releaseOf({ snapshots }: EdgeTable): string {
  return createHash('sha256').update(snapshots.join('\n')).digest('hex').slice(0, 12);
}

/**
 * A row as one text for a key-value store: the key alone when every snapshot has the same one, otherwise
 * `0,2:<key> 1:<key>`, each key after the places that have it.
 */
export function storedText({ keys }: EdgeRow): string {
  const places = new Map<string, number[]>();
  for (const [at, key] of keys.entries()) if (key) places.set(key, [...(places.get(key) ?? []), at]);
  const [only] = places.keys();
  if (only !== undefined && places.get(only)?.length === keys.length) return only;
  return [...places].map(([key, at]) => `${at.join(',')}:${key}`).join(' ');
}

/**
 * What names in generated code begin with, so that two jobs fit into one server. Characters that no name may have become `_`;
 * a digest then keeps `a-b` and `a.b` apart, and the names of `a` from those of `a_key`.
 */
export function edgeName({ job }: EdgeTable): string {
  if (/^[a-z0-9]+$/.test(job)) return `nightpress_${job}`;
  const digest = createHash('sha256').update(job).digest('hex').slice(0, 8);
  return `nightpress_${job.replace(/[^a-z0-9]/g, '_')}_${digest}`;
}

export function headline({ job, snapshots }: EdgeTable, mark: string): string {
  return `${mark} Written by nightpress export edge for job ${job}: ${snapshots.map(shortId).join(', ')}`;
}

/** Where the backend has the origin's objects, without a slash at its end. */
export function backendPath({ backend }: EdgeTable): string {
  return backend.pathname.replace(/\/+$/, '');
}
