import type { Command } from 'commander';
import { retryNight } from '../../engine/retry.js';
import { openProject } from '../compose.js';
import type { CommandContext } from '../context.js';
import {
  globsOption,
  repeated,
  waitOption,
  withChannelOption,
  withJobOptions,
  withTellOptions,
  withWaitOption,
} from '../options.js';
import type { RunOptions } from '../run-call.js';
import { announce } from '../run-jobs.js';
import { runOne } from '../run-one.js';
import { toldOutside } from '../tell/outside.js';
import { openTerminal } from '../terminal.js';

interface RetryOptions extends Omit<RunOptions, 'all' | 'now' | 'rerun' | 'adopt'> {
  readonly failed?: boolean;
  readonly partition?: readonly string[];
  readonly item?: readonly string[];
  readonly remake?: boolean;
}

export function addRetry(program: Command, context: CommandContext): void {
  withWaitOption(withTellOptions(withChannelOption(withJobOptions(program.command('retry [job]')))))
    .summary('chosen items of the last run again')
    .description(
      `Does chosen items again, in the last run's window, and publishes over what is live now. Their assets are listed and
read afresh; items that are known to fail are tried once more. Partitions and items add up.`,
    )
    .option('--failed', 'only items without fresh output (the default when nothing is named)')
    .option('--partition <id>', 'items of this partition; an id or its beginning, may be repeated', repeated)
    .option('--item <glob>', 'items of assets that match, unchanged ones too; may be repeated', repeated)
    .option('--remake', 'make again whatever is remembered')
    .option('--if-locked <what>', 'when another run holds the job: fail, skip or wait', 'fail')
    .option('-j, --workers <n>', 'worker processes (default: from CPU quota and memory)')
    .option('--grace <duration>', 'time for items in flight after the first signal', '30s')
    .addHelpText(
      'after',
      `
Examples:
  nightpress retry catalog --failed
  nightpress retry catalog --partition 3fa9c1
  nightpress retry catalog --item 'products/**' --remake

Exit codes: 0 all is live, 3 items are still missing or carried, 4 held, 2 nothing to retry or a run is unfinished,
6 outcome unknown, 11 another run holds the job, 75 origin or source out of reach, 77 credentials refused,
7 live, but an edge did not serve it while --wait looked.`,
    )
    .action(async (job: string | undefined, options: RetryOptions) => {
      context.exit = await retryJob(context, job, options);
    });
}

async function retryJob(context: CommandContext, name: string | undefined, options: RetryOptions): Promise<number> {
  const { failed, partition: partitions, remake } = options;
  const terminal = openTerminal(context.env, options);
  if (options.json) announce(terminal);
  const call = { context, project: openProject(options), terminal, options };
  return await toldOutside(call, [name], (outside) =>
    runOne({ ...call, outside }, name, (night) =>
      retryNight(night, {
        failed,
        partitions,
        items: options.item && globsOption('--item', options.item),
        remake,
        waitMs: waitOption(options, night.job),
      }),
    ),
  );
}
