import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { errno, Fault } from '../domain/faults.js';
import { installed } from '../installation.js';
import { addApprove } from './commands/approve.js';
import { addDiff } from './commands/diff.js';
import { addDoctor } from './commands/doctor.js';
import { addExplain } from './commands/explain.js';
import { addExport } from './commands/export.js';
import { addGc } from './commands/gc.js';
import { addInit } from './commands/init.js';
import { addPin } from './commands/pin.js';
import { addPlan } from './commands/plan.js';
import { addPromote } from './commands/promote.js';
import { addPublish } from './commands/publish.js';
import { addQuarantine } from './commands/quarantine.js';
import { addRetry } from './commands/retry.js';
import { addRollback } from './commands/rollback.js';
import { addRun } from './commands/run.js';
import { addSchedule } from './commands/schedule.js';
import { addSnapshots } from './commands/snapshots.js';
import { addStatus } from './commands/status.js';
import { addStop } from './commands/stop.js';
import { addTry } from './commands/try.js';
import { addUnfreeze } from './commands/unfreeze.js';
import { addVerify } from './commands/verify.js';
import { addWindows } from './commands/windows.js';
import { addWithdraw } from './commands/withdraw.js';
import type { CommandContext } from './context.js';
import { waysOutOf } from './options.js';
import { faultLines } from './render/fault.js';

const exitCodes = `
Exit codes:
  0   published, unchanged, or nothing to do
  1   run failed; the next run resumes             69  a needed tool is missing (ffmpeg)
  2   usage or job file                            75  origin or source unreachable, full or busy
  3   live, with carried or missing items          77  credentials refused
  4   staged: held by the gate or a freeze        129  SIGHUP
  5   held at the deadline; resumable             130  SIGINT
  6   publish outcome unknown                     143  SIGTERM
  7   live, but an edge did not serve it while --wait looked, or was not told of a takedown
  10  plan --detailed-exitcode: changes pending
  11  another live run holds the job
  12  work folder or state: no space, read-only, corrupt, newer
  13  verify, doctor or status --check found a problem, or the origin is damaged, lost or not fit
Only 0, 3 and 7 (perhaps 6, and 75 or 77 of withdraw) mean that the live snapshot may be a new one.`;

/** Runs one command line; resolves to the exit code. The one place where an error becomes text and an exit code. */
export async function main(argv: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<number> {
  const context: CommandContext = { env, clock: Date.now, exit: 0 };
  outliveReaders();
  try {
    await buildProgram(context).parseAsync(argv, { from: 'user' });
    return context.exit;
  } catch (error) {
    return explain(error, context, argv.includes('--json'));
  }
}

/** Whoever read our output may be gone (`| head`): the work goes on, there is only nobody left to tell. */
function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error) => {
      if (errno(error) !== 'EPIPE') throw error;
    });
  }
}

export function buildProgram(context: CommandContext): Command {
  const program = new Command('nightpress')
    .description('Publishes a media library every night: only what changed, all of it or nothing of it.')
    .version(version())
    .exitOverride()
    .configureHelp({
      subcommandTerm: (command) =>
        `${command.name()} ${command
          .usage()
          .replace(/\n.*|\[options\] ?/gs, '')
          .trim()}`,
      visibleArguments: ({ registeredArguments }) => registeredArguments.filter(({ description }) => description),
    })
    .showHelpAfterError('(add --help for usage)')
    .addHelpText('after', exitCodes)
    .hook('preAction', (_, command) => {
      context.channel = command.opts().channel;
      context.command = wordsOf(command);
    });
  addRun(program, context);
  addRetry(program, context);
  addPlan(program, context);
  addStatus(program, context);
  addStop(program, context);
  addExplain(program, context);
  addWindows(program, context);
  addSnapshots(program, context);
  addDiff(program, context);
  addExport(program, context);
  addPublish(program, context);
  addPromote(program, context);
  addApprove(program, context);
  addRollback(program, context);
  addUnfreeze(program, context);
  addPin(program, context);
  addWithdraw(program, context);
  addVerify(program, context);
  addGc(program, context);
  addDoctor(program, context);
  addQuarantine(program, context);
  addTry(program, context);
  addInit(program, context);
  addSchedule(program, context);
  return program;
}

/** Without the program: `export edge`. */
function wordsOf(command: Command): string {
  const parent = command.parent?.parent ? `${wordsOf(command.parent)} ` : '';
  return `${parent}${command.name()}`;
}

function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(installed('package.json'), 'utf8'));
  return (manifest as { version: string }).version;
}

function explain(error: unknown, context: CommandContext, json: boolean): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (!(error instanceof Fault)) throw error; // a bug of ours: its stack is what is needed
  const { code, message, problems, exit } = error;
  const next = waysOutOf(context, error);
  if (json) process.stdout.write(`${JSON.stringify({ type: 'fault', code, message, problems, exit, next })}\n`);
  for (const line of faultLines({ message, problems, waysOut: next })) process.stderr.write(`${line}\n`);
  return error.exit;
}
