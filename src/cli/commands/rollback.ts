import type { Command } from 'commander';
import { Fault } from '../../domain/faults.js';
import { mendEntrances } from '../../engine/entrances.js';
import { olderSnapshot, rollBack } from '../../engine/move-head.js';
import { readyEdges } from '../after-move.js';
import { atOrigin, headOf, type OriginCall } from '../at-origin.js';
import { agreed, answeredNo } from '../confirm.js';
import type { CommandContext } from '../context.js';
import { type JobOptions, type WaitOptions, withJobOptions, withWaitOption } from '../options.js';
import { movedRecord, renderMoved } from '../render/moved.js';
import { short } from '../render/units.js';
import { renderWhatChanges, whatChanges } from '../what-changes.js';

interface RollbackOptions extends JobOptions, WaitOptions {
  readonly to?: string;
  readonly freeze: boolean;
  readonly reason?: string;
  readonly yes?: boolean;
}

export function addRollback(program: Command, context: CommandContext): void {
  withWaitOption(withJobOptions(program.command('rollback')))
    .argument('[snapshot...]', 'the job (not needed in a project of one), then the snapshot (default: previous)')
    .usage('[options] [job] [snapshot]')
    .summary('make an older snapshot live again')
    .description(
      `Makes an older snapshot live again, by default the one before: while a rollback stands, the next older one. Later runs
stage theirs (exit 4) until unfreeze, unless --no-freeze is given. Says what will change and asks; where nobody can be asked, --yes is needed.`,
    )
    .option('--to <snapshot>', 'the same as the word: an id, a seq, a pin, or previous')
    .option('--no-freeze', 'let the next run publish over it')
    .option('--reason <text>', 'why, in your words; kept in the head')
    .option('--yes', 'do it without asking')
    .addHelpText(
      'after',
      "\nExamples:\n  nightpress rollback catalog\n  nightpress rollback catalog 41 --reason 'broken colours' --yes\n\nExit codes: 0, 1 answered no, 2 no such snapshot or --yes is missing, 6 outcome unknown, 13 the snapshot is not whole,\n75 try again, 77 credentials refused, 7 live, but an edge did not serve it while --wait looked.",
    )
    .action(async (given: readonly string[], options: RollbackOptions) => {
      await atOrigin(context, options, { given, optional: ['snapshot'] }, (call) => rollBackNow(call, options));
    });
}

async function rollBackNow(call: OriginCall, options: RollbackOptions): Promise<number> {
  const { job, terminal } = call;
  const afterMove = await readyEdges(call, options);
  const head = await headOf(call);
  await mendEntrances(call.origin); // who says it again after a crash is told that it is live: readers must see it, too
  const from = head.channels.live?.snapshot;
  const to = olderSnapshot(head, wanted(call.words[0], options.to));
  const diff = await whatChanges(call, from, to);
  if (!options.json && !terminal.quiet) renderWhatChanges(terminal, job.name, { diff, to });
  const text = `Make ${short(to)} live${options.freeze ? ' and freeze it' : ''}?`;
  const command = `nightpress rollback ${job.name} ${short(to)} --yes`;
  if (!(await agreed(terminal, { text, yes: options.yes ?? false, command }))) return answeredNo;
  const reason = options.reason?.trim() || undefined;
  const freeze = options.freeze ? (reason ?? `rolled back from ${short(from ?? '')}`) : undefined;
  const next = await rollBack(call, { to, freeze, reason });
  const { edges, exit } = await afterMove(next);
  const done = `rolled back to ${short(to)}`;
  const moved = {
    verb: 'rollback',
    done,
    head: next,
    edges,
    facts: { from, to, reason: reason ?? null, totals: diff?.totals ?? null },
  } as const;
  if (options.json) terminal.out(JSON.stringify(movedRecord(job.name, moved)));
  else renderMoved(terminal, job.name, moved);
  return exit;
}

function wanted(word: string | undefined, option: string | undefined): string {
  if (word !== undefined && option !== undefined) {
    throw new Fault('usage', `'${word}' and --to ${option}: expected one of them`);
  }
  return word ?? option ?? 'previous';
}
