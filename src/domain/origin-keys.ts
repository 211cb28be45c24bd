import type { Digest } from './types.js';

/**
 * Keys at an origin: `b/<aa>/<sha256>.<ext>` for a blob (no dot when it has no extension), `m/<sha256>.json` for a
 * manifest node. Lower case and plain, so that a key is the same as file name, as URL and on file systems that fold case.
 *
 * Where the key of a name is condemned (`condemned.ts`), the bytes lie under a fresh one: `b/<aa>/<sha256>~1.<ext>`, then
 * `~2`. The number is the generation of the key, 0 that of the key without one. Which of them holds is told by `moved.ts`.
 */
const extPattern = /^[a-z0-9]{0,16}$/;
const digestPattern = /^[0-9a-f]{64}$/;
const generation = String.raw`(?:~([1-9]\d{0,5}))?`;
const blobPattern = new RegExp(`^b/([0-9a-f]{2})/(\\1[0-9a-f]{62})${generation}(?:\\.[a-z0-9]{1,16})?$`);
const manifestPattern = new RegExp(`^m/([0-9a-f]{64})${generation}\\.json$`);

export interface ParsedKey {
  readonly kind: 'blob' | 'manifest';
  readonly sha256: Digest;
  readonly generation: number;
}

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
export function parseKey(key: string): ParsedKey | undefined {
  const [, , blob, blobGeneration] = blobPattern.exec(key) ?? [];
  if (blob) return { kind: 'blob', sha256: blob as Digest, generation: Number(blobGeneration ?? 0) };
  const [, manifest, manifestGeneration] = manifestPattern.exec(key) ?? [];
  return manifest
    ? { kind: 'manifest', sha256: manifest as Digest, generation: Number(manifestGeneration ?? 0) }
    : undefined;
}

/** The key of the same name in this generation; `key` is that of generation 0. */
export function keyInGeneration(key: string, number: number): string {
  return number === 0 ? key : key.replace(/(?=\.[a-z0-9]+$)|$/, `~${number}`);
}

/** The key of generation 0 of the same name. */
export function originalKey(key: string): string {
  return key.replace(/~\d+(?=\.[a-z0-9]+$|$)/, '');
}

function checked(digest: Digest): Digest {
  if (!digestPattern.test(digest)) throw new TypeError(`'${digest}' is no digest: expected 64 lower-case hex digits`);
  return digest;
}
