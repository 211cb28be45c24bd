import type { Decision } from '../domain/choose-window.js';
import type { Hold } from '../domain/gate.js';
import { groupOf, type LargeGroup, largeGroups } from '../domain/groups.js';
import type { AssetKey, Inventory, Recipe, Window } from '../domain/types.js';
import { windowToCome } from '../domain/window-to-come.js';
import { withheldBy } from '../domain/withdraw.js';
import { type Base, meetOrigin } from './base.js';
import { decide, type RunRequest, whatChanged } from './deciding.js';
import { forecastGate } from './forecast.js';
import type { Approved } from './judge.js';
import type { Night } from './night.js';
import { type MadePlan, makePlan, matcher } from './plan.js';
import { readyRecipes } from './recipes.js';
import { scan } from './scan.js';

export interface Preview extends MadePlan {
  readonly decision: Decision;
  readonly base: Base;
  readonly inventory: Inventory;
  /** Assets that no recipe matches, as listed. */
  readonly unmatchedKeys: readonly AssetKey[];
  /** Groups so large that one bad file of theirs holds back much. */
  readonly largeGroups: readonly LargeGroup[];
  /** What the gate would object to, as far as can be known before the work. */
  readonly holds: readonly Hold[];
  /** Rules that will be met, and were lifted beforehand. */
  readonly approved: readonly Approved[];
  /** The window that holds and approvals are about: the decided one, or, where it is settled, the next. */
  readonly judgedIn: Window;
  readonly recipesFor: (key: AssetKey) => readonly Recipe[];
}

/**
 * What `run` would do, by the same steps up to the point where `run` would write. Give it a night with a scratch state:
 * then nothing is written anywhere, whatever the steps learn.
 */
export async function previewNight(night: Night, request: RunRequest = {}): Promise<Preview> {
  const base = await meetOrigin(night, request.adopt ?? false);
  const recipes = await readyRecipes(night);
  const decision = decide(night, request, whatChanged(night, recipes, base));
  const inventory = await scan(night);
  const made = await makePlan(night, {
    inventory,
    base: base.snapshot,
    recipes,
    withheld: withheldBy(base.head),
  });
  const recipesFor = matcher(recipes);
  const window = windowToCome(decision, night.job.window, night.clock());
  const gate = await forecastGate(night, { made, base: base.snapshot, recipesFor, window });
  const unmatchedKeys =
    made.plan.assets.unmatched === 0
      ? []
      : inventory.assets.flatMap(({ key }) => (recipesFor(key).length === 0 ? [key] : []));
  const largest = night.job.groupBy
    ? largeGroups(
        inventory.assets.map(({ key }) => key),
        groupOf(night.job.groupBy),
      )
    : [];
  return {
    decision,
    base,
    inventory,
    unmatchedKeys,
    ...made,
    ...gate,
    judgedIn: window,
    recipesFor,
    largeGroups: largest,
  };
}
