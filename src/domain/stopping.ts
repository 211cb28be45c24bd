import type { Outcome } from './types.js';

/** Who is said to hold a job; `process` is an opaque start of the process, which with the pid names it and no other. */
export interface Holder {
  readonly pid: number;
  readonly host: string;
  readonly startedAt: number;
  readonly process?: string;
}

/** `here` may be signalled; `elsewhere`: on another host; `stranger`: what bears the pid now is not who wrote it down. */
export type Whereabouts = 'here' | 'elsewhere' | 'stranger';

/** `processOf`: how the process of a pid started, as this machine tells it; undefined: there is none. */
export function whereIs(
  holder: Holder,
  here: { readonly host: string; readonly processOf: (pid: number) => string | undefined },
): Whereabouts {
  if (holder.host !== here.host) return 'elsewhere';
  return holder.process !== undefined && here.processOf(holder.pid) === holder.process ? 'here' : 'stranger';
}

/** Pids come again, and one process may hold a job twice: both together name one call. */
export function isSameHolder(a: Holder, b: Holder): boolean {
  return a.pid === b.pid && a.host === b.host && a.startedAt === b.startedAt;
}

/** What a person wants to know of a run that was asked to stop. `began`: there was a run at all. */
export function stoppedAs({ began, outcome }: { readonly began: boolean; readonly outcome?: Outcome }): string {
  if (!began) return 'ended before there was a run';
  if (outcome === undefined) return 'ended at once; what was checkpointed is kept, the next run goes on from there';
  if (outcome === 'interrupted') return 'stopped; what was finished is kept, the next run goes on from there';
  return `had ended by itself: ${outcome}`;
}
