import { recipeKind as audio } from './audio/recipe.js';
import type { Processor, RecipeKind } from './contract.js';
import { recipeKind as copy } from './copy/recipe.js';
import { recipeKind as image } from './image/recipe.js';
import { recipeKind as video } from './video/recipe.js';

/** The pure halves, by the `kind` a recipe names; loaded by every command. */
export const recipeKinds: Readonly<Record<string, RecipeKind>> = Object.freeze({
  image: erased(image),
  video: erased(video),
  audio: erased(audio),
  copy: erased(copy),
});

/** The working halves, loaded only where work or tool versions are needed. */
export const processors: Readonly<Record<string, () => Promise<Processor>>> = Object.freeze({
  image: async () => erasedWork((await import('./image/work.js')).processor),
  video: async () => erasedWork((await import('./video/work.js')).processor),
  audio: async () => erasedWork((await import('./audio/work.js')).processor),
  copy: async () => erasedWork((await import('./copy/work.js')).processor),
});

/**
 * The registry forgets which settings belong to which kind. That is sound because settings reach a kind only after the
 * schema of the same kind has made them; these two functions are the only place that says so.
 */
function erased<Settings>(kind: RecipeKind<Settings>): RecipeKind {
  return kind as unknown as RecipeKind;
}

function erasedWork<Settings>(processor: Processor<Settings>): Processor {
  return processor as unknown as Processor;
}
