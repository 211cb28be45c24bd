import type { Command } from 'commander';
import type { CommandContext } from '../context.js';
import { dryRunJobs } from '../dry-run-jobs.js';
import { readWish } from '../dry-run-options.js';
import { repeated, withChannelOption, withJobOptions, withTellOptions, withWaitOption } from '../options.js';
import { runJobs } from '../run-jobs.js';

export function addRun(program: Command, context: CommandContext): void {
  withWaitOption(withTellOptions(withChannelOption(withJobOptions(program.command('run [job]')))))
    .summary('run the night: scan, plan, work, validate, publish')
    .description(
      `Runs the current window of a job: resumes what was interrupted, catches up a missed night, or finds nothing to do.
Safe to call any number of times.`,
    )
    .option('--all', 'every job of the project in turn; the worst outcome wins')
    .option('--now', 'a window outside the schedule, now')
    .option('--rerun', 'the current window again, although it is settled')
    .option('--adopt', 'accept an origin as it is: another than the state remembers, rewound, or damaged')
    .option(
      '--deadline <when>',
      'begin nothing after this: 90m, 06:30, an instant, none (default: the close of the window)',
    )
    .option('--allow-partial', 'a first import goes live with what there is when the deadline comes')
    .option('--if-locked <what>', 'when another run holds the job: fail, skip or wait', 'fail')
    .option('-j, --workers <n>', 'worker processes (default: from CPU quota and memory)')
    .option('--grace <duration>', 'time for items in flight after the first signal', '30s')
    .option('-n, --dry-run', 'publish nothing: show the plan, or really process what the next three choose')
    .option('--sample <n>', 'dry run: so many assets, some of every kind and size')
    .option('--only <glob>', 'dry run: assets that match; may be repeated', repeated)
    .option('--files-from <file>', "dry run: assets listed in a file, or - for stdin, such as a pull request's")
    .option('--out <dir>', 'dry run: where to leave what was made (default: a temporary folder)')
    .option(
      '--fail-on <what>',
      'dry run: exit 1 for any error, for new ones (the default), or when the gate would hold',
    )
    .addHelpText(
      'after',
      `
Examples:
  nightpress run catalog
  nightpress run --all --if-locked skip
  nightpress run catalog --wait=2m
  NIGHTPRESS_PING_URL=https://hc-ping.com/your-uuid nightpress run --all --metrics-file /var/lib/node_exporter/night.prom
  nightpress run catalog --dry-run --sample 20 --out preview
  git diff --name-only origin/main... | nightpress run catalog --dry-run --files-from - --fail-on any

Inside its window, or until --deadline, it waits for a bucket that is away. Exit codes: nightpress --help.`,
    )
    .action(async (job, given) => {
      const options = { job, ...given };
      if (options.dryRun) context.exit = await dryRunJobs(context, options);
      else {
        await readWish(options);
        context.exit = await runJobs(context, options);
      }
    });
}
