import { Fault } from '../domain/faults.js';
import { jobNames } from '../job/load.js';
import { planJob } from './commands/plan.js';
import { openProject } from './compose.js';
import type { CommandContext } from './context.js';
import { dryRunOne } from './dry-run.js';
import { type DryRunOptions, readWish } from './dry-run-options.js';
import { announce, worst } from './run-jobs.js';
import { openTerminal } from './terminal.js';

/** `run --dry-run`: a plan, or with a choice of assets a real night over these that is published nowhere. */
export async function dryRunJobs(context: CommandContext, options: DryRunOptions): Promise<number> {
  const project = openProject(options);
  if (options.all && options.job)
    throw new Fault('usage', `--all and a job name (${options.job}): expected one of them`);
  const wish = await readWish(options);
  const names = options.all ? jobNames(project) : [options.job];
  const terminal = openTerminal(context.env, options);
  const plansOnly = wish.files === undefined && wish.only === undefined && wish.sample === undefined;
  if (options.json && !plansOnly) announce(terminal);
  const exits: number[] = [];
  for (const name of names) {
    const call = { context, project, terminal, options };
    const exit = plansOnly
      ? await planJob(context, name, { ...options, failOn: wish.failOn })
      : await dryRunOne(call, name, wish);
    exits.push(exit);
    if (exit >= 129) break; // a signal is meant for the whole command
  }
  return worst(exits);
}
