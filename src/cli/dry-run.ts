import path from 'node:path';
import type { Hold } from '../domain/gate.js';
import { noRun } from '../domain/result.js';
import type { Inventory, Job } from '../domain/types.js';
import type { Emit, NightEvent } from '../engine/events.js';
import { forecastGate } from '../engine/forecast.js';
import { knownBad } from '../engine/known-bad.js';
import { previewNight } from '../engine/preview.js';
import { type Rehearsal, rehearse } from '../engine/rehearse.js';
import { isMissing } from '../engine/report.js';
import { sampleSource } from '../engine/sample-source.js';
import { defaultWorkers } from '../executors/processes/capacity.js';
import type { Source } from '../sources/contract.js';
import { openScratchState } from '../state/open.js';
import { jobFolder, openNight, openOrigin, openSource } from './compose.js';
import { type Chosen, chooseAssets } from './dry-run-choice.js';
import { type DryRunWish, isFailing } from './dry-run-options.js';
import { makePlace, type Place } from './dry-run-place.js';
import { annotate, appendSummary, fenced } from './github.js';
import { listen } from './listen.js';
import { countOption, durationOption } from './options.js';
import { type DryRunRecord, dryRunMarkdown, renderDryRun } from './render/dry-run.js';
import { renderExcerpts } from './render/excerpts.js';
import type { RunCall } from './run-call.js';
import { toldInOneRecord } from './run-early.js';
import { neverStop, stopOnSignals } from './stop.js';

/**
 * Really processes chosen assets of a job, and publishes them nowhere but into a folder of their own: the same code as at
 * night, over a source that seems to hold only these, a state in memory and a fresh origin. Takes no lock.
 */
export async function dryRunOne(call: RunCall, name: string | undefined, wish: DryRunWish): Promise<number> {
  return await toldInOneRecord(call, name, async (job) => await dryRun(call, job, wish));
}

export async function dryRun(call: RunCall, job: Job, wish: DryRunWish): Promise<number> {
  const source = await openSource(job, call.context.clock, 'run');
  const inventory = withoutStrays(await source.scan(), wish);
  const chosen = chooseAssets(call, job, inventory, wish);
  const trial = { call, job, wish, source, inventory, chosen };
  return chosen.keys.size === 0 ? tell(trial, nothingChosen(trial)) : await tryOut(trial);
}

function withoutStrays(inventory: Inventory, { isTry }: DryRunWish): Inventory {
  return isTry ? { ...inventory, findings: inventory.findings.filter(({ key }) => key !== undefined) } : inventory;
}

interface Trial {
  readonly call: RunCall;
  readonly job: Job;
  readonly wish: DryRunWish;
  readonly source: Source;
  readonly inventory: Inventory;
  readonly chosen: Chosen;
}

async function tryOut(trial: Trial): Promise<number> {
  const { call, job, wish } = trial;
  const place = makePlace(job, call.project, wish.out && path.join(wish.out, wish.all ? job.name : ''));
  let keep = false;
  try {
    const rehearsal = await atPlace(trial, place);
    const record = await judged(trial, rehearsal, place);
    keep = record.dryRun.kept !== null;
    return tell(trial, record);
  } finally {
    if (!keep) place.remove();
  }
}

async function atPlace({ call, job, source, inventory, chosen }: Trial, place: Place): Promise<Rehearsal> {
  const { context, terminal, options } = call;
  const workers = workersOf(call);
  const graceMs = durationOption('--grace', options.grace);
  const folder = place.work;
  const { channel: _, ...onSite } = job; // what a channel would show is looked at as readers of the site see theirs
  const trialJob = { ...onSite, gate: letAllPass, origin: { type: 'directory', path: place.out, singleWriter: true } };
  const state = openScratchState(folder);
  const { emit, close } = listen({ context, terminal, options, folder, workers });
  const stop = stopOnSignals(graceMs, (signal) => emit({ type: 'stopping', signal, graceMs }));
  try {
    const night = await openNight({
      folder,
      state,
      workers,
      stop,
      emit: (event) => emitTruly(emit, event),
      job: trialJob,
      clock: context.clock,
      source: sampleSource(source, inventory, chosen.keys),
      origin: await openOrigin(trialJob, 'run'),
    });
    return await rehearse(night, inventory);
  } finally {
    stop.release();
    close();
    state.close();
  }
}

