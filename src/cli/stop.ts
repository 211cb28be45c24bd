import type { StopSwitch } from '../engine/night.js';

/** A stop switch wired to signals: the first asks, the second insists. */
export interface SignalStop extends StopSwitch {
  /** The first signal that came, if any. */
  signal(): string | undefined;
  /** Gives the signals back to Node. */
  release(): void;
}

const stopSignals = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const;

export function stopOnSignals(graceMs: number, told: (signal: string, insisting: boolean) => void): SignalStop {
  const asked = new AbortController();
  const now = new AbortController();
  let first: string | undefined;
  const onSignal = (signal: string) => {
    const insisting = first !== undefined;
    first ??= signal;
    told(signal, insisting);
    (insisting ? now : asked).abort();
  };
  for (const signal of stopSignals) process.on(signal, onSignal);
  return {
    asked: asked.signal,
    now: now.signal,
    graceMs,
    signal: () => first,
    release: () => {
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
