import { deadlineOf, liveFrom } from '../domain/deadline.js';
import { Fault, isStorageFailure } from '../domain/faults.js';
import { updateManifest } from '../domain/manifest-update.js';
import type { Result } from '../domain/result.js';
import { withheldBy } from '../domain/withdraw.js';
import type { RunRow } from '../state/contract.js';
import { type Base, liveLoader, lookAtLive, meetOrigin } from './base.js';
import { bear } from './bear.js';
import { collectDropped } from './collect.js';
import { decide, decideFor, patienceOf, type RunRequest, whatChanged } from './deciding.js';
import { tellEdges } from './edges.js';
import { endHeldByDeadline, endInFault, endInterrupted, endPublished } from './ending.js';
import { mendAndTell } from './entrances.js';
import { fenceOpenSwap } from './fence.js';
import { refuseUnfitStore } from './fitness.js';
import { judgeNight } from './judge.js';
import { begin, enter, forgetOldRuns, jobDigest, reapDeadWorkers } from './lifecycle.js';
import type { Night, ReadyRecipe } from './night.js';
import { freezePlan, type Thawed, thawPlan } from './plan.js';
import { publish } from './publish.js';
import { readyRecipes } from './recipes.js';
import { type IdleInput, nothingToDo } from './report.js';
import { salvage } from './salvage.js';
import { scan } from './scan.js';
import { type DeadlineHold, deadlineHold, shed } from './shed.js';
import { type Validated, validate } from './validate.js';
import { waitForClose } from './wait.js';
import { endTakedowns } from './withdraw.js';
import { work } from './work.js';

/**
 * The night: scan, plan, work, validate, publish.
 *
 * Safe to call any number of times: it picks the window, resumes what a dead or stopped run left, or finds nothing to
 * do. Trouble before there is a run is thrown as `Fault`; from then on every way it can end is in the result.
 */
export async function runNight(given: Night, request: RunRequest = {}): Promise<Result> {
  return await bear(given, patienceOf(given, request), (night, startedAt) => anyNight(night, request, startedAt));
}

async function anyNight(night: Night, request: RunRequest, startedAt: number): Promise<Result> {
  await reapDeadWorkers(night);
  await fenceOpenSwap(night);
  const adopt = request.adopt ?? false;
  const base = await endTakedowns(night, await salvage(night, await meetOrigin(night, adopt), adopt));
  if (night.origin.freeLooks) await lookAtLive(night.origin, base);
  const settled = night.state.openRun() ? undefined : decideFor(night, request, base);
  const { waitMs } = request;
  const idle = { head: base.head, startedAt, waitMs };
  if (settled?.kind === 'nothing') return await endIdle(night, { ...idle, decision: settled });
  const recipes = await readyRecipes(night); // starts tools, so only when there is something to do
  const decision = settled ?? decide(night, request, whatChanged(night, recipes, base));
  if (decision.kind === 'nothing') return await endIdle(night, { ...idle, decision });
  await refuseUnfitStore(night, base.head);
  const run = begin(night, {
    decision,
    digest: jobDigest(night.job, recipes),
    verb: request.rerun ? 'rerun' : 'run',
    random: request.random,
  });
  const deadline = deadlineOf(run.window, night.clock(), request.deadline);
  return await finishRun(night, {
    run,
    base,
    recipes,
    startedAt,
    deadline,
    allowPartial: request.allowPartial,
    waitMs,
  });
}

/** Nothing to do, unless readers do not see what is live, or an edge was never told of it. */
async function endIdle(night: Night, idle: Omit<IdleInput, 'edges'>): Promise<Result> {
  await mendAndTell(night);
  return nothingToDo(night, { ...idle, edges: await tellEdges(night, idle.head, idle.waitMs) });
}

export interface OpenNight {
  readonly run: RunRow;
  readonly base: Base;
  readonly recipes: ReadonlyMap<string, ReadyRecipe>;
  readonly startedAt: number;
  /** When no more work is begun; undefined: never. */
  readonly deadline?: number;
  readonly allowPartial?: boolean;
  readonly waitMs?: number;
}

/** Takes an open run from wherever it stands to its one outcome. */
export async function finishRun(night: Night, open: OpenNight): Promise<Result> {
  try {
    return await nightWork(night, open);
  } catch (error) {
    return await endInFault(night, open, error);
  }
}

