import { Acceptances } from '../domain/acceptance.js';
import { CostModel } from '../domain/cost.js';
import type { EdgeRecord } from '../domain/edges.js';
import { Fault } from '../domain/faults.js';
import type { Head } from '../domain/head.js';
import type { Result } from '../domain/result.js';
import type { Digest, Finding, Outcome } from '../domain/types.js';
import type { RunRow } from '../state/contract.js';
import { approvedFindings, type Judged } from './judge.js';
import type { Night } from './night.js';
import { isStoppedAway } from './outage.js';
import type { Published } from './publish.js';
import { isAccepted, isMissing, type ReportInput, report } from './report.js';
import type { OpenNight } from './run.js';
import { salvageFindings } from './salvage.js';
import { settle } from './settle.js';
import type { DeadlineHold } from './shed.js';
import type { Validated } from './validate.js';

type Holds = NonNullable<Result['held']>;

export interface Ending {
  readonly validated: Validated;
  readonly published: Published;
  readonly judged: Judged;
  readonly edges: readonly EdgeRecord[];
  /** The plan's. */
  readonly recipeSet: Digest;
  readonly entries: ReportInput['entries'];
}

/** The head is settled: the state follows, and the run gets its outcome. A crash before this is told apart by the swap. */
export function endPublished(
  night: Night,
  open: OpenNight,
  { validated, published, judged, edges, recipeSet, entries }: Ending,
): Result {
  const { run } = open;
  settle(night, {
    run: run.id,
    recipeSet,
    head: published.head,
    live: published.kind !== 'staged',
    snapshot: published.settledOn,
    yielded: published.yielded,
  });
  const swap = night.state.openSwap();
  if (swap) night.state.endSwap(swap.txn);
  const held = published.kind === 'staged' ? heldBy(published.rules, judged.holds) : [];
  if (held.length > 0) {
    night.emit({ type: 'held', rules: held.map(({ rule }) => rule), messages: held.map(({ message }) => message) });
  }
  const result = report(night, {
    ...open,
    outcome: outcomeOf(night, open, published, validated.findings),
    snapshot: published.snapshot,
    head: published.head,
    findings: [...validated.findings, ...approvedFindings(judged.approved), ...salvageFindings(open.base)],
    held,
    entries,
    edges,
    ages: published.kind === 'live' ? agesOf(night, published.head, validated) : [],
  });
  return end(night, run, result);
}

/** Until the head moved: how long edges were waited for is another matter. */
function agesOf(night: Night, head: Head | undefined, { freshSince }: Validated): readonly number[] {
  const liveAt = head?.channels.live ? Date.parse(head.channels.live.at) : night.clock();
  return freshSince.map((at) => Math.max(0, liveAt - at));
}

function heldBy(rules: readonly string[], verdict: Holds): Holds {
  const frozen = {
    rule: 'frozen',
    message: 'the live snapshot is frozen by a rollback: new snapshots wait until it is unfrozen',
  };
  return rules.includes('frozen') ? [...verdict, frozen] : verdict;
}

function outcomeOf(
  night: Night,
  { run, base }: OpenNight,
  published: Published,
  validation: readonly Finding[],
): Outcome {
  if (published.kind === 'staged') return 'held';
  const acceptances = new Acceptances(night.state.accepted(), night.clock());
  const strays = (night.state.run(run.id)?.plan?.findings ?? []).map((finding) => acceptances.tell({ finding }));
  const findings = [...strays, ...validation];
  const missing = night.state.items(run.id).some((row) => isMissing(row.disposition) && !isAccepted(acceptances, row));
  if (missing || findings.some((finding) => finding.severity === 'error')) return 'incomplete';
  const ours = published.kind === 'live' || base.landedRun === run.id || isLiveBy(published.head, run);
  return ours ? 'published' : 'unchanged';
}

/** True when an earlier attempt of this very run moved the head and died before it could say so. */
function isLiveBy(head: Head | undefined, run: RunRow): boolean {
  return head?.channels.live?.run === run.id;
}

/** What is live stays as it is; what was learned of the sources is kept, and what was made is found by fingerprint. */
export function endHeldByDeadline(
  night: Night,
  open: OpenNight,
  { held, import: nights, recipeSet }: DeadlineHold & { readonly recipeSet: Digest },
): Result {
  const { head, snapshot } = open.base;
  settle(night, { run: open.run.id, recipeSet, head, live: false, snapshot, yielded: new Set() });
  night.emit({ type: 'held', rules: held.map(({ rule }) => rule), messages: held.map(({ message }) => message) });
  return end(night, open.run, report(night, { ...open, outcome: 'held', head, held, import: nights }));
}

export function endInterrupted(night: Night, open: OpenNight): Result {
  return end(
    night,
    open.run,
    report(night, { ...open, outcome: 'interrupted', head: open.base.head, signal: night.stop.signal?.() }),
  );
}

/**
 * Storage, origin or executor failed. What was checkpointed stays; the next run finds it by fingerprint. When even the
 * state cannot be written the run stays open, and the next one resumes it.
 */
export async function endInFault(night: Night, open: OpenNight, error: unknown): Promise<Result> {
  if (!(error instanceof Fault)) throw error;
  const isOpen = night.state.openSwap()?.run === open.run.id; // it landed or may land: whatever came then, that is the news
  if (isStoppedAway(night, error) && !isOpen) return endInterrupted(night, open);
  const head = (await night.origin.readHead().catch(() => undefined))?.head ?? open.base.head;
  const wentLive = isLiveBy(head, open.run) && head?.seq !== open.base.head?.seq;
  const fault = wentLive || (isOpen && error.passes) ? afterTheSwap(error, wentLive) : error;
  const outcome = fault.code === 'swap-unknown' ? 'unknown' : 'failed';
  const result = report(night, { ...open, outcome, head, fault });
  try {
    return end(night, open.run, result);
  } catch {
    return result; // the fault itself is the news; an outcome that cannot be written is found missing by the next run
  }
}

function afterTheSwap(cause: Fault, wentLive: boolean): Fault {
  const what = wentLive ? 'the snapshot is live' : 'the snapshot may be live';
  return new Fault('swap-unknown', `${what}, but the run could not be ended: ${cause.message}`, { cause });
}

function end(night: Night, run: RunRow, result: Result): Result {
  if (result.outcome !== 'interrupted') learnCosts(night, run);
  night.state.endRun(run.id, {
    outcome: result.outcome,
    endedAt: night.clock(),
    snapshot: result.snapshot ?? undefined,
    result,
  });
  night.emit({ type: 'ended', outcome: result.outcome });
  return result;
}

/** Of a run that goes on, the whole is learned when it ends. */
function learnCosts({ state, job, recipeKinds }: Night, run: RunRow): void {
  const priced = job.recipes.flatMap((recipe) => {
    const kind = recipeKinds[recipe.kind];
    return kind ? [[recipe.name, { recipe, kind }] as const] : [];
  });
  state.learnCosts(new CostModel(state.costs()).learn(state.finishedWork(run.id), new Map(priced)));
}
