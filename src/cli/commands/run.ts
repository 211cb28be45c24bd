import type { Command } from 'commander';
import type { CommandContext } from '../context.js';
import { withJobOptions } from '../options.js';
import { runJobs } from '../run-jobs.js';

export function addRun(program: Command, context: CommandContext): void {
  withJobOptions(program.command('run [job]'))
    .summary('run the night: scan, plan, work, validate, publish')
    .description(
      `Runs the current window of a job: resumes what was interrupted, catches up a missed night, or finds nothing to do.
Safe to call any number of times.`,
    )
    .option('--all', 'every job of the project in turn; the worst outcome wins')
    .option('--now', 'a window outside the schedule, now')
    .option('--rerun', 'the current window again, although it is settled')
    .option('--adopt', 'accept an origin that is not the one the local state remembers')
    .option('--if-locked <what>', 'when another run holds the job: fail, skip or wait', 'fail')
    .option('-j, --workers <n>', 'worker processes (default: from CPU quota and memory)')
    .option('--grace <duration>', 'time for items in flight after the first signal', '30s')
    .action(async (job, options) => {
      context.exit = await runJobs(context, { job, ...options });
    });
}
