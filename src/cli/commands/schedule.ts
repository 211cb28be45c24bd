import { userInfo } from 'node:os';
import type { Command } from 'commander';
import { callMinutes } from '../../domain/call-minutes.js';
import { Fault } from '../../domain/faults.js';
import type { Job } from '../../domain/types.js';
import { jobNames, type Project } from '../../job/load.js';
import { edgeNeeds, findJob, openProject } from '../compose.js';
import type { CommandContext } from '../context.js';
import { choiceOption, durationOption, type JobOptions, withJobOptions } from '../options.js';
import { callOf, runWords } from '../schedule/call.js';
import { crontabLine } from '../schedule/crontab.js';
import { cronJob, type Json, toYaml } from '../schedule/kubernetes.js';
import { needsLines, needsOf, type Scheduler } from '../schedule/needs.js';
import { systemdUnits, type UnitFile } from '../schedule/systemd.js';
import { openTerminal } from '../terminal.js';

interface ScheduleOptions extends JobOptions {
  readonly grace: string;
  readonly user?: string;
  readonly image?: string;
  readonly claim: string;
}

const schedulers: readonly Scheduler[] = ['crontab', 'systemd', 'kubernetes'];
const usualGrace = '30s';

export function addSchedule(program: Command, context: CommandContext): void {
  withJobOptions(program.command('schedule <scheduler> [job]'))
    .summary('entries for crontab, systemd or kubernetes')
    .description(
      `Prints what a scheduler needs to call the job, or every job of the project: crontab, systemd or kubernetes.
Installs nothing. The calls come in every hour, at the minute at which the window opens: each job knows its window in its
own zone, and a call that finds nothing to do ends at once. Credentials that a job needs are named in its entry, never written.`,
    )
    .option('--grace <duration>', 'time for items in flight after the first signal', usualGrace)
    .option('--user <name>', 'systemd: who owns project and state (default: you)')
    .option('--image <image>', 'kubernetes: the container image that holds nightpress and its tools')
    .option('--claim <name>', 'kubernetes: the volume claim that holds the project with its state', 'nightpress')
    .addHelpText(
      'after',
      `
Examples:
  nightpress schedule crontab
  nightpress schedule systemd catalog --grace 2m
  nightpress schedule kubernetes --image registry.example.com/nightpress:1 | kubectl apply -f -`,
    )
    .action(async (scheduler: string, job: string | undefined, options: ScheduleOptions) => {
      await printSchedule(context, { scheduler, job }, options);
    });
}

async function printSchedule(
  context: CommandContext,
  asked: { readonly scheduler: string; readonly job: string | undefined },
  options: ScheduleOptions,
): Promise<void> {
  const scheduler = choiceOption('schedule', asked.scheduler, schedulers);
  const project = openProject(options);
  const terminal = openTerminal(context.env, options);
  const names = asked.job === undefined ? jobNames(project) : [asked.job];
  const jobs = await Promise.all(names.map((name) => findJob(project, name)));
  const call = { project, options, env: context.env, now: context.clock() };
  const entries = await Promise.all(
    jobs.map(async (job) => {
      const needs = needsOf(job, await edgeNeeds(job));
      return { ...entryOf[scheduler]({ ...call, needs: needsLines(scheduler, job.name, needs) }, job), needs };
    }),
  );
  if (options.json) terminal.out(JSON.stringify({ type: 'schedule', scheduler, entries }));
  else for (const { text } of entries) terminal.out(text);
  if (!options.json && !terminal.quiet) terminal.note(howTo[scheduler]);
}

interface ScheduleCall {
  readonly project: Project;
  readonly options: ScheduleOptions;
  readonly env: NodeJS.ProcessEnv;
  readonly now: number;
  /** Comment lines. */
  readonly needs: readonly string[];
}

interface Entry {
  readonly job: string;
  /** As it is printed. */
  readonly text: string;
  readonly files?: readonly UnitFile[];
  readonly manifest?: Json;
}

const entryOf: Readonly<Record<Scheduler, (call: ScheduleCall, job: Job) => Entry>> = {
  crontab: ({ project, options, env, now, needs }, { name, window }) => {
    const { timeZone } = Intl.DateTimeFormat().resolvedOptions(); // cron has no other clock than the machine's
    const line = crontabLine(callOf(project, name, env, graceOf(options)), callMinutes(window, timeZone, now));
    const opens = `# nightpress: ${name} opens ${window.cron} ${window.timezone}`;
    return { job: name, text: [opens, ...needs, line].join('\n') };
  },
  systemd: ({ project, options, env, now, needs }, job) => {
    const { name } = job;
    const user = options.user ?? thisUser();
    if (!/^[\w.@-]+\$?$/.test(user)) throw new Fault('usage', `--user ${user}: expected the name of a user`);
    const files = systemdUnits({
      ...callOf(project, name, env, graceOf(options)),
      ...timesOf(job, now),
      job: name,
      user,
      graceMs: durationOption('--grace', options.grace),
      needs,
    });
    const text = files.map((file) => `# /etc/systemd/system/${file.name}\n${file.text}`).join('\n');
    return { job: name, text, files };
  },
  kubernetes: ({ project, options, now, needs }, job) => {
    if (!options.image)
      throw new Fault('usage', 'no --image given: expected the container image that holds nightpress and its tools');
    refuseLostState(project);
    const manifest = cronJob({
      ...timesOf(job, now),
      job: job.name,
      words: runWords(project, job.name, graceOf(options)),
      graceMs: durationOption('--grace', options.grace),
      image: options.image,
      claim: options.claim,
      project: project.folder,
    });
    return { job: job.name, text: ['---', ...needs, toYaml(manifest)].join('\n'), manifest };
  },
};

/** Without its state every call would be a first run, which works at once. */
function refuseLostState({ folder, stateFolder }: Project): void {
  if (stateFolder.startsWith(`${folder}/`)) return;
  throw new Fault('usage', `--state ${stateFolder}: expected a folder in the project ${folder}, which the claim holds`);
}

/** Of a scheduler that can be told a zone. */
function timesOf({ window }: Job, now: number): { readonly minutes: readonly number[]; readonly zone: string } {
  return { minutes: callMinutes(window, window.timezone, now), zone: window.timezone };
}

function graceOf({ grace }: ScheduleOptions): string | undefined {
  durationOption('--grace', grace);
  return grace === usualGrace ? undefined : grace;
}

/** A user without an entry, as in containers, has a number. */
function thisUser(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 0);
  }
}

const howTo: Readonly<Record<Scheduler, string>> = {
  crontab:
    'add these lines with: crontab -e; cron hands over nothing of your environment: what job files read of it goes above them, as NAME=value',
  systemd:
    'write these files, then: systemctl daemon-reload && systemctl enable --now nightpress-JOB.timer; see runs with journalctl -u nightpress-JOB',
  kubernetes:
    'the claim must be a disk (ReadWriteOnce, no network file system) that holds the project; mount what its jobs read and write elsewhere too',
};
