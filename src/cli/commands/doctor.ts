import type { Command } from 'commander';
import { Fault } from '../../domain/faults.js';
import type { State } from '../../state/contract.js';
import { openEmptyState, openScratchState } from '../../state/open.js';
import { namingJob } from '../at-origin.js';
import { findJob, jobFolder, openNight, openOrigin, openProject } from '../compose.js';
import { agreed } from '../confirm.js';
import type { CommandContext } from '../context.js';
import { type Check, examine, ofOrigin } from '../doctor.js';
import { examineStore, storeRecord, verdictLine } from '../doctor-origin.js';
import { countOption, fromElsewhere, type JobOptions, withChannelOption, withJobOptions } from '../options.js';
import { rebuildState } from '../rebuild.js';
import { rebuildRecord, renderRebuilt } from '../render/rebuild.js';
import { printable } from '../render/units.js';
import { neverStop } from '../stop.js';
import { openTerminal } from '../terminal.js';

const problemFound = 13;
const usualRacers = 32;
const mostRacers = 256;
const rounds = 3;

interface DoctorOptions extends JobOptions {
  readonly rebuild?: boolean;
  readonly origin?: boolean;
  readonly races?: string;
  readonly yes?: boolean;
}

export function addDoctor(program: Command, context: CommandContext): void {
  withChannelOption(withJobOptions(program.command('doctor [job]')))
    .summary('check the machine, the state, source and origin')
    .description(
      `Looks at everything a night needs and changes nothing. Exit 13 when something would keep it from working.
With --origin, tries what the store behind an origin really does: conditions of writes, races, listings, headers, clock;
objects of its own lie under tmp/probe/ meanwhile. Exit 13 when it is not fit for the job as it is configured.
With --rebuild, sets the local state aside and makes a new one from what is live at the origin.`,
    )
    .option('--rebuild', 'a new state, adopted from the origin; the old one is kept beside it')
    .option('--yes', 'rebuild without asking')
    .option('--origin', 'try what the store behind the origin really does')
    .option('--races <n>', `with --origin: so many writers at once (default: ${usualRacers})`)
    .addHelpText(
      'after',
      `
Examples:
  nightpress doctor catalog --json
  nightpress doctor catalog --origin --races 100
  nightpress doctor catalog --rebuild --yes

Exit codes of --origin: 0 fit, 13 not fit, 75 it cannot be reached, 77 the credentials are refused.
Exit codes of --rebuild: 0, 11 a run is live, 12 the work folder cannot be written, 13 the origin is damaged or has no
head, 75 it cannot be reached. Unless it is 0, the state is as it was.`,
    )
    .action(async (job: string | undefined, options: DoctorOptions) => {
      context.exit = await verbOf(options)(context, job, options);
    });
}

function verbOf({ rebuild, origin, races }: DoctorOptions): typeof rebuildJob {
  if (races !== undefined && !origin) throw new Fault('usage', `--races ${races}: expected --origin with it`);
  if (rebuild && origin) throw new Fault('usage', '--origin and --rebuild: expected one of them');
  if (origin) return examineOrigin;
  return rebuild ? rebuildJob : examineJob;
}

async function rebuildJob(context: CommandContext, name: string | undefined, options: DoctorOptions): Promise<number> {
  const project = openProject(options);
  const job = await findJob(project, name);
  const folder = jobFolder(project, job.name);
  const terminal = openTerminal(context.env, options);
  const question = {
    text: `Set the state in ${folder} aside and make a new one from the origin?`,
    yes: options.yes ?? false,
    command: fromElsewhere(options, [`nightpress doctor ${job.name} --rebuild --yes`]).join(''),
  };
  if (!(await agreed(terminal, question))) return 0;
  const rebuilt = await namingJob(job.name, () => rebuildState({ job, folder, clock: context.clock }));
  const view = { ...rebuilt, job: job.name, next: fromElsewhere(options, [`nightpress run ${job.name}`]) };
  if (options.json) terminal.out(JSON.stringify(rebuildRecord(view)));
  else renderRebuilt(terminal, view);
  return 0;
}

/** A folder is no store that could be other than it seems: there it is the looks at it that every doctor takes. */
async function examineOrigin(
  context: CommandContext,
  name: string | undefined,
  options: DoctorOptions,
): Promise<number> {
  const job = await findJob(openProject(options), name);
  const racers = racersOption(options.races);
  const origin = await openOrigin(job, 'look');
  const { probe } = origin;
  if (!probe) return await examineJob(context, job.name, options);
  const terminal = openTerminal(context.env, options);
  const trial = { extent: 'all', racers, rounds, clock: context.clock } as const;
  const report = await namingJob(job.name, async () => examineStore(probe, (await origin.readHead())?.head, trial));
  if (options.json) terminal.out(JSON.stringify(storeRecord(job, report)));
  else for (const line of [...report.checks.map(lineOf), printable(verdictLine(report))]) terminal.out(line);
  return report.unfit === undefined ? 0 : problemFound;
}

function racersOption(text: string | undefined): number {
  const racers = text === undefined ? usualRacers : countOption('--races', text);
  if (racers >= 2 && racers <= mostRacers) return racers;
  throw new Fault('usage', `--races ${racers}: expected 2 to ${mostRacers} writers at once`);
}

async function examineJob(context: CommandContext, name: string | undefined, options: DoctorOptions): Promise<number> {
  const project = openProject(options);
  const job = await findJob(project, name);
  const folder = jobFolder(project, job.name);
  const terminal = openTerminal(context.env, options);
  const { state, fault } = openOrNot(folder);
  try {
    const night = await openNight({
      job,
      folder,
      state,
      workers: 1,
      clock: context.clock,
      emit: () => undefined,
      stop: neverStop,
      patience: 'look',
    });
    const checks = await examine({ job, night, folder, stateFault: fault }, options.origin ? ofOrigin : undefined);
    if (options.json)
      terminal.out(JSON.stringify({ type: options.origin ? 'doctor-origin' : 'doctor', job: job.name, checks }));
    else for (const check of checks) terminal.out(lineOf(check));
    return checks.some((check) => check.verdict === 'problem') ? problemFound : 0;
  } finally {
    state.close();
  }
}

/** A state that cannot be opened is what doctor is asked about: the rest is looked at as if there were none. */
function openOrNot(folder: string): { readonly state: State; readonly fault?: Fault } {
  try {
    return { state: openScratchState(folder) };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { state: openEmptyState(), fault: error };
  }
}

function lineOf({ name, verdict, detail, hint }: Check): string {
  const mark = { ok: 'ok     ', note: 'note   ', problem: 'PROBLEM' }[verdict];
  return `${mark}  ${name.padEnd(12)}  ${printable(detail)}${hint ? ` (${printable(hint)})` : ''}`;
}
