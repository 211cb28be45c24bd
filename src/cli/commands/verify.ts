import { hostname } from 'node:os';
import type { Command } from 'commander';
import { Fault } from '../../domain/faults.js';
import { findSnapshot } from '../../domain/find-snapshot.js';
import { repair, type Verification, verify } from '../../engine/verify.js';
import { holdJobLock } from '../../state/lock.js';
import { openState, stateExists } from '../../state/open.js';
import { forgetVerified, writeVerified } from '../../state/verified.js';
import { atOrigin, headOf, type OriginCall } from '../at-origin.js';
import { jobFolder } from '../compose.js';
import type { CommandContext } from '../context.js';
import { fromElsewhere, type JobOptions, withChannelOption, withJobOptions } from '../options.js';
import { nextCommands, type Remedy, renderVerify, verifyRecord } from '../render/verify.js';

interface VerifyCommandOptions extends JobOptions {
  readonly deep?: boolean;
}

const problemFound = 13;

export function addVerify(program: Command, context: CommandContext): void {
  withChannelOption(withJobOptions(program.command('verify')))
    .argument('[snapshot...]', 'the job (not needed in a project of one), then the snapshot (default: live)')
    .usage('[options] [job] [snapshot]')
    .summary('compare every blob with its manifest')
    .description(
      `Looks at every blob of a snapshot, and at every public path of the live one. Where this machine has the job's state
and no run is going on, bad blobs of the live snapshot are taken out of use, so that the next run makes them again, and
paths that do not show their blob are put right. Elsewhere it changes nothing.`,
    )
    .option('--deep', 'read and hash every blob; otherwise existence and size are compared')
    .addHelpText(
      'after',
      '\nExamples:\n  nightpress verify catalog --deep\n  nightpress verify catalog previous --json\n\nExit codes: 0 all is as it should be, 13 something is not, 2 no such snapshot, 75 the origin cannot be reached.',
    )
    .action(async (given: readonly string[], options: VerifyCommandOptions) => {
      await atOrigin(context, options, { given, optional: ['snapshot'], isLong: true }, (call) =>
        verifyNow(call, options),
      );
    });
}

async function verifyNow(call: OriginCall, { deep = false, json }: VerifyCommandOptions): Promise<number> {
  const { job, terminal } = call;
  const head = await headOf(call);
  const snapshot = findSnapshot(head, call.words[0] ?? 'live');
  const isLive = snapshot === head.channels.live?.snapshot;
  const found = await verify(call.origin, snapshot, { deep, live: isLive });
  const bad = found.findings.length > 0;
  const remedy = bad ? await remedyFor(call, found, isLive) : { kind: 'nothing' as const };
  const next = fromElsewhere({ channel: job.channel }, nextCommands(job, { isLive, found, remedy }));
  const view = { job: job.name, deep, isLive, found, remedy, next };
  if (isLive && !bad) forgetVerified(jobFolder(call.project, job.name));
  if (json) terminal.out(JSON.stringify(verifyRecord(view)));
  else if (bad || !terminal.quiet) renderVerify(terminal, view);
  return bad ? problemFound : 0;
}

/** Changes only what a run would then put right: that of the live snapshot, where the state is, while nobody runs. */
async function remedyFor(call: OriginCall, found: Verification, isLive: boolean): Promise<Remedy> {
  const folder = jobFolder(call.project, call.job.name);
  if (!isLive) return { kind: 'not-live' };
  if (!stateExists(folder)) return { kind: 'no-state' };
  const holder = { pid: process.pid, host: hostname(), startedAt: call.clock() };
  try {
    const lock = await holdJobLock(folder, holder, { waitMs: 0 });
    try {
      const state = openState(folder);
      try {
        const repaired = { kind: 'repaired' as const, ...(await repair(call.origin, state, found)) };
        remember(call, folder, found, repaired);
        return repaired;
      } finally {
        state.close();
      }
    } finally {
      lock.release();
    }
  } catch (error) {
    if (error instanceof Fault && error.code === 'run-locked') return { kind: 'locked', why: error.message };
    throw error;
  }
}

/** What was not put right at once waits for a command; `status` tells it until then. */
function remember(call: OriginCall, folder: string, found: Verification, remedy: Remedy): void {
  const next = nextCommands(call.job, { isLive: true, found, remedy });
  const [first] = found.findings;
  if (first && next.length > 0) {
    const { snapshot, findings } = found;
    const said = `${first.message} [${first.code}]`;
    writeVerified(folder, { at: call.clock(), snapshot, problems: findings.length, first: said, next });
  } else forgetVerified(folder);
}
