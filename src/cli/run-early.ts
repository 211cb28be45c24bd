import { Fault } from '../domain/faults.js';
import { noRun, type Result } from '../domain/result.js';
import type { Job } from '../domain/types.js';
import { elapsedMs, liveOf } from '../engine/report.js';
import { findJob, openOrigin } from './compose.js';
import { openingLine } from './opening.js';
import { hintOf } from './options.js';
import { faultLines } from './render/fault.js';
import type { RunCall } from './run-call.js';

/**
 * Works on one job; a fault from before there was a run is told as every other end is: in text, or as a result record.
 * `also` is given that record when it was shown.
 */
export async function toldInOneRecord(
  call: RunCall,
  name: string | undefined,
  work: (job: Job) => Promise<number>,
  also?: (early: Result) => Promise<void>,
): Promise<number> {
  const startedAt = call.context.clock();
  const begin = (named: string | undefined) => call.terminal.begin(openingLine(call.context, startedAt, named));
  let job: Job | undefined;
  try {
    job = await findJob(call.project, name);
    begin(job.name);
    return await work(job);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    if (!job) begin(name);
    const live = job && (await liveNow(job));
    const hint = hintOf(call.context, error);
    const early = { fault: error, hint, job: job?.name ?? name, channel: job?.channel, live, startedAt };
    showFault(call, early);
    await also?.(earlyResult(call, early));
    return error.exit;
  }
}

/** What the origin shows, whatever is wrong here. */
async function liveNow(job: Job): Promise<Result['live'] | 'unreadable'> {
  try {
    return liveOf((await (await openOrigin(job)).readHead())?.head);
  } catch {
    return 'unreadable'; // the fault being told is the news; a head that cannot be read was not moved by us either
  }
}

interface EarlyFault {
  readonly fault: Fault;
  readonly hint: string;
  readonly job: string | undefined;
  readonly channel: string | undefined;
  readonly live: Result['live'] | 'unreadable' | undefined;
  readonly startedAt: number;
}

function showFault(call: RunCall, early: EarlyFault): void {
  const { hint, fault } = early;
  const { message, problems } = fault;
  if (call.options.json) call.terminal.out(JSON.stringify(earlyResult(call, early)));
  else for (const line of faultLines({ message, problems, hint }, early)) call.terminal.note(line);
}

/** A fault from before there was a run still ends in one result record. */
function earlyResult(call: RunCall, { fault, hint, job, channel, live, startedAt }: EarlyFault): Result {
  return {
    type: 'result',
    ...noRun,
    job: job ?? '',
    ...(channel !== undefined && { channel }),
    window: null,
    outcome: 'failed',
    exit: fault.exit,
    live: live === undefined || live === 'unreadable' ? null : live,
    fault: { code: fault.code, message: [fault.message, ...fault.problems].join('; ') },
    next: [hint.replaceAll('{job}', job ?? '').trim()],
    durationMs: elapsedMs(call.context, startedAt),
  };
}
