import type { Command } from 'commander';
import { thaw } from '../../engine/move-head.js';
import { readyEdges } from '../after-move.js';
import { atOrigin, type OriginCall } from '../at-origin.js';
import type { CommandContext } from '../context.js';
import { type JobOptions, withJobOptions } from '../options.js';
import { movedRecord, renderMoved } from '../render/moved.js';
import { short } from '../render/units.js';

const stillStaged = 4;

export function addUnfreeze(program: Command, context: CommandContext): void {
  withJobOptions(program.command('unfreeze [job]'))
    .summary('let runs publish again after a rollback')
    .description('Lifts the freeze of a rollback. What was staged only because of it goes live at once.')
    .addHelpText(
      'after',
      '\nExample:\n  nightpress unfreeze catalog\n\nExit codes: 0, 2 it is not frozen, 4 something stays staged: the gate holds it, or it\nis not whole and the next run makes it anew.',
    )
    .action(async (job: string | undefined, options: JobOptions) => {
      const given = job === undefined ? [] : [job];
      await atOrigin(context, options, { given }, (call) => unfreezeNow(call, options));
    });
}

async function unfreezeNow(call: OriginCall, { json }: JobOptions): Promise<number> {
  const afterMove = await readyEdges(call, {});
  const head = await thaw(call);
  const { live, staged } = head.channels;
  const published = head.commits.at(-1)?.kind === 'publish';
  const edges = published ? (await afterMove(head)).edges : [];
  const done = published ? `unfrozen; published ${short(live?.snapshot ?? '')}` : 'unfrozen';
  const moved = { verb: 'unfreeze', done, head, edges, facts: { published } } as const;
  if (json) call.terminal.out(JSON.stringify(movedRecord(call.job.name, moved)));
  else renderMoved(call.terminal, call.job.name, moved);
  return staged ? stillStaged : 0;
}
