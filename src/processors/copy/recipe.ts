import { z } from 'zod';
import type { RecipeKind } from '../contract.js';

const schema = z.strictObject({});

export type CopySettings = z.infer<typeof schema>;

/** A recipe for files published as they are, as a job file writes it. */
export interface CopyRecipeOptions {
  /** Globs over asset keys. */
  readonly match: string | readonly string[];
  /** How urgent these items are: higher is done first, and left for another night last; default 0. */
  readonly priority?: number;
  /** Items with nothing to show that may be published around, of those it works in a night: `3` or `'10%'`. */
  readonly tolerate?: number | `${number}%`;
  /** Public path template; the default is `{key}`. */
  readonly path?: string;
  /** Bounds of one attempt, enforced from outside. Defaults: 600 seconds, 500 MB of memory, 20000 MB of output. */
  readonly limits?: { readonly seconds?: number; readonly memoryMB?: number; readonly outputMB?: number };
}

export type CopyRecipeInput = CopyRecipeOptions & { readonly kind: 'copy' };

/**
 * Files published byte for byte, under their own name. Nothing is removed: metadata stays in photos, and an SVG or HTML
 * file keeps its scripts, which run with the rights of the site that serves it. Copy only what you trust.
 */
export function copy(options: CopyRecipeOptions): CopyRecipeInput {
  return { kind: 'copy', ...options };
}

export const recipeKind: RecipeKind<CopySettings> = {
  kind: 'copy',
  version: 1,
  schema,
  path: '{key}',
  limits: { wallMs: 600_000, memoryBytes: 500_000_000, outputBytes: 20_000_000_000 },
  usesExtension: true,
  outputs: () => [{ variant: 'original', ext: '{ext}' }],
  priorSeconds: (_settings, bytes) => 0.01 + bytes / 500e6,
};
