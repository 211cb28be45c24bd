import { itemId } from './digest.js';
import { compileGlobs } from './match.js';
import type { AssetKey, ItemId, Job } from './types.js';

/** How urgent an item is: higher is done first, and is the last to be left for another night. */
export type Priority = (item: { readonly key: AssetKey; readonly recipe: string }) => number;

/** Above everything that a job can say. */
const shedPriority = 10_000;

/** What the deadline left the last time comes before all else. */
export function shedFirst(priority: Priority, shed: ReadonlySet<ItemId>): Priority {
  return (item) => priority(item) + (shed.has(itemId(item.recipe, item.key)) ? shedPriority : 0);
}

/** What a job says of an asset counts before what it says of a recipe; of several globs that match, the highest. */
export function priorityOf({ recipes, priorities }: Pick<Job, 'recipes' | 'priorities'>): Priority {
  const ofRecipe = new Map(recipes.map(({ name, priority }) => [name, priority]));
  const globs = priorities.map(({ glob, priority }) => ({ priority, matches: compileGlobs([glob]) }));
  return ({ key, recipe }) => {
    const ofAsset = globs.filter(({ matches }) => matches(key)).map(({ priority }) => priority);
    return ofAsset.length > 0 ? Math.max(...ofAsset) : (ofRecipe.get(recipe) ?? 0);
  };
}
