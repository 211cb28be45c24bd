import { CostModel } from '../domain/cost.js';
import { shedCode } from '../domain/deadline.js';
import { askedAgain, retriedByHand } from '../domain/decide.js';
import { itemId } from '../domain/digest.js';
import { type Comparison, compareInventory, type KnownListing } from '../domain/inventory.js';
import { lookup } from '../domain/manifest.js';
import { compileMatch } from '../domain/match.js';
import { fingerprintsOf, type Plan, planCollisions, planItems } from '../domain/plan.js';
import { priorityOf, shedFirst } from '../domain/priority.js';
import type {
  AssetKey,
  Digest,
  Entry,
  Finding,
  Inventory,
  ItemId,
  Recipe,
  RunId,
  SnapshotId,
} from '../domain/types.js';
import type { Withheld } from '../domain/withdraw.js';
import type { FrozenPlan, ItemRow, PlanTotals } from '../state/contract.js';
import { liveLoader } from './base.js';
import { recipeSet } from './lifecycle.js';
import type { Night, ReadyRecipe } from './night.js';
import { notHeld } from './store.js';

export interface PlanRequest {
  readonly inventory: Inventory;
  /** Live snapshot to compare with; undefined: nothing was ever published. */
  readonly base: SnapshotId | undefined;
  readonly recipes: ReadonlyMap<string, ReadyRecipe>;
  readonly withheld: Withheld;
}

export interface MadePlan {
  readonly comparison: Comparison;
  readonly plan: Plan;
  /** Live entries of the assets looked at. */
  readonly entries: ReadonlyMap<AssetKey, Entry>;
  readonly frozen: FrozenPlan;
}

/** Decides what a run would do. Reads state, origin and nothing else; writes nothing: `plan` and `run` both call this. */
export async function makePlan(night: PlanParts, request: PlanRequest): Promise<MadePlan> {
  const { inventory, base, recipes, withheld } = request;
  const recipesFor = matcher(recipes);
  const set = recipeSet(recipes);
  const known = night.state.listings(set);
  const comparison = compareInventory({
    inventory,
    known,
    recipeSet: set,
    matchCount: (key) => recipesFor(key).length,
  });
  return await planChanges(night, {
    comparison,
    known,
    base,
    recipes,
    withheld,
    present: () => presentKeys(inventory, comparison),
    findings: inventory.findings,
  });
}

export type PlanParts = Pick<Night, 'job' | 'state' | 'origin' | 'workers'>;

export interface ChangesRequest {
  readonly comparison: Comparison;
  readonly known: ReadonlyMap<AssetKey, KnownListing>;
  readonly base: SnapshotId | undefined;
  readonly recipes: ReadonlyMap<string, ReadyRecipe>;
  /** Content that the head keeps from being published. */
  readonly withheld: Withheld;
  /** Keys of everything that is or stays public: what collisions are looked for in. */
  readonly present: () => Iterable<AssetKey>;
  /** Findings of the scan. */
  readonly findings: readonly Finding[];
  /** Why an item is to be done whatever is remembered of it; undefined: it is judged like any other. */
  readonly insist?: (recipe: string, key: AssetKey) => string | undefined;
}

/** The plan for changes that are known already: all of a scan, or those a person chose. */
export async function planChanges(night: PlanParts, request: ChangesRequest): Promise<MadePlan> {
  const { comparison, known, base, recipes, withheld, present, findings, insist } = request;
  const live = await liveEntries(night, base, comparison.changes);
  const lost = await lostItems(night, live);
  const entries = withoutItems(live, lost);
  const evidence = { comparison, recipesFor: matcher(recipes), facts: recipes, base: entries };
  const fingerprints = fingerprintsOf(evidence);
  const plan = planItems({
    ...evidence,
    known,
    withheld,
    made: night.state.made(fingerprints),
    quarantined: night.state.quarantined(fingerprints),
    collisions: once(() => planCollisions(present(), evidence)),
    remake: (recipe, key) =>
      insist?.(recipe, key) ?? (lost.has(itemId(recipe, key)) ? 'a blob is lost at the origin' : undefined),
    costs: new CostModel(night.state.costs()),
    priority: shedFirst(priorityOf(night.job), new Set(night.state.endedWith(shedCode))),
    workers: night.workers,
  });
  const totals = totalsOf(plan, { base, recipes, set: recipeSet(recipes), findings });
  const { changes } = comparison;
  return { comparison, plan, entries, frozen: { totals, changes, partitions: plan.partitions, items: plan.items } };
}

