import type { Command } from 'commander';
import { openScratchState } from '../../state/open.js';
import { findJob, jobFolder, openNight, openProject } from '../compose.js';
import type { CommandContext } from '../context.js';
import { type Check, examine } from '../doctor.js';
import { type JobOptions, withJobOptions } from '../options.js';
import { printable } from '../render/units.js';
import { neverStop } from '../stop.js';
import { openTerminal } from '../terminal.js';

const problemFound = 13;

export function addDoctor(program: Command, context: CommandContext): void {
  withJobOptions(program.command('doctor [job]'))
    .summary('check the machine, the state, source and origin')
    .description(
      'Looks at everything a night needs and changes nothing. Exit 13 when something would keep it from working.',
    )
    .addHelpText('after', '\nExample:\n  nightpress doctor catalog --json')
    .action(async (job: string | undefined, options: JobOptions) => {
      context.exit = await examineJob(context, job, options);
    });
}

async function examineJob(context: CommandContext, name: string | undefined, options: JobOptions): Promise<number> {
  const project = openProject(options);
  const job = await findJob(project, name);
  const folder = jobFolder(project, job.name);
  const terminal = openTerminal(context.env, options);
  const state = openScratchState(folder);
  try {
    const night = await openNight({
      job,
      folder,
      state,
      workers: 1,
      clock: context.clock,
      emit: () => undefined,
      stop: neverStop,
    });
    const checks = await examine({ job, night, folder });
    if (options.json) terminal.out(JSON.stringify({ type: 'doctor', job: job.name, checks }));
    else for (const check of checks) terminal.out(lineOf(check));
    return checks.some((check) => check.verdict === 'problem') ? problemFound : 0;
  } finally {
    state.close();
  }
}

function lineOf({ name, verdict, detail, hint }: Check): string {
  const mark = { ok: 'ok     ', note: 'note   ', problem: 'PROBLEM' }[verdict];
  return `${mark}  ${name.padEnd(11)}  ${printable(detail)}${hint ? ` (${printable(hint)})` : ''}`;
}
