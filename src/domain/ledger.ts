import { type ChooseInput, isItsTurn, isLeftAsMissed, type LedgerWindow } from './choose-window.js';
import type { Outcome, Window, WindowSpec } from './types.js';
import { latestOpening, nextOpenings, openingsBetween } from './window.js';

/**
 * Every window of a job and what became of it, derived from the rows of windows that runs were begun in, the schedule and
 * the clock. Each opening has exactly one line, and each line exactly one outcome:
 *
 *   published … unknown    its newest run ended so
 *   open, interrupted      a run is at it, or the next `run` goes on with it
 *   due                    it opened last and the next `run` takes it
 *   missed                 no run of it ended, and none will: a later window opened, or it closed and is not caught up
 *   expected               it has not opened yet
 *
 * Rejected: a row for every window nobody ran. Somebody would have to be running to write it.
 */
export interface LedgerLine extends Window {
  /** False for `run --now`. */
  readonly scheduled: boolean;
  readonly outcome: Outcome | 'open' | 'due' | 'missed' | 'expected';
}

export interface LedgerInput extends Pick<ChooseInput, 'now' | 'spec' | 'windows'> {
  /** The run without a final outcome. `live`: its process works right now. */
  readonly openRun?: { readonly opens: number; readonly live: boolean };
  /** How many windows to come. */
  readonly next: number;
}

/** In the order of openings. Of more than `mostOpenings` windows without a row only the newest are in it. */
export function readLedger(input: LedgerInput): readonly LedgerLine[] {
  const { now, spec, windows, next } = input;
  const begun = new Set(windows.map(({ opens }) => opens));
  const isFree = ({ opens }: Window) => !begun.has(opens);
  const lines: LedgerLine[] = [
    ...windows.map((row) => ({ ...lineOf(row), scheduled: row.scheduled, outcome: outcomeOf(input, row) })),
    ...openingsBetween(spec, knownSince(input), now)
      .filter(isFree)
      .map((window) => ({ ...window, scheduled: true, outcome: outcomeOfFree(input, window) })),
    ...nextOpenings(spec, now, next + windows.length)
      .filter(isFree)
      .slice(0, next)
      .map((window) => ({ ...window, scheduled: true, outcome: 'expected' as const })),
  ];
  return lines.sort((a, b) => a.opens - b.opens);
}

function lineOf({ opens, closes, label }: Window): Window {
  return { opens, closes, label };
}

function outcomeOf(input: LedgerInput, row: LedgerWindow): LedgerLine['outcome'] {
  const { outcome, opens } = row;
  if (outcome && outcome !== 'interrupted') return outcome;
  const itsTurn = isItsTurn(input.spec, input.now, row);
  const { openRun } = input;
  if (openRun?.opens === opens && (openRun.live || itsTurn)) return outcome ?? 'open';
  if (opens > input.now) return 'expected'; // begun by a clock that was set back since
  return itsTurn ? 'due' : 'missed';
}

function outcomeOfFree(input: LedgerInput, window: Window): LedgerLine['outcome'] {
  const isLatest = latestOpening(input.spec, input.now).opens === window.opens;
  return isLatest && !isLeftAsMissed(input, window) ? 'due' : 'missed';
}

/**
 * After which instant a window without a row was missed: the oldest row since which every scheduled one is an opening of
 * today's schedule. What the schedule before it would have opened is not known. The latest opening is always known of.
 */
function knownSince({ now, spec, windows }: LedgerInput): number {
  const past = windows.filter(({ opens }) => opens <= now).sort((a, b) => b.opens - a.opens);
  const scheduled = past.filter((row) => row.scheduled);
  const other = scheduled.findIndex(({ opens }) => !isOpening(spec, opens));
  const ofToday = other < 0 ? scheduled : scheduled.slice(0, Math.max(1, other));
  const since = (ofToday.at(-1) ?? past.at(-1))?.opens ?? now;
  return Math.min(since, latestOpening(spec, now).opens - 1);
}

function isOpening(spec: WindowSpec, instant: number): boolean {
  return latestOpening(spec, instant).opens === instant;
}
