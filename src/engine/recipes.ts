import { recipeDigest } from '../domain/fingerprint.js';
import type { ToolVersions } from '../domain/types.js';
import type { Night, ReadyRecipe } from './night.js';

/** The job's recipes with the tools present on this machine. Throws `tool-missing` before any work. */
export async function readyRecipes(
  night: Pick<Night, 'job' | 'recipeKinds' | 'processor'>,
): Promise<ReadonlyMap<string, ReadyRecipe>> {
  const tools = new Map<string, ToolVersions>();
  for (const kind of new Set(night.job.recipes.map((recipe) => recipe.kind))) {
    tools.set(kind, await (await night.processor(kind)).tools());
  }
  return new Map(
    night.job.recipes.map((recipe) => {
      const kind = night.recipeKinds[recipe.kind];
      const versions = tools.get(recipe.kind);
      if (!kind || !versions) throw new Error(`recipe '${recipe.name}' of unknown kind '${recipe.kind}'`);
      return [recipe.name, { recipe, kind, tools: versions, digest: recipeDigest(recipe, kind.version, versions) }];
    }),
  );
}
