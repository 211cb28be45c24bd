import { predictSeconds } from '../domain/cost.js';
import { askedAgain } from '../domain/decide.js';
import { Fault } from '../domain/faults.js';
import { compileGlobs, compileMatch } from '../domain/match.js';
import { balance } from '../domain/partitions.js';
import type { Result } from '../domain/result.js';
import type { AssetKey, Digest, ItemId } from '../domain/types.js';
import type { ChangeRow, FrozenPlan, ItemRow, Mark, NewItem, RunRow } from '../state/contract.js';
import { type Base, meetOrigin } from './base.js';
import { begin, jobDigest, reapDeadWorkers, recipeSet } from './lifecycle.js';
import type { Night, ReadyRecipe } from './night.js';
import { readyRecipes } from './recipes.js';
import { isMissing } from './report.js';
import { finishRun } from './run.js';

export interface RetryRequest {
  /** Items without fresh output; the default when nothing else is chosen. */
  readonly failed?: boolean;
  /** Partition ids or prefixes of them. */
  readonly partitions?: readonly string[];
  /** Globs over asset keys. */
  readonly items?: readonly string[];
  /** Make again whatever is remembered. */
  readonly remake?: boolean;
}

/**
 * Chosen items again, as a new run in the same window: their assets are listed and hashed afresh, all else comes from
 * the last run's plan. A person asked, so what was quarantined is tried, and there is no deadline.
 *
 * When the last run was not published, its finished items come along, so that a retry can complete the night.
 */
export async function retryNight(night: Night, request: RetryRequest): Promise<Result> {
  const startedAt = night.clock();
  await reapDeadWorkers(night);
  const base = await meetOrigin(night, false);
  const last = lastRun(night);
  const recipes = await readyRecipes(night);
  const rows = night.state.items(last.id);
  const chosen = choose(rows, request);
  if (chosen.length === 0) throw nothingChosen(night, last, request);
  const plan = await planRetry(night, { base, last, recipes, rows, chosen, remake: request.remake ?? false });
  const decision = { kind: 'run', window: last.window, supersedes: false, scheduled: last.scheduled, missed: [], because: 'retried by hand' } as const;
  const run = begin(night, { decision, digest: jobDigest(night.job, recipes), verb: 'retry' });
  night.state.releaseQuarantine(chosen.flatMap((row) => row.fingerprint ?? []));
  night.state.freezePlan(run.id, plan.frozen);
  night.state.commit(plan.kept.map((row) => endedAgain(run, row)));
  night.emit({
    type: 'planned',
    items: chosen.length,
    unchanged: plan.frozen.totals.unchangedItems,
    partitions: plan.frozen.partitions.length,
    predictedSeconds: plan.frozen.totals.predictedSeconds,
  });
  const planned = night.state.run(run.id) ?? run;
  return await finishRun(night, { run: planned, base, recipes, startedAt });
}

function lastRun(night: Night): RunRow {
  const open = night.state.openRun();
  if (open) {
    throw new Fault('usage', `run ${open.id} is not finished: expected it to end before items are retried`, { hint: 'nightpress run {job}' });
  }
  const last = night.state.runs(50).find((run) => run.plan !== undefined && run.outcome !== 'superseded');
  if (!last) throw new Fault('usage', `no run of '${night.job.name}' is remembered: nothing to retry`, { hint: 'nightpress run {job}' });
  return last;
}

function choose(rows: readonly ItemRow[], request: RetryRequest): readonly ItemRow[] {
  const { partitions = [], items = [] } = request;
  const named = partitions.length > 0 || items.length > 0;
  const wantsFailed = request.failed ?? !named;
  const matches = items.length > 0 ? compileGlobs(items) : () => false;
  return rows.filter(
    (row) =>
      (wantsFailed && isMissing(row.disposition)) ||
      partitions.some((prefix) => row.partition?.startsWith(prefix) === true) ||
      matches(row.key),
  );
}

function nothingChosen(night: Night, last: RunRow, request: RetryRequest): Fault {
  const known = night.state.partitions(last.id).map((partition) => partition.id);
  const unknown = (request.partitions ?? []).filter((prefix) => !known.some((id) => id.startsWith(prefix)));
  if (unknown.length > 0) {
    const some = known.slice(0, 8).join(', ') || 'none';
    return new Fault('usage', `run ${last.id} has no partition ${unknown.join(', ')}: expected one of ${some}`);
  }
  return new Fault('usage', `nothing to retry in run ${last.id}: no item is chosen`, { hint: 'nightpress status {job}' });
}

