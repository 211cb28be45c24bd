import type { Random } from './random-sources.js';
import { until } from './until.js';
import type { Ended, Line, Running } from './world.js';

/** How long an undisturbed night took: until its run began, from there to its end, and of that after the work. */
export interface Pace {
  readonly startMs: number;
  readonly runMs: number;
  readonly endMs: number;
}

/** `tookMs`: from the start of the process to its end. */
export function paceOf({ lines, result }: Ended, tookMs: number): Pace {
  if (!result) throw new Error('an undisturbed run told no result');
  const validatedAt = lines.find(isWorkDone)?.at;
  const endedAt = lines.find(({ type }) => type === 'ended')?.at;
  const endMs = validatedAt && endedAt ? Date.parse(endedAt) - Date.parse(validatedAt) : 0;
  return { runMs: result.durationMs, endMs, startMs: tookMs - result.durationMs };
}

function isWorkDone({ type, phase }: Line): boolean {
  return type === 'phase' && phase === 'validating';
}

/** The start of the program, the run (twice as often), and its end, where manifest and head are written. */
const stages: readonly { readonly pace: keyof Pace; readonly begins?: (line: Line) => boolean }[] = [
  { pace: 'startMs' },
  { pace: 'runMs', begins: ({ type }) => type === 'run' },
  { pace: 'runMs', begins: ({ type }) => type === 'run' },
  { pace: 'endMs', begins: isWorkDone },
];

/** Waits until a moment somewhere in one of the stages, or until the run has ended; how long that took. */
export async function someTimeIn(run: Running, random: Random, pace: Pace): Promise<number> {
  const startedAt = performance.now();
  const stage = stages[random.below(stages.length)];
  const afterMs = random.fraction() * pace[stage?.pace ?? 'runMs'];
  const begins = stage?.begins;
  let over = false;
  const ended = run.ended.then(() => {
    over = true;
  });
  if (begins) await until(() => over || run.lines.some(begins) || undefined, 'the run has come so far', 60_000);
  await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, afterMs))]);
  return Math.round(performance.now() - startedAt);
}