/** The head that moves is that of a folder for looking at, and no window was asked for: neither is news to anybody. Nor is anything published. */
function emitTruly(emit: Emit, event: NightEvent): void {
  if (event.type === 'head-ready' || event.type === 'head-moved') return;
  if (event.type === 'phase' && event.phase === 'publishing') return;
  emit(event.type === 'run' ? { ...event, because: 'dry run' } : event);
}

/** A part of the inventory says nothing about the whole, and what was made is to be looked at. */
const letAllPass: Job['gate'] = {
  tolerate: { count: Number.MAX_SAFE_INTEGER },
  shrink: { count: Number.MAX_SAFE_INTEGER },
};

function workersOf({ options }: RunCall): number {
  return options.workers === undefined ? defaultWorkers() : countOption('--workers', options.workers);
}

/** What was found, against what the job's own state knows already; both are only read. */
async function judged(trial: Trial, rehearsal: Rehearsal, place: Place): Promise<DryRunRecord> {
  const { call, job, wish, chosen } = trial;
  const { result, findings, items, measured } = rehearsal;
  const folder = jobFolder(call.project, job.name);
  const state = openScratchState(folder);
  try {
    const isKnown = knownBad(state, items);
    const errors = findings.filter(({ severity }) => severity === 'error');
    const fresh = errors.filter((finding) => !isKnown(finding));
    const holds = wish.failOn === 'gate' ? await forecast(trial, rehearsal, state) : [];
    const ended = result.outcome === 'published' || result.outcome === 'incomplete' || result.outcome === 'unchanged';
    const failing = isFailing(wish.failOn ?? 'new', { errors, fresh, holds });
    const kept = errors.length > 0 || result.fault !== undefined;
    const isMade = measured.recipes.some(({ formats }) => formats.length > 0);
    const stays = kept || (wish.isTry && wish.out === undefined && isMade);
    return {
      ...result,
      exit: ended ? Number(failing) : result.exit,
      live: null,
      findings,
      next: [`nightpress plan ${job.name} --explain`],
      log: kept ? result.log : null,
      dryRun: {
        chosen: chosen.counts,
        failOn: wish.failOn ?? 'new',
        errors: { total: errors.length, new: fresh.length },
        holds,
        look: isMade && (wish.out !== undefined || stays) ? path.join(place.out, 'live') : null,
        kept: stays ? place.temporary : null,
        ...measured,
      },
    };
  } finally {
    state.close();
  }
}

/** The gate of a whole night, in which what failed here fails too. */
async function forecast(
  { call, job, source, inventory }: Trial,
  { items }: Rehearsal,
  state: ReturnType<typeof openScratchState>,
): Promise<readonly Hold[]> {
  const everything = new Set(inventory.assets.map(({ key }) => key));
  const night = await openNight({
    job,
    state,
    folder: jobFolder(call.project, job.name),
    workers: workersOf(call),
    clock: call.context.clock,
    emit: () => undefined,
    stop: neverStop,
    source: sampleSource(source, inventory, everything),
  });
  const made = await previewNight(night);
  const failing = new Set(items.filter(({ disposition }) => isMissing(disposition)).map(({ id }) => id));
  const { base, recipesFor, judgedIn: window } = made;
  return (await forecastGate(night, { made, base: base.snapshot, recipesFor, failing, window })).holds;
}

function nothingChosen({ job, wish, chosen }: Trial): DryRunRecord {
  return {
    type: 'result',
    ...noRun,
    job: job.name,
    window: null,
    outcome: 'unchanged',
    exit: 0,
    live: null,
    next: [`nightpress plan ${job.name} --explain`],
    durationMs: 0,
    dryRun: {
      chosen: chosen.counts,
      failOn: wish.failOn ?? 'new',
      errors: { total: 0, new: 0 },
      holds: [],
      look: null,
      kept: null,
      recipes: [],
      slowest: [],
    },
  };
}

function tell({ call, job, wish }: Trial, record: DryRunRecord): number {
  const { terminal, options, context } = call;
  if (options.json) terminal.out(JSON.stringify(record));
  else if (!(terminal.quiet && record.exit === 0)) {
    fenced(terminal, context.env, () => renderDryRun(terminal, record, wish.isTry));
    if (wish.isTry && record.log) renderExcerpts(terminal, record.log);
    annotate(terminal, context.env, { job, findings: record.findings });
  }
  appendSummary(terminal, context.env, dryRunMarkdown(record));
  return record.exit;
}
