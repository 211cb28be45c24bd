import { digestOf } from './digest.js';
import { extensionOf } from './paths.js';
import type { AssetKey, Digest, Recipe, ToolVersions } from './types.js';

/**
 * The fingerprint of an item answers one question: would the same bytes come out? It is taken in two steps, so that a
 * recipe is digested once a run and not once an asset:
 *
 *   recipe       sha256 of { kind, settings, version, tools }: RFC 8785 JSON, so the order of keys does not matter
 *   fingerprint  sha256 of { asset, recipe }, and { ext } of the key where that decides about an output (copies)
 *
 * Settings hold every default; `version` is the processor's; `tools` holds versions, determinism settings and `arch`.
 * Types and extensions of outputs follow from kind, settings and version. Not in it: name, match, path and limits of
 * the recipe, and key and times of the asset: they decide whether and where, never what.
 */
export function recipeDigest(recipe: Pick<Recipe, 'kind' | 'settings'>, version: number, tools: ToolVersions): Digest {
  return digestOf({ kind: recipe.kind, settings: recipe.settings, version, tools });
}

export interface FingerprintInput {
  /** Of the asset's bytes. */
  readonly sha256: Digest;
  readonly key: AssetKey;
  readonly recipe: {
    /** From `recipeDigest`. */
    readonly digest: Digest;
    readonly kind: { readonly usesExtension?: boolean };
  };
}

/** The fingerprint of one item. Equal fingerprints: one may be used for the other, whatever their keys. */
export function itemFingerprint({ sha256, key, recipe }: FingerprintInput): Digest {
  const ext = recipe.kind.usesExtension ? extensionOf(key) : undefined;
  return digestOf({ asset: sha256, recipe: recipe.digest, ext });
}

/**
 * Digest of everything that decides what the live snapshot should hold of an asset, apart from its bytes: an asset
 * settled under it needs no look. The order of recipes does not matter; limits do not, as no finished item depends on
 * them.
 */
export function recipeSetDigest(
  recipes: Iterable<{ readonly recipe: Pick<Recipe, 'name' | 'match' | 'path'>; readonly digest: Digest }>,
): Digest {
  return digestOf(
    Object.fromEntries(
      [...recipes].map(({ recipe: { name, match, path }, digest }) => [name, { match, path, recipe: digest }]),
    ),
  );
}
