import { Fault } from '../domain/faults.js';
import { noRun, type Result } from '../domain/result.js';
import type { Job } from '../domain/types.js';
import { elapsedMs, liveOf } from '../engine/report.js';
import { findJob, openOrigin } from './compose.js';
import { openingLine } from './opening.js';
import { waysOutOf } from './options.js';
import { faultLines } from './render/fault.js';
import type { RunCall } from './run-call.js';
import { seenLast } from './seen-last.js';

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
    const waysOut = waysOutOf(call.context, error);
    const told = { fault: error, waysOut, job: job?.name ?? name, channel: job?.channel, startedAt };
    const early = { ...told, ...(job && (await liveNow(call, job, error))) };
    showFault(call, early);
    await also?.(earlyResult(call, early));
    return error.exit;
  }
}

/** What the origin shows, whatever is wrong here, or what was seen there last. */
async function liveNow({ project }: RunCall, job: Job, { code }: Fault): Promise<Pick<Result, 'live' | 'lastSeen'>> {
  const lastSeen = seenLast(project, job);
  if (code === 'origin-unreachable') return { live: null, lastSeen }; // it was just waited for
  try {
    const head = (await (await openOrigin(job, 'look')).readHead())?.head;
    return head || !lastSeen ? { live: liveOf(head) } : { live: null, lastSeen };
  } catch {
    return { live: null, lastSeen }; // the fault being told is the news
  }
}

interface EarlyFault {
  readonly fault: Fault;
  readonly waysOut: readonly string[];
  readonly job: string | undefined;
  readonly channel: string | undefined;
  /** Both undefined: the job is not known. */
  readonly live?: Result['live'];
  readonly lastSeen?: Result['lastSeen'];
  readonly startedAt: number;
}

function showFault(call: RunCall, early: EarlyFault): void {
  const { waysOut, fault } = early;
  const { message, problems } = fault;
  if (call.options.json) call.terminal.out(JSON.stringify(earlyResult(call, early)));
  else for (const line of faultLines({ message, problems, waysOut }, early)) call.terminal.note(line);
}

/** A fault from before there was a run still ends in one result record. */
function earlyResult(call: RunCall, early: EarlyFault): Result {
  const { fault, waysOut, job, channel, live = null, lastSeen, startedAt } = early;
  return {
    type: 'result',
    ...noRun,
    job: job ?? '',
    ...(channel !== undefined && { channel }),
    window: null,
    outcome: 'failed',
    exit: fault.exit,
    live,
    ...(lastSeen !== undefined && { lastSeen }),
    fault: { code: fault.code, message: [fault.message, ...fault.problems].join('; ') },
    next: waysOut.map((way) => way.replaceAll('{job}', job ?? '').trim()),
    durationMs: elapsedMs(call.context, startedAt),
  };
}
