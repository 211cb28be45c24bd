import type { Command } from 'commander';
import { findSnapshot } from '../../domain/find-snapshot.js';
import { compareSnapshots } from '../../engine/compare.js';
import { atOrigin, headOf, type OriginCall } from '../at-origin.js';
import type { CommandContext } from '../context.js';
import { type JobOptions, withJobOptions } from '../options.js';
import { diffRecord, renderDiff } from '../render/diff.js';

export function addDiff(program: Command, context: CommandContext): void {
  withJobOptions(program.command('diff'))
    .argument('[snapshots...]', 'the job (not needed in a project of one), then two snapshots')
    .usage('[options] [job] <A> <B>')
    .summary('what differs between two snapshots')
    .description(
      `Shows what going from A to B adds, removes and changes, by asset and public path.
A snapshot is named by 6 or more digits of its id, its seq, a pin, or live, previous, staged.`,
    )
    .addHelpText(
      'after',
      '\nExamples:\n  nightpress diff catalog previous live\n  nightpress diff catalog live staged --json\n\nExit codes: 0 (also when they differ), 2 no such snapshot, 13 a manifest is damaged.',
    )
    .action(async (given: readonly string[], options: JobOptions) => {
      await atOrigin(context, options, { given, needed: ['A', 'B'] }, (call) => showDiff(call, options));
    });
}

async function showDiff(call: OriginCall, { json }: JobOptions): Promise<number> {
  const head = await headOf(call);
  const [a = '', b = ''] = call.words;
  const diff = await compareSnapshots(call.origin, findSnapshot(head, a), findSnapshot(head, b));
  if (json) call.terminal.out(JSON.stringify(diffRecord(call.job.name, diff)));
  else renderDiff(call.terminal, call.job.name, diff);
  return 0;
}
