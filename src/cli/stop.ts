import { constants } from 'node:os';
import type { StopSwitch } from '../engine/night.js';

/**
 * A stop switch wired to signals: the first asks; the second insists, and ends the process where it stands if it has not
 * ended by itself three seconds later (a scan, a publish); the third does so at once.
 */
export interface SignalStop extends StopSwitch {
  /** The first signal that came, if any. */
  signal(): string | undefined;
  /** What a second signal could not end has ended: from here on only a third ends the process. */
  ended(): void;
  /** Gives the signals back to Node. */
  release(): void;
}

const stopSignals = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const;

/** Longer than killing the workers and closing the log takes. */
const insistMs = 3_000;

export function stopOnSignals(
  graceMs: number,
  told: (signal: string, insisting: boolean) => void,
  exit: (code: number) => void = process.exit,
): SignalStop {
  const asked = new AbortController();
  const now = new AbortController();
  let first: (typeof stopSignals)[number] | undefined;
  let deadline: NodeJS.Timeout | undefined;
  const leave = () => exit(128 + constants.signals[first ?? 'SIGTERM']);
  const onSignal = (signal: (typeof stopSignals)[number]) => {
    if (deadline) return leave();
    told(signal, first !== undefined);
    if (first === undefined) {
      first = signal;
      return asked.abort();
    }
    deadline = setTimeout(leave, insistMs);
    now.abort();
  };
  for (const signal of stopSignals) process.on(signal, onSignal);
  return {
    asked: asked.signal,
    now: now.signal,
    graceMs,
    signal: () => first,
    ended: () => clearTimeout(deadline),
    release: () => {
      clearTimeout(deadline);
      for (const signal of stopSignals) process.off(signal, onSignal);
    },
  };
}

/** For commands that do no work worth stopping gently. */
export const neverStop: StopSwitch = {
  asked: new AbortController().signal,
  now: new AbortController().signal,
  graceMs: 0,
};
