import { blobKey, manifestKey } from './origin-keys.js';
import type { Digest } from './types.js';

/**
 * Where bytes lie when not under their default key: sha256 → origin key, for blobs and manifest nodes alike. A head may
 * carry such a map as `moved`; whoever follows a head asks it first. Manifests never know, they are content only.
 */
export type Moved = Readonly<Record<string, string>>;

/** A key that stays below `b/` or `m/`, and is the same as file name and as URL. */
const keyPattern = /^[bm](?:\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$/;

/** What is wrong with a head's `moved`, in words that follow "moved"; undefined when nothing is. */
export function movedProblem(moved: unknown): string | undefined {
  if (moved === undefined) return undefined;
  if (typeof moved !== 'object' || moved === null || Array.isArray(moved)) return 'is no map of sha256 to origin key';
  const bad = Object.entries(moved).find(([sha256, key]) => !isMove(sha256, key));
  return bad && `sends ${bad[0]} to ${JSON.stringify(bad[1])}, expected a sha256 and a key below b/ or m/`;
}

export function keyOfBlob(moved: Moved | undefined, blob: { readonly sha256: Digest; readonly ext: string }): string {
  return keyOf(moved, blob.sha256) ?? blobKey(blob);
}

export function keyOfNode(moved: Moved | undefined, digest: Digest): string {
  return keyOf(moved, digest) ?? manifestKey(digest);
}

function keyOf(moved: Moved | undefined, sha256: Digest): string | undefined {
  return moved && Object.hasOwn(moved, sha256) ? moved[sha256] : undefined;
}

function isMove(sha256: string, key: unknown): boolean {
  return /^[0-9a-f]{64}$/.test(sha256) && typeof key === 'string' && keyPattern.test(key);
}
