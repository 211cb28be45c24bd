import type { Command } from 'commander';
import { liveChannel } from '../../domain/channels.js';
import { Fault } from '../../domain/faults.js';
import type { Hold } from '../../domain/gate.js';
import { channelOf, type Head } from '../../domain/head.js';
import { withOptions } from '../../domain/shell.js';
import type { SnapshotId } from '../../domain/types.js';
import type { SnapshotDiff } from '../../engine/compare.js';
import { mendEntrances } from '../../engine/entrances.js';
import { promote, promotedSnapshot } from '../../engine/move-head.js';
import { holdsOnPromotion, isOlderThanLive, promoteCommand, refuseHeld } from '../../engine/promotion.js';
import { readyEdges } from '../after-move.js';
import { atOrigin, headOf, type OriginCall } from '../at-origin.js';
import { agreed, answeredNo } from '../confirm.js';
import type { CommandContext } from '../context.js';
import {
  type JobOptions,
  type OverrideOptions,
  overriddenRules,
  repeated,
  type WaitOptions,
  withJobOptions,
  withWaitOption,
} from '../options.js';
import { movedRecord, renderMoved } from '../render/moved.js';
import { printable, short } from '../render/units.js';
import { renderWhatChanges, whatChanges } from '../what-changes.js';

interface PromoteOptions extends JobOptions, WaitOptions, OverrideOptions {
  readonly yes?: boolean;
}

export function addPromote(program: Command, context: CommandContext): void {
  withWaitOption(withJobOptions(program.command('promote')))
    .argument('[channel...]', 'the job (not needed in a project of one), the channel, and live')
    .usage('[options] [job] <channel> live')
    .summary('make the snapshot of another channel live')
    .description(
      `Makes live, in one commit, what nights on another channel (run --channel) came to. That channel stays as it is;
later nights of the live line go on from what is live then. Says what will change and asks; where nobody can be asked, --yes
is needed. The gate looks at the step from what is live: empty, shrink, grow, required and drift hold it as they hold a night.`,
    )
    .option('--override <rule>', 'let this rule of the gate pass once; may be repeated', repeated)
    .option('--reason <text>', 'why, in your words; kept in the head; needed with --override')
    .option('--yes', 'do it without asking')
    .addHelpText(
      'after',
      `
Examples:
  nightpress run catalog --channel preview
  nightpress diff catalog live preview
  nightpress promote catalog preview live --yes
  nightpress promote catalog preview live --override shrink --reason 'spring range is gone' --yes

Exit codes: 0 live, 1 answered no, 2 no such channel, frozen, live already or --yes is missing, 4 held by the gate,
6 outcome unknown, 13 the snapshot is not whole, 75 try again, 77 credentials refused, 7 live, but an edge did not serve it while --wait looked.`,
    )
    .action(async (given: readonly string[], options: PromoteOptions) => {
      await atOrigin(context, options, { given, needed: ['channel', liveChannel] }, (call) =>
        promoteNow(call, options),
      );
    });
}

interface Step {
  readonly channel: string;
  readonly head: Head;
  readonly to: SnapshotId;
  readonly diff: SnapshotDiff | undefined;
  readonly holds: readonly Hold[];
}

async function promoteNow(call: OriginCall, options: PromoteOptions): Promise<number> {
  const overridden = overriddenRules(options);
  const [channel = '', target] = call.words;
  if (target !== liveChannel) throw new Fault('usage', `promote ${channel} ${target}: expected '${liveChannel}' last`);
  const step = await lookAhead(call, channel);
  if (!options.json && !call.terminal.quiet) describe(call, step);
  refuseHeld(call.job.name, channel, { holds: step.holds, overridden });
  if (!options.json && !call.terminal.quiet) for (const hold of step.holds) describeHold(call, hold);
  const rules = step.holds.map(({ rule }) => rule);
  const command = withOptions(promoteCommand(call.job.name, { channel, rules }), ['--yes']);
  const text = `Make ${short(step.to)} of ${channel} live?`;
  if (!(await agreed(call.terminal, { text, yes: options.yes ?? false, command }))) return answeredNo;
  return await commitStep(call, options, step);
}

async function lookAhead(call: OriginCall, channel: string): Promise<Step> {
  const { origin, job } = call;
  const head = await headOf(call);
  await mendEntrances(origin); // who says it again after a crash is told that it is live: readers must see it, too
  const to = promotedSnapshot(head, channel);
  const live = head.channels.live?.snapshot;
  const diff = await whatChanges(call, live, to);
  return { channel, head, to, diff, holds: await holdsOnPromotion({ origin, job }, { snapshot: to, live }) };
}

function describe({ job, terminal }: OriginCall, { channel, head, to, diff }: Step): void {
  renderWhatChanges(terminal, job.name, { diff, to });
  if (!isOlderThanLive(head, channel)) return;
  const { seq, at } = channelOf(head, channel);
  const since = `live has moved since: seq ${head.channels.live?.seq}`;
  terminal.out(
    `  ${terminal.paint('yellow', 'older')}     ${channel} came to its snapshot at seq ${seq}, ${at}; ${since}`,
  );
}

function describeHold({ terminal }: OriginCall, { rule, message }: Hold): void {
  terminal.out(`  over      ${rule}: ${printable(message)}`);
}

async function commitStep(call: OriginCall, options: PromoteOptions, { channel, head, to, diff }: Step) {
  const { job, terminal } = call;
  const overridden = options.override ?? [];
  const reason = options.reason?.trim() || undefined;
  const afterMove = await readyEdges(call, options);
  const next = await promote(call, { channel, overridden, reason });
  const { edges, exit } = await afterMove(next);
  const done = `${channel} is live: ${short(next.channels.live?.snapshot ?? '')}`;
  const facts = {
    from: head.channels.live?.snapshot ?? null,
    to,
    channel,
    older: isOlderThanLive(head, channel),
    overridden,
    reason: reason ?? null,
    totals: diff?.totals ?? null,
  };
  const moved = { verb: 'promote', done, head: next, edges, facts } as const;
  if (options.json) terminal.out(JSON.stringify(movedRecord(job.name, moved)));
  else renderMoved(terminal, job.name, moved);
  return exit;
}
