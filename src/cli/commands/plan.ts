import type { Command } from 'commander';
import { previewNight } from '../../engine/preview.js';
import { defaultWorkers } from '../../executors/processes/capacity.js';
import { openScratchState } from '../../state/open.js';
import { findJob, jobFolder, openNight, openProject } from '../compose.js';
import type { CommandContext } from '../context.js';
import { countOption, type JobOptions, withJobOptions } from '../options.js';
import { isPending, planRecord, renderPlan } from '../render/plan.js';
import { neverStop } from '../stop.js';
import { openTerminal } from '../terminal.js';

export interface PlanOptions extends JobOptions {
  readonly explain?: boolean;
  readonly detailedExitcode?: boolean;
  readonly workers?: string;
}

const changesPending = 10;

export function addPlan(program: Command, context: CommandContext): void {
  withJobOptions(program.command('plan [job]'))
    .summary('show what run would do, and why')
    .description('Scans and plans exactly as run does, and writes nothing: no state, no origin, no lock.')
    .option('--explain', 'every item with its reason')
    .option('--detailed-exitcode', 'exit 10 when changes are pending, 0 when there are none')
    .option('-j, --workers <n>', 'worker processes the estimate assumes')
    .addHelpText('after', '\nExamples:\n  nightpress plan catalog --explain\n  nightpress plan catalog --json --detailed-exitcode')
    .action(async (job: string | undefined, options: PlanOptions) => {
      context.exit = await planJob(context, job, options);
    });
}

/** `plan`, and `run --dry-run` without a selection. */
export async function planJob(context: CommandContext, name: string | undefined, options: PlanOptions): Promise<number> {
  const project = openProject(options);
  const job = await findJob(project, name);
  const folder = jobFolder(project, job.name);
  const workers = options.workers === undefined ? defaultWorkers() : countOption('--workers', options.workers);
  const terminal = openTerminal(context.env, options);
  const state = openScratchState(folder);
  try {
    const night = await openNight({ job, folder, state, workers, clock: context.clock, emit: () => undefined, stop: neverStop });
    const view = { job: job.name, preview: await previewNight(night), workers, explain: options.explain ?? false };
    if (options.json) terminal.out(JSON.stringify(planRecord(view)));
    else renderPlan(terminal, view);
    return options.detailedExitcode && isPending(view.preview) ? changesPending : 0;
  } finally {
    state.close();
  }
}
