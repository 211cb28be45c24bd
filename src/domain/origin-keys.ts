import type { Digest } from './types.js';

/**
 * Keys at an origin: `b/<aa>/<sha256>.<ext>` for a blob (no dot when it has no extension), `m/<sha256>.json` for a
 * manifest node. Lower case and plain, so that a key is the same as file name, as URL and on file systems that fold case.
 */
const extPattern = /^[a-z0-9]{0,16}$/;
const digestPattern = /^[0-9a-f]{64}$/;
const blobPattern = /^b\/([0-9a-f]{2})\/(\1[0-9a-f]{62})(?:\.[a-z0-9]{1,16})?$/;
const manifestPattern = /^m\/([0-9a-f]{64})\.json$/;

/** Throws on a digest or extension that cannot be part of a key: whoever made it has a bug. */
export function blobKey({ sha256, ext }: { readonly sha256: Digest; readonly ext: string }): string {
  if (!extPattern.test(ext))
    throw new TypeError(`'${ext}' is no extension of a blob: expected at most 16 of a-z and 0-9`);
  return `b/${checked(sha256).slice(0, 2)}/${sha256}${ext && `.${ext}`}`;
}

/** Throws on what is not a digest. */
export function manifestKey(digest: Digest): string {
  return `m/${checked(digest)}.json`;
}

/** What a key names; undefined for anything that is not exactly a key of a blob or manifest node. */
export function parseKey(key: string): { readonly kind: 'blob' | 'manifest'; readonly sha256: Digest } | undefined {
  const blob = blobPattern.exec(key)?.[2];
  if (blob) return { kind: 'blob', sha256: blob as Digest };
  const manifest = manifestPattern.exec(key)?.[1];
  return manifest ? { kind: 'manifest', sha256: manifest as Digest } : undefined;
}

function checked(digest: Digest): Digest {
  if (!digestPattern.test(digest)) throw new TypeError(`'${digest}' is no digest: expected 64 lower-case hex digits`);
  return digest;
}
