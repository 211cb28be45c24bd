import type { Command } from 'commander';
import { knownBad } from '../../engine/known-bad.js';
import { type Preview, previewNight } from '../../engine/preview.js';
import { defaultWorkers } from '../../executors/processes/capacity.js';
import type { State } from '../../state/contract.js';
import { openScratchState } from '../../state/open.js';
import { findJob, jobFolder, openNight, openProject } from '../compose.js';
import type { CommandContext } from '../context.js';
import { type FailOn, isFailing, type Judgement } from '../dry-run-options.js';
import { annotate, fenced } from '../github.js';
import { countOption, fromElsewhere, type JobOptions, withChannelOption, withJobOptions } from '../options.js';
import { findingsOf, isPending, planRecord, renderPlan } from '../render/plan.js';
import { neverStop } from '../stop.js';
import { openTerminal } from '../terminal.js';

export interface PlanOptions extends JobOptions {
  readonly explain?: boolean;
  readonly detailedExitcode?: boolean;
  readonly workers?: string;
  readonly failOn?: FailOn;
  readonly now?: boolean;
  readonly rerun?: boolean;
  readonly adopt?: boolean;
}

const changesPending = 10;

export function addPlan(program: Command, context: CommandContext): void {
  withChannelOption(withJobOptions(program.command('plan [job]')))
    .summary('show what run would do, and why')
    .description('Scans and plans exactly as run does, and writes nothing: no state, no origin, no lock.')
    .option('--explain', 'every item with its reason')
    .option('--detailed-exitcode', 'exit 10 when changes are pending, 0 when there are none')
    .option('-j, --workers <n>', 'worker processes the estimate assumes')
    .addHelpText(
      'after',
      '\nExamples:\n  nightpress plan catalog --explain\n  nightpress plan catalog --json --detailed-exitcode',
    )
    .action(async (job: string | undefined, options: PlanOptions) => {
      context.exit = await planJob(context, job, options);
    });
}

/** `plan`, and `run --dry-run` without a selection. */
export async function planJob(
  context: CommandContext,
  name: string | undefined,
  options: PlanOptions,
): Promise<number> {
  const project = openProject(options);
  const job = await findJob(project, name);
  const folder = jobFolder(project, job.name);
  const workers = options.workers === undefined ? defaultWorkers() : countOption('--workers', options.workers);
  const terminal = openTerminal(context.env, options);
  const state = openScratchState(folder);
  try {
    const night = await openNight({
      job,
      folder,
      state,
      workers,
      clock: context.clock,
      emit: () => undefined,
      stop: neverStop,
      patience: 'look',
    });
    const preview = await previewNight(night, options);
    const approve = (rule: string) =>
      fromElsewhere(options, [`nightpress approve ${job.name} ${rule} --reason TEXT`]).join('');
    const { channel } = job;
    const view = { job: job.name, channel, preview, workers, explain: options.explain ?? false, approve };
    if (options.json) terminal.out(JSON.stringify(planRecord(view)));
    else {
      fenced(terminal, context.env, () => renderPlan(terminal, view));
      annotate(terminal, context.env, { job, findings: findingsOf(preview) });
    }
    if (options.failOn && isFailing(options.failOn, judgementOf(preview, state))) return 1;
    return options.detailedExitcode && isPending(preview) ? changesPending : 0;
  } finally {
    state.close();
  }
}

function judgementOf(preview: Preview, state: State): Judgement {
  const errors = findingsOf(preview).filter(({ severity }) => severity === 'error');
  const isKnown = knownBad(state, preview.plan.items);
  return { errors, fresh: errors.filter((finding) => !isKnown(finding)), holds: preview.holds };
}
