import type { Command } from 'commander';
import { chooseWindow } from '../../domain/choose-window.js';
import { Fault } from '../../domain/faults.js';
import { type GateRule, gateRules } from '../../domain/gate.js';
import type { Job, Window } from '../../domain/types.js';
import { latestOpening, nextOpenings } from '../../domain/window.js';
import { windowToCome } from '../../domain/window-to-come.js';
import { jobNames } from '../../job/load.js';
import type { State } from '../../state/contract.js';
import { splitWords } from '../at-origin.js';
import { findJob, jobFolder, openProject } from '../compose.js';
import type { CommandContext } from '../context.js';
import { choiceOption, type JobOptions, withChannelOption, withJobOptions } from '../options.js';
import { openTerminal } from '../terminal.js';
import { writingState } from '../writing-state.js';

interface ApproveOptions extends JobOptions {
  readonly reason?: string;
  readonly window?: string;
}

export function addApprove(program: Command, context: CommandContext): void {
  withChannelOption(withJobOptions(program.command('approve')))
    .argument('<rule...>', 'the job (not needed in a project of one), then a rule of the gate')
    .usage('[options] [job] <rule> --reason <text>')
    .summary('let a gate rule pass in one window to come')
    .description(
      `A planned shrink, a new encoder: what the gate would hold tonight is approved beforehand, for one window. Rules:
${gateRules.join(', ')}. plan says which ones the night will meet. Of tolerate and shrink, a share above 0% always allows one.`,
    )
    .option('--reason <text>', 'why, in your words; kept with the snapshot')
    .option('--window <label>', 'such as 2026-11-22T02:00 (default: the window that the next run takes)')
    .addHelpText(
      'after',
      "\nExample:\n  nightpress approve catalog shrink --reason 'the winter range is gone'\n\nExit codes: 0, 2 no such rule or window, 11 a run holds the job.",
    )
    .action(async (words: readonly string[], options: ApproveOptions) => {
      await approve(context, words, options);
    });
}

async function approve(context: CommandContext, given: readonly string[], options: ApproveOptions): Promise<void> {
  const project = openProject(options);
  const { name, rest } = splitWords(jobNames(project), { given, needed: ['rule'] });
  const job = await findJob(project, name);
  const rule = choiceOption('rule', rest[0] ?? '', gateRules);
  const { reason } = options;
  if (!reason?.trim()) throw new Fault('usage', 'approve without a reason: expected --reason TEXT, which is kept');
  const folder = jobFolder(project, job.name);
  await writingState({ context, folder, job: job.name }, (state) => {
    const at = context.clock();
    const window = options.window === undefined ? nextWindow(job, state, at) : windowNamed(job, options.window, at);
    state.approve({ opens: window.opens, rule, reason, at });
    tell(context, options, { job: job.name, rule, reason, window });
  });
}

/** The one that `run` would work in; where it has nothing to do, the next one. */
function nextWindow({ window: spec }: Job, state: State, now: number): Window {
  const open = state.openRun();
  const openRun = open && { opens: open.window.opens };
  const decision = chooseWindow({ now, spec, windows: state.windows(), openRun, damaged: state.condemned() });
  return windowToCome(decision, spec, now);
}

const lookAhead = 400;

function windowNamed({ window: spec }: Job, label: string, now: number): Window {
  const windows = [latestOpening(spec, now), ...nextOpenings(spec, now, lookAhead)];
  const found = windows.find((window) => window.label === label);
  if (found) return found;
  const next = windows.slice(0, 3).map((window) => window.label);
  throw new Fault('usage', `--window ${label}: expected an opening of the schedule, such as ${next.join(', ')}`);
}

interface Approval {
  readonly job: string;
  readonly rule: GateRule;
  readonly reason: string;
  readonly window: Window;
}

function tell({ env }: CommandContext, options: ApproveOptions, { job, rule, reason, window }: Approval): void {
  const terminal = openTerminal(env, options);
  const opens = new Date(window.opens).toISOString();
  if (options.json) {
    const record = { type: 'approval', job, rule, reason, window: { label: window.label, opens } };
    terminal.out(JSON.stringify(record));
  } else terminal.out(`${job}  ${rule} may pass in window ${window.label}: ${reason}`);
}