interface RetryInput {
  readonly base: Base;
  readonly last: RunRow;
  readonly recipes: ReadonlyMap<string, ReadyRecipe>;
  readonly rows: readonly ItemRow[];
  readonly chosen: readonly ItemRow[];
  readonly remake: boolean;
}

interface RetryPlan {
  readonly frozen: FrozenPlan;
  /** Items of the last run that come along as they ended. */
  readonly kept: readonly ItemRow[];
}

async function planRetry(night: Night, input: RetryInput): Promise<RetryPlan> {
  const { last, rows, chosen, recipes } = input;
  const before = last.plan;
  if (!before) throw new Error(`run ${last.id} has no plan`);
  const unpublished = last.outcome === 'held' || last.outcome === 'failed';
  const ids = new Set(chosen.map((row) => row.id));
  const keys = new Set(chosen.map((row) => row.key));
  const kept = rows.filter((row) => !ids.has(row.id) && row.disposition !== undefined && (unpublished || keys.has(row.key)));
  const changes = await listAgain(night, input, new Set([...keys, ...kept.map((row) => row.key)]), unpublished);
  const todo = chosen.map((row) => retried(row, input));
  const partitions = balance(todo.map((item) => ({ id: item.id, seconds: item.predictedSeconds })), { workers: night.workers });
  const partitionOf = new Map(partitions.flatMap(({ id, items }) => items.map((item): [ItemId, typeof id] => [item, id])));
  const items: NewItem[] = [...todo.map((item) => ({ ...item, partition: partitionOf.get(item.id) })), ...kept.map(asItWas)];
  return {
    kept,
    frozen: {
      changes,
      items,
      partitions: partitions.map(({ items: ofPartition, ...partition }) => ({ ...partition, items: ofPartition.length })),
      totals: {
        ...before,
        base: input.base.snapshot,
        recipeSet: recipeSet(recipes),
        unchangedItems: before.unchangedItems + rows.length - items.length,
        predictedSeconds: todo.reduce((sum, item) => sum + item.predictedSeconds, 0),
      },
    },
  };
}

/** What the last plan said of these assets; chosen ones with the listing they have now. */
async function listAgain(night: Night, input: RetryInput, keys: ReadonlySet<AssetKey>, all: boolean): Promise<readonly ChangeRow[]> {
  const chosen = new Set(input.chosen.map((row) => row.key));
  const recipesFor = compileMatch([...input.recipes.values()].map(({ recipe }) => recipe));
  const changes = night.state.changes(input.last.id).filter((change) => all || keys.has(change.key));
  return await Promise.all(
    changes.map(async (change): Promise<ChangeRow> => {
      if (!chosen.has(change.key)) return change;
      const asset = await night.source.list(change.key);
      const { sha256: _old, ...rest } = change;
      return { ...rest, kind: change.kind === 'unreadable' ? 'changed' : change.kind, asset: asset ?? change.asset, recipes: recipesFor(change.key).length };
    }),
  );
}

function retried(row: ItemRow, { recipes, remake }: RetryInput): NewItem {
  const facts = recipes.get(row.recipe);
  if (!facts) throw new Fault('usage', `recipe '${row.recipe}' is no longer in the job: run the window again`, { hint: 'nightpress run {job} --rerun' });
  const seconds = predictSeconds(facts.kind.priorSeconds(facts.recipe.settings, row.staged?.bytes ?? 0));
  const because = remake ? askedAgain : 'retried by hand';
  return { id: row.id, key: row.key, recipe: row.recipe, because, predictedSeconds: seconds };
}

function asItWas(row: ItemRow): NewItem {
  const { id, key, recipe, because, disposition, finding, fingerprint } = row;
  return { id, key, recipe, because, predictedSeconds: 0, disposition, finding, fingerprint };
}

/** The plan holds no staged facts of an ended item; the checkpoint does. */
function endedAgain(run: RunRow, row: ItemRow): Mark {
  const { id, disposition = 'failed', endedAt = run.startedAt, sha256, staged, fingerprint, finding } = row;
  return { kind: 'ended', run: run.id, item: id, disposition, at: endedAt, sha256, staged, fingerprint: fingerprint as Digest, finding };
}
