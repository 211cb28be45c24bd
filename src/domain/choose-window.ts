import { Fault } from './faults.js';
import type { Outcome, Window, WindowSpec } from './types.js';
import { latestOpening, nextOpenings, openingsBetween, unscheduledWindow } from './window.js';

/**
 * Which window `run` works in, decided from the schedule, the ledger and the clock. Two windows are the same when they
 * open at the same instant; which of two is "later" is asked only of openings and `now`.
 *
 *   open run, window still its turn, same work    resume
 *   open run, window still its turn, other work   run the same window, superseding
 *   open run, another window's turn by now        as if there were none, superseding
 *   --rerun                                       run the current window or a newer unscheduled one again
 *   --now                                         run a window that opens this moment; resumes one that is unfinished
 *   current window held by its deadline           nothing: what was left comes first in the next window
 *   current window closed, unbegun, catchUp none  nothing: it stays missed
 *   current window held, failed, … or unknown     run it: scan anew
 *   settled, but a newer unscheduled one is not   run that one: whatever ends a night, `run` alone goes on
 *   both settled, but live blobs are damaged      run the newer of them again, unless held by its deadline
 *   both settled                                  nothing
 *
 * The current window is the latest opening at or before now, open or already closed: a night that was missed is caught
 * up once, older ones are only named; with `catchUp: 'none'` it is only named too, but for the first run ever. The window
 * of an open run is still its turn while no scheduled window opened after it; a scheduled one must also still be an
 * opening of the schedule.
 *
 * A clock that was set back makes ledger rows lie in the future. Nothing follows from such rows, except that an open
 * run goes on: the clock went back, the work did not. Settled windows stay settled under their own opening. Rejected:
 * taking the newest row for "now"; one night with the clock in 2099 would then be the last night for decades.
 */
export interface ChooseInput {
  readonly now: number;
  readonly spec: WindowSpec;
  /** The ledger, in any order. */
  readonly windows: readonly LedgerWindow[];
  /** The run without a final outcome; its window is in the ledger. */
  readonly openRun?: {
    readonly opens: number;
    /** What changed since it was planned: job or tools, or only what is live. Undefined: its plan still holds. */
    readonly changed?: 'work' | 'live';
  };
  /** Assets of which `verify` found live blobs damaged, and no run looked at since. */
  readonly damaged?: number;
  readonly flags?: { readonly now?: boolean; readonly rerun?: boolean };
}

type LedgerView = Pick<ChooseInput, 'now' | 'spec' | 'windows'>;

export interface LedgerWindow extends Window {
  readonly scheduled: boolean;
  readonly outcome?: Outcome;
  /** Held because its deadline came: its work goes on in the next window, not by day. */
  readonly byDeadline?: boolean;
}

export type Decision =
  | { readonly kind: 'nothing'; readonly window: Window; readonly because: string }
  | { readonly kind: 'resume'; readonly window: Window; readonly because: string }
  | {
      readonly kind: 'run';
      readonly window: Window;
      readonly scheduled: boolean;
      /** Scheduled windows before the current one that never ended, oldest first: named, not run. */
      readonly missed: readonly Window[];
      readonly because: string;
    };

/** Throws `usage` when `now` and `rerun` are both asked for. */
export function chooseWindow(input: ChooseInput): Decision {
  const { now: outside = false, rerun = false } = input.flags ?? {};
  if (outside && rerun) throw new Fault('usage', '--now and --rerun given together, expected one of them');
  if (rerun) return runAgain(input);
  const unfinished = unfinishedWindow(input);
  if (unfinished && !(outside && unfinished.scheduled)) return goOn(input, unfinished);
  return outside ? outsideWindow(input) : currentWindow(input);
}

/** The ledger row of the open run, while it is still its turn. */
function unfinishedWindow({ now, spec, windows, openRun }: ChooseInput): LedgerWindow | undefined {
  if (!openRun) return undefined;
  const row = windows.find(({ opens }) => opens === openRun.opens);
  if (!row) throw new Error(`the open run's window of ${new Date(openRun.opens).toISOString()} is not in the ledger`);
  return isItsTurn(spec, now, row) ? row : undefined;
}

/** No scheduled window opened after it, and it is still an opening of the schedule if it is a scheduled one. */
export function isItsTurn(spec: WindowSpec, now: number, { opens, scheduled }: LedgerWindow): boolean {
  const latest = latestOpening(spec, Math.max(now, opens));
  return scheduled ? latest.opens === opens : latest.opens <= opens;
}

function goOn(input: ChooseInput, row: LedgerWindow): Decision {
  const { label } = row;
  const changed = input.openRun?.changed;
  const what = changed === 'live' ? 'what is live' : 'job or tools';
  if (changed) return run(input, row, `${what} changed since the run of ${label} was planned`);
  return { kind: 'resume', window: windowOf(row), because: `the run of ${label} is unfinished` };
}