/** Commits the plan before any work; from here on a resumed run reads it and never plans again. */
export async function freezePlan(night: Night, run: RunId, request: PlanRequest): Promise<void> {
  const { frozen } = await makePlan(night, request);
  night.state.freezePlan(run, frozen);
  night.emit({
    type: 'planned',
    items: frozen.items.filter((item) => item.disposition === undefined).length,
    unchanged: frozen.totals.unchangedItems,
    partitions: frozen.partitions.length,
    predictedSeconds: frozen.totals.predictedSeconds,
  });
}

/** A frozen plan as work and validation need it. */
export interface Thawed {
  readonly base: SnapshotId | undefined;
  readonly entries: ReadonlyMap<AssetKey, Entry>;
  readonly recipesFor: (key: AssetKey) => readonly Recipe[];
  readonly recipeSet: Digest;
  /** Items whose remembered result must not be used. */
  readonly remake: (item: ItemRow) => boolean;
  /** Items that are tried although their content is known to fail: a person asked. */
  readonly insist: (item: ItemRow) => boolean;
}

export async function thawPlan(night: Night, run: RunId, recipes: ReadonlyMap<string, ReadyRecipe>): Promise<Thawed> {
  const totals = night.state.run(run)?.plan;
  if (!totals) throw new Error(`run ${run} has no plan to read`);
  const live = await liveEntries(night, totals.base, night.state.changes(run));
  const ours = new Set(night.state.items(run).map((row) => row.id));
  const lost = [...(await lostItems(night, live))].filter((item) => ours.has(item));
  return {
    base: totals.base,
    entries: withoutItems(live, new Set(lost)),
    recipesFor: matcher(recipes),
    recipeSet: totals.recipeSet,
    remake: (item) => item.because === askedAgain,
    insist: (item) => item.because === askedAgain || item.because === retriedByHand,
  };
}

export function matcher(recipes: ReadonlyMap<string, ReadyRecipe>): (key: AssetKey) => readonly Recipe[] {
  return compileMatch([...recipes.values()].map(({ recipe }) => recipe));
}

async function liveEntries(
  night: Pick<Night, 'origin'>,
  base: SnapshotId | undefined,
  changes: readonly { readonly key: AssetKey }[],
): Promise<ReadonlyMap<AssetKey, Entry>> {
  if (base === undefined || changes.length === 0) return new Map();
  return await lookup(
    liveLoader(night.origin),
    base,
    changes.map((change) => change.key),
  );
}

/** Live items whose blobs are gone, among assets looked at anyway (`verify` makes a run look at those it found bad). */
async function lostItems(
  night: Pick<Night, 'origin'>,
  live: ReadonlyMap<AssetKey, Entry>,
): Promise<ReadonlySet<ItemId>> {
  const items = [...live.values()].flatMap(({ key, items: made }) =>
    Object.entries(made).map(([recipe, { derivatives }]) => ({ id: itemId(recipe, key), derivatives })),
  );
  const lost = await notHeld(night.origin, items, ({ derivatives }) => derivatives);
  return new Set(lost.map(({ id }) => id));
}

/** A lost item has nothing that could be carried forward: a snapshot that named it would not be whole. */
function withoutItems(live: ReadonlyMap<AssetKey, Entry>, lost: ReadonlySet<ItemId>): ReadonlyMap<AssetKey, Entry> {
  if (lost.size === 0) return live;
  const whole = ({ key, items }: Entry) => Object.entries(items).filter(([recipe]) => !lost.has(itemId(recipe, key)));
  return new Map([...live].map(([key, entry]) => [key, { ...entry, items: Object.fromEntries(whole(entry)) }]));
}

/** Everything that is or stays public: what is listed, and what lies below folders that could not be listed. */
function* presentKeys(inventory: Inventory, comparison: Comparison): Generator<AssetKey> {
  for (const { key } of inventory.assets) yield key;
  for (const { key, kind, asset } of comparison.changes) if (kind === 'unreadable' && !asset) yield key;
}

interface TotalsInput {
  readonly base: SnapshotId | undefined;
  readonly recipes: ReadonlyMap<string, ReadyRecipe>;
  readonly set: Digest;
  readonly findings: readonly Finding[];
}

function totalsOf(plan: Plan, { base, recipes, set, findings }: TotalsInput): PlanTotals {
  return {
    base,
    tools: Object.assign({}, ...[...recipes.values()].map((recipe) => recipe.tools)),
    recipeSet: set,
    assets: plan.assets,
    unchangedItems: plan.unchangedItems,
    predictedSeconds: plan.predictedSeconds,
    findings,
  };
}

function once(make: () => ReadonlyMap<ItemId, Finding>): () => ReadonlyMap<ItemId, Finding> {
  let made: ReadonlyMap<ItemId, Finding> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
