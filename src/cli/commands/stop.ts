import type { Command } from 'commander';
import { Fault, faultKinds } from '../../domain/faults.js';
import type { Result } from '../../domain/result.js';
import { stoppedAs } from '../../domain/stopping.js';
import type { RunRow } from '../../state/contract.js';
import { openState, stateExists } from '../../state/open.js';
import { chooseJobs, jobFolder, openProject } from '../compose.js';
import type { CommandContext } from '../context.js';
import { durationOption, fromElsewhere, type JobOptions, withChannelOption, withJobOptions } from '../options.js';
import { count } from '../render/units.js';
import { worst } from '../run-jobs.js';
import { type Stopped, stopRun } from '../stop-run.js';
import { openTerminal, type Terminal } from '../terminal.js';

interface StopOptions extends JobOptions {
  readonly all?: boolean;
  readonly now?: boolean;
  readonly wait: boolean;
  readonly timeout?: string;
}

const defaultTimeout = '10m';

export function addStop(program: Command, context: CommandContext): void {
  withChannelOption(withJobOptions(program.command('stop [job]')))
    .summary('ask the live run to stop, and wait until it has')
    .description(
      `Asks the run that holds a job to hand out nothing more and to end when what is in flight has (its --grace). Nothing
finished is lost; the next run goes on from there. Asking twice does no harm. Without a live run it says so.`,
    )
    .option('--all', 'every job of the project in turn')
    .option('--now', 'do not wait for work in flight: it is ended, and done again by the next run')
    .option('--no-wait', 'ask, and do not wait for the end')
    .option('--timeout <duration>', `how long to wait for the end (default: ${defaultTimeout})`)
    .addHelpText(
      'after',
      `
Examples:
  nightpress stop catalog
  nightpress stop catalog --now --timeout 30s
  nightpress stop --all --no-wait

Exit codes: 0 it has ended or there was none, 2 it runs on another host or as another user, 11 it has not ended yet.`,
    )
    .action(async (job: string | undefined, options: StopOptions) => {
      context.exit = await stopJobs(context, job, options);
    });
}

async function stopJobs(context: CommandContext, name: string | undefined, options: StopOptions): Promise<number> {
  if (!options.wait && options.timeout !== undefined)
    throw new Fault('usage', '--no-wait and --timeout: expected one of them');
  const waitMs = options.wait ? durationOption('--timeout', options.timeout ?? defaultTimeout) : undefined;
  const project = openProject(options);
  const terminal = openTerminal(context.env, options);
  const exits: number[] = [];
  for (const job of chooseJobs(project, name, options.all ?? false)) {
    const folder = jobFolder(project, job);
    const stopped = await stopRun(folder, { now: options.now ?? false, waitMs });
    exits.push(tell(terminal, options, { job, stopped, run: runOf(folder, stopped) }));
  }
  return worst(exits);
}

/** What the state knows of the run that was asked, once it has ended. */
function runOf(folder: string, stopped: Stopped): RunRow | undefined {
  if (stopped.kind !== 'ended' || !stopped.holder.run || !stateExists(folder)) return undefined;
  const state = openState(folder, { readOnly: true });
  try {
    return state.run(stopped.holder.run);
  } finally {
    state.close();
  }
}

interface Told {
  readonly job: string;
  readonly stopped: Stopped;
  readonly run: RunRow | undefined;
}

function tell(terminal: Terminal, options: StopOptions, told: Told): number {
  const { job, stopped, run } = told;
  const exit = stopped.kind === 'late' ? faultKinds['run-locked'].exit : 0;
  const next = fromElsewhere(options, nextOf(told));
  if (options.json) {
    const holder = stopped.kind === 'none' ? null : stopped.holder;
    const { outcome = null, result = null } = run ?? {};
    terminal.out(
      JSON.stringify({
        type: 'stop',
        job,
        state: stopped.kind,
        holder,
        run: run?.id ?? null,
        outcome,
        result,
        next,
        exit,
      }),
    );
  } else if (!(terminal.quiet && exit === 0)) {
    terminal.out(`${job}  ${verdictOf(told)}`);
    for (const command of next) terminal.out(`  next      ${command}`);
  }
  return exit;
}

function verdictOf({ stopped, run }: Told): string {
  if (stopped.kind === 'none') return 'no run is live';
  const { pid, run: id } = stopped.holder;
  const who = id === undefined ? `pid ${pid}` : `run ${id} (pid ${pid})`;
  if (stopped.kind === 'asked') return `${who} was asked to stop`;
  if (stopped.kind === 'late') return `${who} was asked to stop and has not ended yet`;
  return `${who} ${stoppedAs({ began: id !== undefined, outcome: run?.outcome })}${figures(run)}`;
}

function figures(run: RunRow | undefined): string {
  const { items } = (run?.result ?? {}) as Partial<Result>;
  return items ? `; ${items.done + items.reused} of ${count(items.total - items.unchanged, 'item')} finished` : '';
}

function nextOf({ job, stopped, run }: Told): readonly string[] {
  if (stopped.kind === 'none') return [];
  if (stopped.kind === 'late') return [`nightpress stop ${job} --now`];
  if (stopped.kind === 'asked') return [`nightpress status ${job} --watch`];
  return ((run?.result ?? {}) as Partial<Result>).next ?? [`nightpress run ${job}`];
}
