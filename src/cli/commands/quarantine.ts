import type { Command } from 'commander';
import type { Acceptance } from '../../domain/acceptance.js';
import { Fault } from '../../domain/faults.js';
import { type Failing, failingIn } from '../../engine/failing.js';
import { jobNames } from '../../job/load.js';
import type { State } from '../../state/contract.js';
import { openState } from '../../state/open.js';
import { splitWords } from '../at-origin.js';
import { findJob, jobFolder, openProject } from '../compose.js';
import type { CommandContext } from '../context.js';
import { fromElsewhere, globsOption, type JobOptions, withChannelOption, withJobOptions } from '../options.js';
import { failingRecord, renderFailing } from '../render/failing.js';
import { openTerminal, type Terminal } from '../terminal.js';
import { untilOption } from '../until.js';
import { writingState } from '../writing-state.js';

interface AcceptOptions extends JobOptions {
  readonly reason?: string;
  readonly until?: string;
}

export function addQuarantine(program: Command, context: CommandContext): void {
  const quarantine = program
    .command('quarantine')
    .summary('what fails: list, try again, live with it')
    .description(
      `Assets that fail for good are remembered by content, recipe and tools, and not tried again until one of these
changes. Here they are listed, released to be tried again, or accepted: then they no longer make exit code 3.`,
    )
    .addHelpText(
      'after',
      `
Examples:
  nightpress quarantine list catalog
  nightpress quarantine release catalog 'products/**'
  nightpress quarantine accept catalog products/old.psd --reason 'the shop does not show it' --until 2027-01-31

Exit codes: 0, 2 nothing matches, 11 a run holds the job, 12 the state cannot be written.`,
    );
  withChannelOption(withJobOptions(quarantine.command('list [job]')))
    .description('Everything that failed in the last run.')
    .action(async (job: string | undefined, options: JobOptions) => {
      await onFailing(context, options, { words: job === undefined ? [] : [job] }, (call) => list(call));
    });
  withChannelOption(withJobOptions(quarantine.command('release')))
    .argument('<globs...>', 'the job (not needed in a project of one), then globs over asset keys')
    .usage('[options] [job] <glob...>')
    .description('Forgets that these fail, and that they were accepted: the next run that looks at them tries again.')
    .action(async (words: readonly string[], options: JobOptions) => {
      await onFailing(context, options, { words, choose: true, write: true }, (call) => release(call));
    });
  withChannelOption(withJobOptions(quarantine.command('accept')))
    .argument('<globs...>', 'the job (not needed in a project of one), then globs over asset keys')
    .usage('[options] [job] <glob...> --reason <text>')
    .description('Lives with these failures as long as content, recipe and tools stay, or until a day.')
    .option('--reason <text>', 'why, in your words')
    .option('--until <when>', "a day such as '2027-01-31', or from now such as '30d'")
    .action(async (words: readonly string[], options: AcceptOptions) => {
      await onFailing(context, options, { words, choose: true, write: true }, (call) => accept(call, options));
    });
}

interface FailingCall {
  readonly context: CommandContext;
  readonly terminal: Terminal;
  readonly options: JobOptions;
  readonly job: string;
  readonly state: State;
  /** Those that were named, or all. */
  readonly chosen: readonly Failing[];
}

interface Access {
  readonly words: readonly string[];
  /** Globs after the job choose. */
  readonly choose?: boolean;
  readonly write?: boolean;
}

async function onFailing(
  context: CommandContext,
  options: JobOptions,
  { words, choose, write }: Access,
  work: (call: FailingCall) => void,
): Promise<void> {
  const project = openProject(options);
  const optional = words.map(() => 'glob');
  const { name, rest } = splitWords(jobNames(project), { given: words, needed: choose ? ['glob'] : [], optional });
  const { name: job } = await findJob(project, name);
  const folder = jobFolder(project, job);
  const terminal = openTerminal(context.env, options);
  const run = (state: State): void => {
    const failing = failingIn(state, context.clock());
    work({ context, terminal, options, job, state, chosen: choose ? chosenFrom(failing, job, rest) : failing });
  };
  if (write) return await writingState({ context, folder, job }, run);
  const state = openState(folder, { readOnly: true });
  try {
    run(state);
  } finally {
    state.close();
  }
}

function chosenFrom(failing: readonly Failing[], job: string, globs: readonly string[]): readonly Failing[] {
  const keys = new Set(failing.map(({ key }) => key));
  const others = globs.filter((glob) => !keys.has(glob)); // a key may look like a glob
  const matches = others.length > 0 ? globsOption('glob', others) : () => false;
  const chosen = failing.filter(({ key }) => globs.includes(key) || matches(key));
  if (chosen.length > 0) return chosen;
  throw new Fault('usage', `nothing that failed in the last run matches ${globs.join(' ')}`, {
    hint: `nightpress quarantine list ${job}`,
  });
}

function list(call: FailingCall): void {
  tell(call, 'list', call.chosen, [`nightpress quarantine accept ${call.job} GLOB --reason TEXT`]);
}

function release(call: FailingCall): void {
  const { state, chosen, job } = call;
  state.releaseQuarantine(chosen.flatMap(({ fingerprint }) => fingerprint ?? []));
  state.revoke(chosen.map(({ item }) => item));
  const released = chosen.map((one) => ({ ...one, quarantined: false, accepted: undefined }));
  tell(call, 'release', released, [`nightpress retry ${job} --failed`]);
}

function accept(call: FailingCall, { reason, until }: AcceptOptions): void {
  if (!reason?.trim())
    throw new Fault('usage', 'accept without a reason: expected --reason TEXT, which is shown with it');
  const at = call.context.clock();
  const end = until === undefined ? undefined : untilOption('--until', until, at);
  const accepted = call.chosen.map((one) => ({ ...one, accepted: acceptanceOf(one, { reason, until: end, at }) }));
  call.state.accept(accepted.map((one) => one.accepted));
  tell(call, 'accept', accepted, [`nightpress run ${call.job} --now`]);
}

function acceptanceOf(
  { item, key, recipe, fingerprint, finding }: Failing,
  why: Pick<Acceptance, 'reason' | 'until' | 'at'>,
): Acceptance {
  return { item, key, recipe, fingerprint, code: finding.code, ...why };
}

function tell(
  { terminal, options, job }: FailingCall,
  verb: string,
  failing: readonly Failing[],
  next: readonly string[],
): void {
  const hints = failing.length > 0 ? fromElsewhere(options, next) : [];
  if (options.json) terminal.out(JSON.stringify(failingRecord({ job, verb, failing, next: hints })));
  else renderFailing(terminal, { job, verb, failing, next: hints });
}
