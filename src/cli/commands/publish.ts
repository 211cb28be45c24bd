import type { Command } from 'commander';
import { Fault } from '../../domain/faults.js';
import { resolveSwap } from '../../engine/fence.js';
import { publishStaged } from '../../engine/move-head.js';
import { openState, stateExists } from '../../state/open.js';
import { readyEdges } from '../after-move.js';
import { atOrigin, type OriginCall } from '../at-origin.js';
import { jobFolder } from '../compose.js';
import type { CommandContext } from '../context.js';
import {
  type JobOptions,
  type OverrideOptions,
  overriddenRules,
  repeated,
  type WaitOptions,
  withChannelOption,
  withJobOptions,
  withWaitOption,
} from '../options.js';
import { type Moved, movedRecord, renderMoved } from '../render/moved.js';
import { short } from '../render/units.js';

interface PublishOptions extends JobOptions, WaitOptions, OverrideOptions {
  readonly resolve?: boolean;
}

export function addPublish(program: Command, context: CommandContext): void {
  withWaitOption(withChannelOption(withJobOptions(program.command('publish [job]'))))
    .summary('make the staged snapshot live')
    .description(
      `Publishes the snapshot that the gate held. Every rule that holds it is named with --override, and a reason is
written into the head (snapshots -v shows it). A freeze is lifted by unfreeze.`,
    )
    .option('--override <rule>', 'let this rule pass once; may be repeated', repeated)
    .option('--reason <text>', 'why, in your words; needed with --override')
    .option('--resolve', 'nothing is published: settle a commit whose outcome is unknown')
    .addHelpText(
      'after',
      "\nExample:\n  nightpress diff catalog live staged\n  nightpress publish catalog --override shrink --reason 'spring range is gone'\n\nExit codes: 0 live or settled, 2 nothing is staged or a rule is not named, 6 outcome unknown, 13 the staged snapshot is not whole, 75 try again,\n77 credentials refused, 7 live, but an edge did not serve it while --wait looked.",
    )
    .action(async (job: string | undefined, options: PublishOptions) => {
      const given = job === undefined ? [] : [job];
      await atOrigin(context, options, { given }, (call) =>
        options.resolve ? settle(call, options) : publishNow(call, options),
      );
    });
}

async function settle(call: OriginCall, options: PublishOptions): Promise<number> {
  if (options.override || options.reason || options.wait) {
    throw new Fault('usage', '--resolve publishes nothing: expected it without --override, --reason and --wait');
  }
  const folder = jobFolder(call.project, call.job.name);
  const state = stateExists(folder) ? openState(folder, { readOnly: true }) : undefined;
  try {
    const { head, landed } = await resolveSwap(call, state);
    const fate = landed === undefined ? 'no commit of a run was open' : landed ? 'it landed' : 'it never landed';
    const facts = { landed: landed ?? null };
    const { channel } = call.job;
    const done = `settled: ${fate}; what ${channel ?? 'is live'}${channel ? ' shows' : ''} now stays until the next commit`;
    tell(call, { verb: 'resolve', done, head, channel, facts }, options);
  } finally {
    state?.close();
  }
  return 0;
}

function tell(call: OriginCall, moved: Moved, { json }: PublishOptions): void {
  if (json) call.terminal.out(JSON.stringify(movedRecord(call.job.name, moved)));
  else renderMoved(call.terminal, call.job.name, moved);
}

async function publishNow(call: OriginCall, options: PublishOptions): Promise<number> {
  const override = overriddenRules(options);
  const { reason } = options;
  const afterMove = await readyEdges(call, options);
  const head = await publishStaged(call, { overridden: override, reason });
  const { edges, exit } = await afterMove(head);
  const { live } = head.channels;
  const done = `published ${short(live?.snapshot ?? '')}${override.length > 0 ? ` over ${override.join(' and ')}` : ''}`;
  const facts = { overridden: override, reason: reason ?? null };
  tell(call, { verb: 'publish', done, head, channel: call.job.channel, edges, facts }, options);
  return exit;
}
