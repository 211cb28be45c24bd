import { planCollisions } from '../domain/plan.js';
import type { Result } from '../domain/result.js';
import type { AssetKey, Finding, Inventory, RunId } from '../domain/types.js';
import type { ItemRow } from '../state/contract.js';
import { type Measured, measure } from './measure.js';
import type { Night } from './night.js';
import { matcher } from './plan.js';
import { readyRecipes } from './recipes.js';
import { runNight } from './run.js';

export interface Rehearsal {
  readonly result: Result;
  /** Those of the run, and what the chosen assets would meet in the whole library. */
  readonly findings: readonly Finding[];
  readonly items: readonly ItemRow[];
  readonly measured: Measured;
}

/**
 * A whole night over a part of the library, by the same code to its last step. Give it a night whose source holds only
 * that part, whose state is a scratch and whose origin is a folder of its own; `library` is everything the source has.
 */
export async function rehearse(night: Night, library: Inventory): Promise<Rehearsal> {
  const result = await runNight(night, { now: true });
  const items = result.run ? night.state.items(result.run as RunId) : [];
  const wider = await widerCollisions(night, library, items);
  const said = new Set(result.findings.map(wordsOf));
  const findings = [...result.findings, ...wider.filter((finding) => !said.has(wordsOf(finding)))];
  return { result, findings, items, measured: measure(night.state, items) };
}

/** Public paths that collide with those of assets outside the chosen part. */
async function widerCollisions(
  night: Night,
  library: Inventory,
  items: readonly ItemRow[],
): Promise<readonly Finding[]> {
  const recipes = await readyRecipes(night);
  const keys: readonly AssetKey[] = library.assets.map((asset) => asset.key);
  const collisions = planCollisions(keys, { recipesFor: matcher(recipes), facts: recipes });
  return items.flatMap(({ id }) => collisions.get(id) ?? []);
}

function wordsOf({ code, key, recipe }: Finding): string {
  return JSON.stringify([code, key, recipe]);
}
