import type { Command } from 'commander';
import { type LedgerLine, readLedger } from '../../domain/ledger.js';
import type { Job } from '../../domain/types.js';
import { windowLabel } from '../../domain/window.js';
import type { State } from '../../state/contract.js';
import { isLocked } from '../../state/lock.js';
import { openState } from '../../state/open.js';
import { findJob, jobFolder, openProject } from '../compose.js';
import type { CommandContext } from '../context.js';
import { countOption, type JobOptions, withJobOptions } from '../options.js';
import { openTerminal } from '../terminal.js';

interface WindowsOptions extends JobOptions {
  readonly last: string;
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

export function addWindows(program: Command, context: CommandContext): void {
  withJobOptions(program.command('windows [job]'))
    .summary('past windows with their outcome, and the next ones')
    .description(`Lists windows since the first one known here, gaps included, each with one outcome: how its newest run ended, or
  due       it opened last, and the next run takes it
  missed    no run of it ended, and none will
  expected  it has not opened yet`)
    .option('--last <n>', 'how many windows that have opened', '30')
    .option('--next <n>', 'how many future windows', '7')
    .addHelpText('after', '\nExample:\n  nightpress windows catalog --last 90 --next 30 --json')
    .action(async (name: string | undefined, options: WindowsOptions) => {
      const project = openProject(options);
      const job = await findJob(project, name);
      const folder = jobFolder(project, job.name);
      const state = openState(folder, { readOnly: true });
      try {
        const shown = { last: countOption('--last', options.last), next: countOption('--next', options.next) };
        const windows = listWindows(job, state, { now: context.clock(), live: isLocked(folder), ...shown });
        const terminal = openTerminal(context.env, options);
        if (options.json) terminal.out(JSON.stringify({ windows }));
        else for (const window of windows) terminal.out(windowText(window, job.window.timezone));
      } finally {
        state.close();
      }
    });
}

/** Both times by the clock of the job's zone, as the label of a window is. */
function windowText({ label, closes, outcome }: WindowLine, zone: string): string {
  return `${label}  closes ${windowLabel(Date.parse(closes), zone)}  ${outcome}`;
}

interface Asked {
  readonly now: number;
  /** A run holds the job. */
  readonly live: boolean;
  readonly last: number;
  readonly next: number;
}

function listWindows(job: Job, state: State, { now, live, last, next }: Asked): readonly WindowLine[] {
  const open = state.openRun();
  const ledger = readLedger({
    now,
    next,
    spec: job.window,
    windows: state.windows(),
    openRun: open && { opens: open.window.opens, live },
  });
  const isPast = ({ outcome }: LedgerLine) => outcome !== 'expected';
  const future = ledger.filter((line) => !isPast(line));
  return [...ledger.filter(isPast).slice(-last), ...future].map(({ label, opens, closes, scheduled, outcome }) => ({
    label,
    opens: new Date(opens).toISOString(),
    closes: new Date(closes).toISOString(),
    scheduled,
    outcome,
  }));
}
