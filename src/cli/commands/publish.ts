import type { Command } from 'commander';
import { Fault } from '../../domain/faults.js';
import { publishStaged } from '../../engine/move-head.js';
import { readyEdges } from '../after-move.js';
import { atOrigin, type OriginCall } from '../at-origin.js';
import type { CommandContext } from '../context.js';
import { type JobOptions, repeated, type WaitOptions, withJobOptions, withWaitOption } from '../options.js';
import { movedRecord, renderMoved } from '../render/moved.js';
import { short } from '../render/units.js';

interface PublishOptions extends JobOptions, WaitOptions {
  readonly override?: readonly string[];
  readonly reason?: string;
}

export function addPublish(program: Command, context: CommandContext): void {
  withWaitOption(withJobOptions(program.command('publish [job]')))
    .summary('make the staged snapshot live')
    .description(
      `Publishes the snapshot that the gate held. Every rule that holds it is named with --override, and a reason is
written into the head (snapshots -v shows it). A freeze is lifted by unfreeze.`,
    )
    .option('--override <rule>', 'let this rule pass once; may be repeated', repeated)
    .option('--reason <text>', 'why, in your words; needed with --override')
    .addHelpText(
      'after',
      "\nExample:\n  nightpress diff catalog live staged\n  nightpress publish catalog --override shrink --reason 'spring range is gone'\n\nExit codes: 0 live, 2 nothing is staged or a rule is not named, 13 the staged snapshot is not whole, 75 try again,\n7 live, but an edge did not serve it while --wait looked.",
    )
    .action(async (job: string | undefined, options: PublishOptions) => {
      const given = job === undefined ? [] : [job];
      await atOrigin(context, options, { given }, (call) => publishNow(call, options));
    });
}

async function publishNow(call: OriginCall, options: PublishOptions): Promise<number> {
  const { override = [], reason, json } = options;
  if (override.length > 0 && !reason?.trim()) {
    throw new Fault('usage', '--override without a reason: expected --reason TEXT, which is kept in the head');
  }
  const afterMove = await readyEdges(call, options);
  const head = await publishStaged(call, { overridden: override, reason });
  const { edges, exit } = await afterMove(head);
  const { live } = head.channels;
  const done = `published ${short(live?.snapshot ?? '')}${override.length > 0 ? ` over ${override.join(' and ')}` : ''}`;
  const moved = {
    verb: 'publish',
    done,
    head,
    edges,
    facts: { overridden: override, reason: reason ?? null },
  } as const;
  if (json) call.terminal.out(JSON.stringify(movedRecord(call.job.name, moved)));
  else renderMoved(call.terminal, call.job.name, moved);
  return exit;
}