function runAgain(input: ChooseInput): Decision {
  const current = { ...latestOpening(input.spec, input.now), scheduled: true };
  return run(input, newestOutside(input, current.opens) ?? current, 'asked for with --rerun');
}

/** The newest unscheduled window that opened since. */
function newestOutside({ windows, now }: ChooseInput, since: number): LedgerWindow | undefined {
  return windows
    .filter(({ scheduled, opens }) => !scheduled && opens > since && opens <= now)
    .reduce<LedgerWindow | undefined>((latest, row) => (latest && latest.opens > row.opens ? latest : row), undefined);
}

function outsideWindow(input: ChooseInput): Decision {
  return run(input, { ...unscheduledWindow(input.spec, input.now), scheduled: false }, 'asked for with --now');
}

function currentWindow(input: ChooseInput): Decision {
  const current = latestOpening(input.spec, input.now);
  const row = input.windows.find(({ opens }) => opens === current.opens);
  const isLeft = !row && isLeftAsMissed(input, current);
  if (!row && !isLeft) return run(input, { ...current, scheduled: true }, whyNew(input, current));
  if (row && !isOver(row)) return run(input, { ...current, scheduled: true }, whyAgain(row));
  const outside = newestOutside(input, current.opens);
  if (outside && !isOver(outside)) return run(input, outside, whyAgain(outside));
  const last = outside ?? row;
  if (input.damaged && !last?.byDeadline)
    return run(input, last ?? { ...current, scheduled: true }, whyDamaged(input.damaged));
  const [next = current] = nextOpenings(input.spec, input.now, 1);
  const because = `window ${current.label} ${howEnded(row)}; the next opens ${next.label}, run --now works at once`;
  return { kind: 'nothing', window: windowOf(row ?? current), because };
}

/** Of a window without a row: whether the job lets it be, now that it is closed. The first run ever works at once. */
export function isLeftAsMissed({ now, spec, windows }: LedgerView, window: Window): boolean {
  return spec.catchUp === 'none' && now >= window.closes && windows.length > 0;
}

function howEnded(row: LedgerWindow | undefined): string {
  if (!row) return 'was missed and is not caught up (catchUp)';
  return row.byDeadline ? 'was held by its deadline' : `is ${row.outcome}`;
}

type RunDecision = Extract<Decision, { kind: 'run' }>;

/** A window that is worked again is as long as the schedule says today. */
function run(input: ChooseInput, { opens, label, scheduled }: LedgerWindow, because: string): RunDecision {
  const missed = missedWindows(input);
  const unnamed = missed.filter((window) => !because.includes(window.label));
  return {
    kind: 'run',
    window: { opens, closes: opens + input.spec.lengthMs, label },
    scheduled,
    missed,
    because: unnamed.length === 0 ? because : `${because}; never ended before it: ${listed(unnamed)}`,
  };
}

function listed(windows: readonly Window[]): string {
  const newest = windows.slice(-5).map(({ label }) => label);
  const older = windows.length - newest.length;
  return `${newest.join(', ')}${older > 0 ? ` and ${older} older` : ''}`;
}

/** Since the newest scheduled row, itself included when its run never ended, up to the current window. */
function missedWindows({ now, spec, windows }: ChooseInput): readonly Window[] {
  const current = latestOpening(spec, now);
  const known = windows.filter(({ scheduled, opens }) => scheduled && opens <= current.opens);
  if (known.length === 0) return [];
  const newest = Math.max(...known.map(({ opens }) => opens));
  const ended = new Set(known.filter(({ outcome }) => outcome && outcome !== 'interrupted').map(({ opens }) => opens));
  return openingsBetween(spec, newest - 1, current.opens - 1).filter(({ opens }) => !ended.has(opens));
}

function isOver({ outcome, byDeadline = false }: LedgerWindow): boolean {
  return byDeadline || outcome === 'published' || outcome === 'unchanged' || outcome === 'incomplete';
}

function whyNew({ windows, openRun }: ChooseInput, current: Window): string {
  if (windows.length === 0) return 'first run';
  const left = windows.find(({ opens }) => opens === openRun?.opens);
  return left
    ? `the run of ${left.label} is unfinished, but it is the turn of ${current.label}`
    : `${current.label} is due`;
}

function whyAgain({ label, outcome }: LedgerWindow): string {
  if (outcome === 'held') return `${label} was held`;
  if (outcome === 'failed') return `${label} failed`;
  return outcome === 'unknown' ? `whether ${label} was published is unknown` : `the run of ${label} never ended`;
}

function whyDamaged(assets: number): string {
  return `verify found blobs of ${assets} ${assets === 1 ? 'asset' : 'assets'} damaged`;
}

function windowOf({ opens, closes, label }: Window): Window {
  return { opens, closes, label };
}
