import type { Command } from 'commander';
import { type LedgerLine, readLedger } from '../../domain/ledger.js';
import type { Job } from '../../domain/types.js';
import type { State } from '../../state/contract.js';
import { isLocked } from '../../state/lock.js';
import { openState } from '../../state/open.js';
import { findJob, jobFolder, openProject } from '../compose.js';
import type { CommandContext } from '../context.js';
import { countOption, type JobOptions, withJobOptions } from '../options.js';
import { openTerminal } from '../terminal.js';

interface WindowsOptions extends JobOptions {
  readonly next: string;
}

interface WindowLine {
  readonly label: string;
  readonly opens: string;
  readonly closes: string;
  /** False for `run --now`. */
  readonly scheduled: boolean;
  /** As `domain/ledger.ts` tells it. */
  readonly outcome: LedgerLine['outcome'];
}

const shownPast = 30;

export function addWindows(program: Command, context: CommandContext): void {
  withJobOptions(program.command('windows [job]'))
    .summary('past windows with their outcome, and the next ones')
    .description(`Lists every window since the first one known here, each with one outcome: how its newest run ended, or
  due       it opened last, and the next run takes it
  missed    no run of it ended, and none will
  expected  it has not opened yet`)
    .option('--next <n>', 'how many future windows', '7')
    .addHelpText('after', '\nExample:\n  nightpress windows catalog --next 30 --json')
    .action(async (name: string | undefined, options: WindowsOptions) => {
      const project = openProject(options);
      const job = await findJob(project, name);
      const folder = jobFolder(project, job.name);
      const state = openState(folder, { readOnly: true });
      try {
        const at = { now: context.clock(), next: countOption('--next', options.next), live: isLocked(folder) };
        const windows = listWindows(job, state, at);
        const terminal = openTerminal(context.env, options);
        if (options.json) terminal.out(JSON.stringify({ windows }));
        else for (const { label, closes, outcome } of windows) terminal.out(`${label}  closes ${closes}  ${outcome}`);
      } finally {
        state.close();
      }
    });
}

function listWindows(job: Job, state: State, at: { now: number; next: number; live: boolean }): readonly WindowLine[] {
  const open = state.openRun();
  const ledger = readLedger({
    ...at,
    spec: job.window,
    windows: state.windows(),
    openRun: open && { opens: open.window.opens, live: at.live },
  });
  const isPast = ({ outcome }: LedgerLine) => outcome !== 'expected';
  const future = ledger.filter((line) => !isPast(line));
  return [...ledger.filter(isPast).slice(-shownPast), ...future].map(
    ({ label, opens, closes, scheduled, outcome }) => ({
      label,
      opens: new Date(opens).toISOString(),
      closes: new Date(closes).toISOString(),
      scheduled,
      outcome,
    }),
  );
}
