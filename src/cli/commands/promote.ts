import type { Command } from 'commander';
import { liveChannel } from '../../domain/channels.js';
import { Fault } from '../../domain/faults.js';
import { findSnapshot } from '../../domain/find-snapshot.js';
import { promote } from '../../engine/move-head.js';
import { readyEdges } from '../after-move.js';
import { atOrigin, headOf, type OriginCall } from '../at-origin.js';
import type { CommandContext } from '../context.js';
import { type JobOptions, type WaitOptions, withJobOptions, withWaitOption } from '../options.js';
import { renderTotals } from '../render/diff.js';
import { movedRecord, renderMoved } from '../render/moved.js';
import { short } from '../render/units.js';
import { whatChanges } from '../what-changes.js';

interface PromoteOptions extends JobOptions, WaitOptions {
  readonly reason?: string;
}

export function addPromote(program: Command, context: CommandContext): void {
  withWaitOption(withJobOptions(program.command('promote')))
    .argument('[words...]', 'the job (not needed in a project of one), the channel, and live')
    .usage('[options] [job] <channel> live')
    .summary('make the snapshot of another channel live')
    .description(
      `Makes live, in one commit, what nights on another channel (run --channel) came to. That channel stays as it is;
later nights of the live line go on from what is live then.`,
    )
    .option('--reason <text>', 'why, in your words; kept in the head')
    .addHelpText(
      'after',
      '\nExample:\n  nightpress run catalog --channel preview\n  nightpress diff catalog live preview\n  nightpress promote catalog preview live\n\nExit codes: 0 live, 2 no such channel, frozen, or live already, 6 outcome unknown,\n13 the snapshot is not whole, 75 try again, 77 credentials refused, 7 live, but an edge did not serve it while --wait looked.',
    )
    .action(async (given: readonly string[], options: PromoteOptions) => {
      await atOrigin(context, options, { given, needed: ['channel', liveChannel] }, (call) =>
        promoteNow(call, options),
      );
    });
}

async function promoteNow(call: OriginCall, options: PromoteOptions): Promise<number> {
  const { reason, json } = options;
  const [channel = '', target] = call.words;
  if (target !== liveChannel) throw new Fault('usage', `promote ${channel} ${target}: expected '${liveChannel}' last`);
  const { job, terminal } = call;
  const before = await headOf(call);
  const from = before.channels.live?.snapshot;
  const diff = before.channels[channel] && (await whatChanges(call, from, findSnapshot(before, channel)));
  const afterMove = await readyEdges(call, options);
  const head = await promote(call, { channel, reason: reason?.trim() || undefined });
  const { edges, exit } = await afterMove(head);
  const to = head.channels.live?.snapshot;
  const done = `${channel} is live: ${short(to ?? '')}`;
  const facts = { from: from ?? null, to, channel, reason: reason ?? null, totals: diff?.totals ?? null };
  const moved = { verb: 'promote', done, head, edges, facts } as const;
  if (json) terminal.out(JSON.stringify(movedRecord(job.name, moved)));
  else {
    if (diff) renderTotals(terminal, diff.totals);
    renderMoved(terminal, job.name, moved);
  }
  return exit;
}
