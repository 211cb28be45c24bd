import { Fault } from '../domain/faults.js';
import { groupOf } from '../domain/groups.js';
import type { Result } from '../domain/result.js';
import type { AssetKey } from '../domain/types.js';
import { withheldBy } from '../domain/withdraw.js';
import type { RunRow } from '../state/contract.js';
import { type Base, meetOrigin } from './base.js';
import { bear } from './bear.js';
import { fenceOpenSwap } from './fence.js';
import { refuseUnfitStore } from './fitness.js';
import { begin, jobDigest, reapDeadWorkers } from './lifecycle.js';
import type { Night } from './night.js';
import { matcher } from './plan.js';
import { readyRecipes } from './recipes.js';
import { chooseItems } from './retry-choice.js';
import { planRetry } from './retry-plan.js';
import { finishRun } from './run.js';
import { endTakedowns } from './withdraw.js';

/** What to do again. Partitions and items add up; `failed` leaves of them only those without fresh output. */
export interface RetryRequest {
  /** The default when neither partitions nor items are named. */
  readonly failed?: boolean;
  /** Partition ids or prefixes of them. */
  readonly partitions?: readonly string[];
  readonly items?: (key: AssetKey) => boolean;
  /** Make again whatever is remembered. */
  readonly remake?: boolean;
  /** See `RunRequest`. */
  readonly waitMs?: number;
}

/**
 * Chosen items again, as a new run in the last run's window: their assets are listed and hashed afresh, all else comes
 * from the last run's plan. A person asked, so what is known to fail is tried, and there is no deadline.
 *
 * When the last run was not published, all that it finished comes along, so that a retry can complete the night. When it
 * was, only what is still missing comes along: the retry's outcome must not call a snapshot complete that is not.
 */
export async function retryNight(given: Night, request: RetryRequest): Promise<Result> {
  return await bear(given, undefined, (night, startedAt) => anyRetry(night, request, startedAt));
}

async function anyRetry(night: Night, request: RetryRequest, startedAt: number): Promise<Result> {
  await reapDeadWorkers(night);
  await fenceOpenSwap(night);
  const base = await endTakedowns(night, await meetOrigin(night, false));
  const last = lastRun(night);
  const published = isPublished(last, base);
  if (!published) refuseUnlessWhole(night, last, base);
  const recipes = await readyRecipes(night);
  const chosen = chooseItems(night.state, {
    last,
    request,
    recipesFor: matcher(recipes),
    groupOf: groupOf(night.job.groupBy),
  });
  const { frozen, todo } = await planRetry(night, {
    base: base.snapshot,
    withheld: withheldBy(base.head),
    last,
    published,
    recipes,
    chosen,
    remake: request.remake ?? false,
  });
  const { window, scheduled } = last;
  const decision = {
    kind: 'run',
    window,
    scheduled,
    missed: [],
    because: 'retried by hand',
  } as const;
  await refuseUnfitStore(night, base.head);
  const run = begin(night, { decision, digest: jobDigest(night.job, recipes), verb: 'retry' });
  night.state.freezePlan(run.id, frozen);
  const { totals, partitions } = frozen;
  const { unchangedItems: unchanged, predictedSeconds } = totals;
  night.emit({ type: 'planned', items: todo, unchanged, partitions: partitions.length, predictedSeconds });
  return await finishRun(night, {
    run: { ...run, phase: 'planned', plan: totals },
    base,
    recipes,
    startedAt,
    waitMs: request.waitMs,
  });
}

function lastRun(night: Night): RunRow {
  const open = night.state.openRun();
  if (open) {
    throw new Fault('usage', `run ${open.id} is not finished: expected it to end before items are retried`, {
      hint: 'nightpress run {job}',
    });
  }
  const last = night.state.runs(50).find((run) => run.plan !== undefined && run.outcome !== 'superseded');
  if (!last)
    throw new Fault('usage', `no run of '${night.job.name}' is remembered here: nothing to retry`, {
      hint: 'nightpress run {job}',
    });
  return last;
}

/** By itself, or because a person published what it had staged. */
function isPublished(last: RunRow, { head, landedRun }: Base): boolean {
  const settled = last.outcome === 'published' || last.outcome === 'unchanged' || last.outcome === 'incomplete';
  return settled || landedRun === last.id || head?.channels.live?.run === last.id;
}

/** Only a plan that was worked to its end, on what is live now, can be completed; else the window is run again. */
function refuseUnlessWhole(night: Night, last: RunRow, base: Base): void {
  const open = night.state.items(last.id).filter((row) => row.disposition === undefined).length;
  const hint = { hint: 'nightpress run {job}' };
  if (open > 0)
    throw new Fault(
      'usage',
      `run ${last.id} ${last.outcome} before ${open} of its items had ended: expected it to be run again`,
      hint,
    );
  if (last.plan?.base === base.snapshot) return;
  throw new Fault(
    'usage',
    `run ${last.id} was not published, and another snapshot went live since: expected it to be run again`,
    hint,
  );
}
