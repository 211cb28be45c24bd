import type { Command } from 'commander';
import { pinSnapshot, unpinSnapshot } from '../../engine/move-head.js';
import { atOrigin, type OriginCall } from '../at-origin.js';
import type { CommandContext } from '../context.js';
import { type JobOptions, withJobOptions } from '../options.js';
import { type Moved, movedRecord, renderMoved } from '../render/moved.js';
import { short } from '../render/units.js';

interface PinOptions extends JobOptions {
  readonly remove?: string;
}

export function addPin(program: Command, context: CommandContext): void {
  withJobOptions(program.command('pin'))
    .argument('[name...]', 'the job (not needed in a project of one), a snapshot, and the name it gets')
    .usage('[options] [job] <snapshot> <name>\n       nightpress pin [options] [job] --remove <name>')
    .summary('keep a snapshot under a name')
    .description('A pinned snapshot stays, whatever retention says, until the pin is removed.')
    .option('--remove <name>', 'remove this pin')
    .addHelpText(
      'after',
      '\nExamples:\n  nightpress pin catalog live spring-2026\n  nightpress pin catalog --remove spring-2026\n\nExit codes: 0, 2 no such snapshot, or the name is taken or cannot be one.',
    )
    .action(async (given: readonly string[], options: PinOptions) => {
      const words = options.remove === undefined ? { given, needed: ['snapshot', 'name'] } : { given };
      await atOrigin(context, options, words, (call) => movePin(call, options));
    });
}

async function movePin(call: OriginCall, { remove, json }: PinOptions): Promise<number> {
  const moved = remove === undefined ? await pin(call) : await unpin(call, remove);
  if (json) call.terminal.out(JSON.stringify(movedRecord(call.job.name, moved)));
  else renderMoved(call.terminal, call.job.name, moved);
  return 0;
}

async function pin(call: OriginCall): Promise<Moved> {
  const [to = '', name = ''] = call.words;
  const head = await pinSnapshot(call, { to, name });
  const snapshot = head.pins.find((one) => one.name === name)?.snapshot ?? '';
  return { verb: 'pin', done: `pinned ${short(snapshot)} as ${name}`, head, facts: { name, snapshot } };
}

async function unpin(call: OriginCall, name: string): Promise<Moved> {
  return { verb: 'unpin', done: `removed the pin ${name}`, head: await unpinSnapshot(call, name), facts: { name } };
}
