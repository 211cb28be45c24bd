import { blobKey, manifestKey, originalKey, parseKey } from './origin-keys.js';
import type { Digest } from './types.js';

/**
 * Where bytes lie when not under the key of their name: that key → the key they lie under, for blobs and manifest nodes
 * alike. A head may carry such a map as `moved`; whoever follows a head asks it first. Manifests never know, they are
 * content only. Rejected: sha256 → key; the same bytes may be stored under two extensions, with a type each, and only one
 * of them be moved.
 */
export type Moved = Readonly<Record<string, string>>;

/** A key that stays below `b/` or `m/`, and is the same as file name and as URL. */
const keyPattern = /^[bm](?:\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$/;

/** What is wrong with a head's `moved`, in words that follow "moved"; undefined when nothing is. */
export function movedProblem(moved: unknown): string | undefined {
  if (moved === undefined) return undefined;
  if (typeof moved !== 'object' || moved === null || Array.isArray(moved)) return 'is no map of origin keys';
  const bad = Object.entries(moved).find(([from, to]) => !isMove(from, to));
  return bad && `sends ${bad[0]} to ${JSON.stringify(bad[1])}, expected two keys below b/ or m/`;
}

/**
 * What publishers refuse beside: collections ask for each stored key whether its own bytes are looked for there, so what
 * lay under a key of another name would be deleted. Readers take any key, and check the bytes.
 */
export function strayProblem(moved: Moved): string | undefined {
  const stray = Object.entries(moved).find(([from, to]) => !parseKey(to) || originalKey(to) !== from);
  return stray && `sends ${stray[0]} to ${stray[1]}, expected a key of the same name`;
}

export function keyOfBlob(moved: Moved | undefined, blob: { readonly sha256: Digest; readonly ext: string }): string {
  return whereLies(moved, blobKey(blob));
}

export function keyOfNode(moved: Moved | undefined, digest: Digest): string {
  return whereLies(moved, manifestKey(digest));
}

/** Where the bytes lie that are named by `key`. */
export function whereLies(moved: Moved | undefined, key: string): string {
  return moved && Object.hasOwn(moved, key) ? (moved[key] ?? key) : key;
}

function isMove(from: string, to: unknown): boolean {
  return parseKey(from)?.generation === 0 && typeof to === 'string' && keyPattern.test(to);
}
