import type { Command } from 'commander';
import { listSnapshots } from '../../engine/snapshots.js';
import { atOrigin } from '../at-origin.js';
import type { CommandContext } from '../context.js';
import { type JobOptions, withJobOptions } from '../options.js';
import { renderSnapshots, snapshotsRecord } from '../render/snapshots.js';

export function addSnapshots(program: Command, context: CommandContext): void {
  withJobOptions(program.command('snapshots [job]'))
    .summary('what is live, staged, pinned, kept')
    .description(
      'Lists every snapshot that the origin keeps, newest first, then what channels beside live show. -v adds the last commits\nwith their reasons.',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  nightpress snapshots catalog\n  nightpress snapshots catalog --json\n\nExit codes: 0, 13 the head is damaged, 75 the origin cannot be reached.',
    )
    .action(async (job: string | undefined, options: JobOptions) => {
      await atOrigin(context, options, { given: job === undefined ? [] : [job] }, async (call) => {
        const { origin, terminal } = call;
        const head = (await origin.readHead())?.head;
        const view = { job: call.job.name, head, rows: head ? await listSnapshots(origin, head) : [] };
        if (options.json) terminal.out(JSON.stringify(snapshotsRecord(view)));
        else renderSnapshots(terminal, view);
        return 0;
      });
    });
}
