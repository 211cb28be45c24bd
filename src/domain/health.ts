import { notServedExit } from './edges.js';
import type { Outcome, RunId, WindowSpec } from './types.js';
import { latestOpening } from './window.js';

/** What is known of a job when somebody asks whether its nights go well. Instants in milliseconds since the epoch. */
export interface Vitals {
  readonly now: number;
  /** A healthy job left a trace after this instant. */
  readonly since: number;
  /** A call holds the job; when it began, if that is told. */
  readonly live?: { readonly startedAt?: number };
  /** How the newest call that held the job ended. */
  readonly look?: {
    readonly at: number;
    readonly exit: number;
    readonly run: RunId | null;
    readonly because: string | null;
  };
  /** The newest run; without an outcome it was killed. `settledByHand`: what it had staged is live now. */
  readonly run?: {
    readonly outcome?: Outcome;
    readonly startedAt: number;
    readonly endedAt?: number;
    readonly settledByHand: boolean;
  };
  /** Why the head cannot be read, or is not what was remembered. */
  readonly originTrouble?: string;
  /** What is wrong with the live snapshot, as `verify` found and no run has mended since, or as was just seen. */
  readonly damage?: string;
  /** Edges that were not told of what is live. */
  readonly untold?: readonly string[];
}

/**
 *   running       a call is at work
 *   published     the newest run went live
 *   unchanged     it looked at everything and found no change
 *   nothing       a call since then found its window settled
 *   silent        no trace since: nobody called, so cron is dead
 *   stuck         a call is at work for too long
 *   failing       the newest call failed, before or in its run
 *   damaged       the live snapshot is
 *   held, incomplete, interrupted   how the newest run ended; it waits for somebody
 *   untold        all went well, but an edge was not told of what is live
 *   unreadable    what is live cannot be told
 */
export type Verdict =
  | 'running'
  | 'published'
  | 'unchanged'
  | 'nothing'
  | 'silent'
  | 'stuck'
  | 'failing'
  | 'damaged'
  | 'held'
  | 'incomplete'
  | 'interrupted'
  | 'untold'
  | 'unreadable';

export interface Health {
  readonly ok: boolean;
  readonly verdict: Verdict;
  /** When the newest trace was left; undefined: none is known. */
  readonly tracedAt?: number;
  /** What was wrong, where it is known in words. */
  readonly because?: string;
}

/** Clocks of two hosts, or of one before and after it was set. What is later still proves nothing. */
const clockSlackMs = 300_000;

/** From when on a trace is expected: the opening of the newest window that has closed by now. */
export function expectedSince(spec: WindowSpec, now: number): number {
  const latest = latestOpening(spec, now);
  return latest.closes <= now ? latest.opens : latestOpening(spec, latest.opens - 1).opens;
}

/** The first of the table above that is true, troubles before what is well. */
export function judgeHealth(vitals: Vitals): Health {
  const { now, since, live, look, originTrouble } = vitals;
  const tracedAt = newestTrace(vitals);
  if (originTrouble !== undefined) return { ok: false, verdict: 'unreadable', tracedAt, because: originTrouble };
  if (live) {
    const { startedAt = now } = live;
    return startedAt > since
      ? { ok: true, verdict: 'running', tracedAt }
      : { ok: false, verdict: 'stuck', tracedAt: startedAt };
  }
  if (tracedAt === undefined || tracedAt <= since) return { ok: false, verdict: 'silent', tracedAt };
  const isBad = look !== undefined && look.exit !== 0 && look.exit !== notServedExit; // what an edge serves is no night's failure
  const failed = isBad && look.at === tracedAt && look.run === null;
  if (failed) return { ok: false, verdict: 'failing', tracedAt, because: look.because ?? undefined };
  if (vitals.damage !== undefined) return { ok: false, verdict: 'damaged', tracedAt, because: vitals.damage };
  const ended = { ...ofRun(vitals), tracedAt };
  const [first, ...others] = vitals.untold ?? [];
  if (!ended.ok || first === undefined) return ended;
  return { ok: false, verdict: 'untold', tracedAt, because: [first, ...others].join(', ') };
}

function newestTrace({ now, look, run }: Vitals): number | undefined {
  const traces = [look?.at, run?.endedAt ?? run?.startedAt].filter(
    (at) => at !== undefined && at <= now + clockSlackMs,
  );
  return traces.length === 0 ? undefined : Math.max(...(traces as number[]));
}

function ofRun({ look, run }: Vitals): Pick<Health, 'ok' | 'verdict'> {
  const isSettled = look !== undefined && look.run === null && look.at > (run?.endedAt ?? 0);
  if (!run || run.settledByHand) return { ok: true, verdict: isSettled ? 'nothing' : 'published' };
  switch (run.outcome) {
    case 'published':
    case 'unchanged':
      return { ok: true, verdict: isSettled ? 'nothing' : run.outcome };
    case 'held':
    case 'incomplete':
      return { ok: false, verdict: run.outcome };
    case undefined:
    case 'interrupted':
      return { ok: false, verdict: 'interrupted' };
    default:
      return { ok: false, verdict: 'failing' };
  }
}
