import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Decision } from '../domain/choose-window.js';
import { digestOf } from '../domain/digest.js';
import { recipeSetDigest } from '../domain/fingerprint.js';
import type { Digest, Job } from '../domain/types.js';
import type { RunPhase, RunRow, RunVerb } from '../state/contract.js';
import { logFileOf, type Night, newRunId, type ReadyRecipe } from './night.js';

/** Everything that decides about the work: when it changes, an open run's plan is no longer the right one. */
export function jobDigest(job: Job, recipes: ReadonlyMap<string, ReadyRecipe>): Digest {
  return digestOf({ source: job.source, origin: job.origin, recipes: recipeSet(recipes) });
}

export function recipeSet(recipes: ReadonlyMap<string, ReadyRecipe>): Digest {
  return recipeSetDigest(recipes.values());
}

export interface BeginInput {
  readonly decision: Exclude<Decision, { kind: 'nothing' }>;
  readonly digest: Digest;
  readonly verb: RunVerb;
  readonly random?: () => number;
}

/** Opens a run, or takes up the open one: what a dead or stopped attempt had claimed is to do again. */
export function begin(night: Night, input: BeginInput): RunRow {
  const { decision } = input;
  const open = night.state.openRun();
  if (decision.kind === 'resume' && open) {
    night.state.releaseClaims(open.id);
    night.emit({ type: 'run', run: open.id, window: open.window, resumed: true, because: decision.because });
    if (open.plan) tellWhatIsLeft(night, open);
    return open;
  }
  if (open) supersede(night, open);
  const startedAt = night.clock();
  const id = newRunId(startedAt, input.random ?? Math.random);
  night.emit({ type: 'run', run: id, window: decision.window, resumed: false, because: decision.because });
  const run = {
    id,
    window: decision.window,
    scheduled: decision.kind === 'run' ? decision.scheduled : true,
    verb: input.verb,
    startedAt,
    jobDigest: input.digest,
    log: logFileOf(night.folder, id),
  };
  night.state.beginRun(run);
  night.emit({ type: 'phase', phase: 'scanning' });
  return { ...run, phase: 'scanning' };
}

function tellWhatIsLeft(night: Night, { id }: RunRow): void {
  const { todo, claimed, ended: byDisposition, remainingSeconds: predictedSeconds } = night.state.progress(id);
  const ended = Object.values(byDisposition).reduce((sum, n) => sum + n, 0);
  night.emit({ type: 'resumed', items: todo + claimed, ended, predictedSeconds });
}

function supersede(night: Night, open: RunRow): void {
  night.state.endRun(open.id, {
    outcome: 'superseded',
    endedAt: night.clock(),
    result: { type: 'superseded', run: open.id },
  });
}

export function enter(night: Night, run: RunRow, phase: RunPhase): void {
  if (night.state.run(run.id)?.phase === phase) return;
  night.state.advance(run.id, phase);
  night.emit({ type: 'phase', phase });
}

/** Workers that outlived a killed coordinator, if any did; then nothing of the dead run can write any more. */
export async function reapDeadWorkers(night: Night): Promise<void> {
  const groups = night.state.groups();
  for (const group of await night.executors.reap(groups)) night.emit({ type: 'reaped', pgid: group.pgid });
  for (const group of groups) night.state.forgetGroup(group.pgid);
}

/** Staged inputs and outputs on their way: nothing there is worth keeping once no worker runs. */
export async function clearWorkplace(folder: string): Promise<void> {
  for (const name of ['staging', 'outbox']) await rm(path.join(folder, name), { recursive: true, force: true });
}

/** Enough to look back a month of nights, whatever is kept for rollback. */
const runsRemembered = 30;

/** Forgets runs that nobody will ask about, with their logs. */
export async function forgetOldRuns(night: Night): Promise<void> {
  night.state.prune(Math.max(night.job.keep.last, runsRemembered));
  const remembered = new Set(night.state.runs(Number.MAX_SAFE_INTEGER).map((run) => path.basename(run.log)));
  const folder = path.join(night.folder, 'runs');
  const logs = await readdir(folder).catch(() => []); // no folder: a run without a log file, as in tests
  for (const log of logs.filter((name) => /^\d{8}T.*\.jsonl$/.test(name) && !remembered.has(name)))
    await rm(path.join(folder, log), { force: true });
}
