import type { Command } from 'commander';
import type { Job } from '../../domain/types.js';
import { nextOpenings, openingsBetween } from '../../domain/window.js';
import type { State } from '../../state/contract.js';
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
  /** `missed`: it opened and no run ever took it; `expected`: it has not opened yet. */
  readonly outcome: string;
}

const shownPast = 30;

export function addWindows(program: Command, context: CommandContext): void {
  withJobOptions(program.command('windows [job]'))
    .summary('past windows with their outcome, and the next ones')
    .description('Lists every window since the first one known here: its outcome, or that nothing ran in it.')
    .option('--next <n>', 'how many future windows', '7')
    .addHelpText('after', '\nExample:\n  nightpress windows catalog --next 30 --json')
    .action(async (name: string | undefined, options: WindowsOptions) => {
      const project = openProject(options);
      const job = await findJob(project, name);
      const state = openState(jobFolder(project, job.name), { readOnly: true });
      try {
        const windows = listWindows(job, state, { now: context.clock(), next: countOption('--next', options.next) });
        const terminal = openTerminal(context.env, options);
        if (options.json) terminal.out(JSON.stringify({ windows }));
        else for (const { label, closes, outcome } of windows) terminal.out(`${label}  closes ${closes}  ${outcome}`);
      } finally {
        state.close();
      }
    });
}

function listWindows(job: Job, state: State, { now, next }: { now: number; next: number }): readonly WindowLine[] {
  const ledger = [...state.windows()].sort((a, b) => a.opens - b.opens);
  const known = new Set(ledger.map((window) => window.opens));
  const since = ledger[0]?.opens ?? now;
  const missed = openingsBetween(job.window, since, now).filter((window) => !known.has(window.opens));
  const past = [
    ...ledger.map((window) => ({ ...window, outcome: window.outcome ?? 'open' })),
    ...missed.map((window) => ({ ...window, outcome: 'missed' })),
  ].sort((a, b) => a.opens - b.opens);
  const future = nextOpenings(job.window, now, next).map((window) => ({ ...window, outcome: 'expected' }));
  return [...past.slice(-shownPast), ...future].map(({ label, opens, closes, outcome }) => ({
    label,
    opens: new Date(opens).toISOString(),
    closes: new Date(closes).toISOString(),
    outcome,
  }));
}
