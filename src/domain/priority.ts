import { compileGlobs } from './match.js';
import type { AssetKey, Job } from './types.js';

/** How urgent an item is: higher is done first, and is the last to be left for another night. */
export type Priority = (item: { readonly key: AssetKey; readonly recipe: string }) => number;

/** What a job says of an asset counts before what it says of a recipe; of several globs that match, the highest. */
export function priorityOf({ recipes, priorities }: Pick<Job, 'recipes' | 'priorities'>): Priority {
  const ofRecipe = new Map(recipes.map(({ name, priority }) => [name, priority]));
  const globs = priorities.map(({ glob, priority }) => ({ priority, matches: compileGlobs([glob]) }));
  return ({ key, recipe }) => {
    const ofAsset = globs.filter(({ matches }) => matches(key)).map(({ priority }) => priority);
    return ofAsset.length > 0 ? Math.max(...ofAsset) : (ofRecipe.get(recipe) ?? 0);
  };
}