async function nightWork(night: Night, open: OpenNight): Promise<Result> {
  const { run, base, recipes } = open;
  if (!run.plan) {
    const inventory = await scan(night);
    await freezePlan(night, run.id, {
      inventory,
      base: base.snapshot,
      recipes,
      withheld: withheldBy(base.head),
    });
  }
  const plan = await thawPlan(night, run.id, recipes);
  const whole = await workUntilWhole(night, open, plan);
  const validated = whole && (await whenDue(night, open, plan, whole));
  if (!validated || night.stop.asked.aborted) return endInterrupted(night, open);
  const hold = deadlineHolds(night, open, plan);
  if (hold) return endHeldByDeadline(night, open, { ...hold, recipeSet: plan.recipeSet });
  enter(night, run, 'publishing');
  const judged = await judgeNight(night, { run, base: plan.base, entries: plan.entries, validated });
  const published = await publish(night, {
    run: run.id,
    window: run.window,
    base: plan.base,
    head: base.head,
    damaged: base.damaged,
    updates: validated.updates,
    stagedListing: validated.stagedListing,
    holds: judged.holds.map((hold) => hold.rule),
    reason: judged.approved.map(({ rule, reason }) => `${rule}: ${reason}`).join('; ') || undefined,
  });
  const edges = await tellEdges(night, published.head, open.waitMs);
  const { recipeSet, entries } = plan;
  const result = endPublished(night, open, { validated, published, judged, edges, recipeSet, entries });
  await tidy(night, published.kind === 'live' || published.yielded.size > 0);
  return result;
}

/** The night has its outcome. What cannot be tidied now costs disk, never correctness, and the next night tries again. */
async function tidy(night: Night, moved: boolean): Promise<void> {
  try {
    if (moved) await collectDropped(night);
    await night.origin.partialUploads?.abandon();
    await forgetOldRuns(night);
  } catch (error) {
    if (!(error instanceof Fault) && !isStorageFailure(error)) throw error;
    const message = error instanceof Error ? error.message : String(error);
    night.emit({ type: 'finding', finding: { code: 'not-tidied', severity: 'notice', message } });
  }
}

/** Works and validates until every blob that a checkpoint names is really there. Undefined: stopped by a signal. */
async function workUntilWhole(night: Night, open: OpenNight, plan: Thawed): Promise<Validated | undefined> {
  const { id } = open.run;
  for (let round = 1; ; round++) {
    enter(night, open.run, 'working');
    const { recipes, deadline } = open;
    const { entries: base, remake, insist } = plan;
    const withheld = withheldBy(open.base.head);
    const worked = await work(night, { run: id, recipes, base, remake, insist, withheld, deadline });
    if (worked === 'stopped') return undefined;
    if (worked === 'late') shed(night, id, plan);
    enter(night, open.run, 'validating');
    const validated = await validate(night, {
      run: id,
      base: plan.entries,
      recipesFor: plan.recipesFor,
      withheld,
      readable: (live) => (live === open.base.damaged ? plan.base : live),
    });
    if (validated.lost.length === 0) return validated;
    if (round === 3)
      throw new Fault('origin-corrupt', `${validated.lost.length} items lost their blobs again after being made again`);
    night.state.forgetMade(validated.lostFingerprints);
    night.state.reopen(id, validated.lost);
  }
}

/**
 * What may go live now: with `publish.at: 'close'` not before the window closes, and then all is looked at once more,
 * because blobs may have been lost meanwhile. Nobody waits for a snapshot that is not shown anyway. Undefined: stopped by
 * a signal; everything made is kept, and the next run waits on or, after the close, publishes.
 */
async function whenDue(
  night: Night,
  open: OpenNight,
  plan: Thawed,
  validated: Validated,
): Promise<Validated | undefined> {
  const until = liveFrom(night.job.publish, open.run, night.clock());
  if (until === undefined || night.stop.asked.aborted) return validated;
  const { root } = await updateManifest(liveLoader(night.origin), plan.base, validated.updates);
  const isNew = root !== plan.base || open.base.damaged !== undefined; // on what is left of a damaged one, it replaces that
  if (!isNew) return { ...validated, updates: new Map() }; // whatever others publish now, this run shows nothing
  if (deadlineHolds(night, open, plan)) return validated;
  const { base, entries } = plan;
  if ((await judgeNight(night, { run: open.run, base, entries, validated })).holds.length > 0) return validated;
  return (await waitForClose(night, open.run.id, until)) === 'stopped'
    ? undefined
    : await workUntilWhole(night, open, plan);
}

function deadlineHolds(night: Night, open: OpenNight, plan: Thawed): DeadlineHold | undefined {
  const isImport = plan.base === undefined;
  return deadlineHold(night, open.run, { isImport, allowPartial: open.allowPartial ?? false });
}
