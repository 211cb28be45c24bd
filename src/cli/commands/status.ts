import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { channelsOf, liveChannel } from '../../domain/channels.js';
import { Fault } from '../../domain/faults.js';
import type { Job } from '../../domain/types.js';
import { inspect, type Standing } from '../../engine/inspect.js';
import { jobNames, type Project } from '../../job/load.js';
import { isLocked, readLockHolder } from '../../state/lock.js';
import { openState } from '../../state/open.js';
import { readVerified } from '../../state/verified.js';
import { type CheckOptions, checkStatus, refuseMixedCheck } from '../check-status.js';
import { channelsHere, findJob, jobFolder, openOrigin, openProject } from '../compose.js';
import type { CommandContext } from '../context.js';
import { fromElsewhere, withChannelOption, withJobOptions } from '../options.js';
import { nextCommands, renderStatus, statusRecord } from '../render/status.js';
import { openTerminal, type Terminal } from '../terminal.js';

interface StatusOptions extends CheckOptions {
  readonly all?: boolean;
}

const watchEveryMs = 1000;

export function addStatus(program: Command, context: CommandContext): void {
  withChannelOption(withJobOptions(program.command('status [job]')))
    .summary('verdict, what is live, the cause, the next command')
    .description('Says where a job stands; works while a run is live.')
    .option('--all', 'every job of the project')
    .option('--watch', 'again every second until the run ends')
    .option('--run <id>', 'an earlier run: its id, or 2 for the one before the newest')
    .option('--check', 'a verdict and what helps, exit code 0 or 13: do the nights go well, and does anybody look?')
    .option(
      '--max-age <duration>',
      'check: how old the newest call may be (default: since the last closed window opened)',
    )
    .addHelpText(
      'after',
      `
Examples:
  nightpress status catalog --watch
  nightpress status catalog --run 2 --json
  nightpress status --all --check --max-age 26h -q

Exit codes: 0, or why what is live cannot be told: 13 the origin is gone or damaged, 75 it does not answer, 77 it refuses the
credentials. Of --check: 0 and 13.`,
    )
    .action(async (job: string | undefined, options: StatusOptions) => {
      context.exit = await showStatus(context, job, options);
    });
}

async function showStatus(context: CommandContext, name: string | undefined, options: StatusOptions): Promise<number> {
  refuseMixedCheck(options);
  const call = { context, project: openProject(options), terminal: openTerminal(context.env, options), options };
  const names = options.all ? jobNames(call.project) : [name];
  const exits: number[] = [];
  for (const one of names) {
    if (options.check) exits.push(await checkStatus({ ...call, look: (job) => look(call, job) }, one));
    else exits.push(await showOne(call, one));
  }
  return Math.max(0, ...exits);
}

interface StatusCall {
  readonly context: CommandContext;
  readonly project: Project;
  readonly terminal: Terminal;
  readonly options: StatusOptions;
}

/** What is known here is told in any case; the exit code says why the rest is not. */
async function showOne(call: StatusCall, name: string | undefined): Promise<number> {
  for (;;) {
    const standing = await look(call, await findJob(call.project, name));
    if (call.options.watch && call.terminal.live) call.terminal.draw('\u001b[H\u001b[2J');
    const next = fromElsewhere(call.options, nextCommands(standing));
    if (call.options.json) call.terminal.out(JSON.stringify(statusRecord(standing, next)));
    else renderStatus(call.terminal, standing, { now: call.context.clock(), next });
    if (!call.options.watch || !standing.running) return standing.originFault?.exit ?? 0;
    await delay(watchEveryMs);
  }
}

async function look({ context, project, options }: StatusCall, job: Job): Promise<Standing> {
  const folder = jobFolder(project, job.name);
  const state = openState(folder, { readOnly: true });
  try {
    const holder = isLocked(folder) ? (readLockHolder(folder) ?? 'unknown') : undefined;
    const standing = await inspect(
      {
        job,
        state,
        origin: await openOrigin(job, 'look'),
        clock: context.clock,
        holder,
        looksAtLive: options.check,
        verified: readVerified(folder),
      },
      options.run,
    );
    if (!options.all) refuseUnknownChannel(project, standing);
    return standing;
  } finally {
    state.close();
  }
}

/** A slip of the hand would otherwise be told as a channel that shows what is live. */
function refuseUnknownChannel(project: Project, { job, channel, head, originFault }: Standing): void {
  if (channel === undefined || originFault) return;
  const known = new Set([...(head ? channelsOf(head) : []), ...channelsHere(project, job)]);
  if (known.has(channel)) return;
  const names = [liveChannel, ...[...known].sort()].map((name) => `'${name}'`).join(', ');
  const message = `no channel '${channel}' of '${job}': expected one of ${names}; its first run --channel begins one`;
  throw new Fault('usage', message, { hint: `nightpress snapshots ${job}` });
}
