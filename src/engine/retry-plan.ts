import { reuseSeconds } from '../domain/cost.js';
import { askedAgain, retriedByHand } from '../domain/decide.js';
import { itemId } from '../domain/digest.js';
import { type Change, type Comparison, changeOf } from '../domain/inventory.js';
import { balance } from '../domain/partitions.js';
import { priorityOf } from '../domain/priority.js';
import type { AssetKey, Finding, ListedAsset, SnapshotId } from '../domain/types.js';
import type { Withheld } from '../domain/withdraw.js';
import type { FrozenPlan, ItemRow, KnownAsset, NewItem, PlanTotals, RunRow } from '../state/contract.js';
import { recipeSet } from './lifecycle.js';
import type { Night, ReadyRecipe } from './night.js';
import { matcher, planChanges } from './plan.js';
import { isMissing } from './report.js';
import type { Chosen } from './retry-choice.js';

export interface RetryInput {
  readonly base: SnapshotId | undefined;
  readonly withheld: Withheld;
  readonly last: RunRow;
  readonly published: boolean;
  readonly recipes: ReadonlyMap<string, ReadyRecipe>;
  readonly chosen: Chosen;
  readonly remake: boolean;
}

/**
 * A retry's plan: assets of the chosen items as the source has them now, by the rules of every plan, and beside them the
 * items of the last run that come along as they ended. An asset is planned whole: were it replaced meanwhile, one recipe
 * with the new content and another with the old would tell two stories of it.
 */
export async function planRetry(
  night: Night,
  input: RetryInput,
): Promise<{ readonly frozen: FrozenPlan; readonly todo: number }> {
  const { last, published, chosen, recipes } = input;
  if (!last.plan) throw new Error(`run ${last.id} has no plan`);
  const rows = night.state.items(last.id);
  const others = rows.filter((row) => !chosen.keys.has(row.key));
  const kept = published ? others.filter((row) => isMissing(row.disposition)) : others;
  const changesKept = published ? [] : night.state.changes(last.id).filter((change) => !chosen.keys.has(change.key));
  const comparison = await lookAgain(night, input);
  const known = night.state.listings(recipeSet(recipes));
  const { plan, frozen } = await planChanges(night, {
    comparison,
    known,
    base: input.base,
    recipes,
    withheld: input.withheld,
    present: () =>
      new Set([...known.keys(), ...comparison.changes.map((change) => change.key), ...changesKept.flatMap(present)]),
    findings: last.plan.findings,
    insist: (recipe, key) =>
      chosen.items.has(itemId(recipe, key)) ? (input.remake ? askedAgain : retriedByHand) : undefined,
  });
  const items = inPartitions(night, [...plan.items, ...kept.map(asItEnded)]);
  const all = last.plan.unchangedItems + rows.length;
  return {
    todo: plan.items.filter((item) => item.disposition === undefined).length,
    frozen: {
      ...items,
      changes: [...frozen.changes, ...changesKept],
      totals: {
        ...frozen.totals,
        assets: published ? countAssets(last.plan, comparison) : last.plan.assets,
        unchangedItems: Math.max(0, all - items.items.length),
      },
    },
  };
}

/** The chosen assets as the source lists them now; each is looked at, changed or not. */
async function lookAgain(night: Night, { chosen, recipes }: RetryInput): Promise<Comparison> {
  const recipesFor = matcher(recipes);
  const changes: Change[] = [];
  for (const key of [...chosen.keys].sort()) {
    const known = night.state.asset(key);
    const asset = (await night.source.list(key)) ?? vanished(key, known);
    changes.push(changeOf(asset, known, recipesFor(key).length));
  }
  return { changes, unchanged: 0, unchangedItems: 0, unmatched: 0, total: changes.length };
}

/** A retry removes nothing: whether an asset is really gone is for a scan to say, with the gate's rule for a shrunken source. */
function vanished(key: AssetKey, known: KnownAsset | undefined): ListedAsset {
  const problem: Finding = {
    code: 'vanished',
    severity: 'error',
    class: 'transient',
    key,
    message: 'is no longer in the source: the next run removes it',
  };
  return { key, bytes: known?.bytes ?? 0, modifiedAt: known?.modifiedAt ?? 0, listing: '', settled: false, problem };
}

function present({ key, kind }: { readonly key: AssetKey; readonly kind: string }): readonly AssetKey[] {
  return kind === 'removed' ? [] : [key];
}

/**
 * What was made comes along in partitions too: should its blobs turn out to be lost, it is to do again like any other.
 */
function inPartitions(night: Night, items: readonly NewItem[]): Pick<FrozenPlan, 'items' | 'partitions'> {
  const priority = priorityOf(night.job);
  const working = items.filter(({ disposition }) => !isMissing(disposition) && disposition !== 'withheld');
  const partitions = balance(
    working.map((item) => ({ id: item.id, seconds: item.predictedSeconds, priority: priority(item) })),
    { workers: night.workers },
  );
  const partitionOf = new Map(
    partitions.flatMap((partition) => partition.items.map((item) => [item, partition.id] as const)),
  );
  return {
    items: items.map((item) => ({ ...item, partition: partitionOf.get(item.id) })),
    partitions: partitions.map((partition) => ({ ...partition, items: partition.items.length })),
  };
}

function asItEnded(row: ItemRow): NewItem {
  const { id, key, recipe, because, disposition, finding, fingerprint, sha256, staged } = row;
  return {
    id,
    key,
    recipe,
    because,
    predictedSeconds: reuseSeconds(staged?.bytes ?? 0),
    disposition,
    finding,
    fingerprint,
    sha256,
    staged,
  };
}

/** Against what is live now, all but the chosen assets are unchanged. */
function countAssets({ assets }: PlanTotals, { changes }: Comparison): PlanTotals['assets'] {
  const count = (kind: Change['kind']) => changes.filter((change) => change.kind === kind).length;
  const [added, changed] = [count('added'), count('changed')];
  const { total, unmatched } = assets;
  return { total, added, changed, unchanged: total - added - changed - count('unreadable'), removed: 0, unmatched };
}
