import type { Fault } from '../../domain/faults.js';
import type { Standing } from '../../engine/inspect.js';
import type { Progress, RunRow } from '../../state/contract.js';
import { isHeldNoMore, isPublishedByHand, isRolledBack, isThawed } from './fate.js';

type Colour = 'green' | 'yellow' | 'red' | 'cyan';

const originWords: Readonly<Record<string, string>> = {
  'origin-rewound': 'the origin is gone, or older than it was',
  'origin-foreign': 'the origin is another one than before',
};

function originWord({ code, passes }: Fault, running: boolean): string {
  if (running && passes) return 'running, and the origin cannot be reached: the run goes on by itself when it answers';
  return originWords[code] ?? 'the origin cannot be read';
}

interface VerdictWord {
  readonly word: string;
  readonly colour: Colour;
}

/** What people did to the head after the run counts for more than how it ended. */
export function movedSince(run: RunRow, head: Standing['head']): VerdictWord | undefined {
  if (isThawed(run, head)) return { word: 'held by the freeze, live since unfreeze', colour: 'green' };
  if (isPublishedByHand(run, head)) return { word: 'held, then published by hand', colour: 'green' };
  if (isRolledBack(run, head)) return { word: 'frozen after a rollback', colour: 'yellow' };
  return isHeldNoMore(run, head)
    ? { word: 'held; what it staged is neither live nor staged any more', colour: 'yellow' }
    : undefined;
}

export function verdictOf({ running, run, originFault, progress, head, waitsUntil, damage }: Standing): VerdictWord {
  if (originFault) return { word: originWord(originFault, running), colour: 'red' };
  if (running && waitsUntil) return { word: `running: waiting for the close at ${waitsUntil}`, colour: 'cyan' };
  if (running)
    return { word: `running: ${run?.phase ?? 'starting'}${progress ? `, ${share(progress)}` : ''}`, colour: 'cyan' };
  if (damage) return { word: `the live snapshot is damaged, says verify`, colour: 'red' };
  if (!run) return { word: 'never ran here', colour: 'yellow' };
  const since = movedSince(run, head);
  if (since) return since;
  if (!run.outcome || run.outcome === 'interrupted')
    return { word: 'stopped in the middle; the next run goes on from there', colour: 'yellow' };
  const colours: Partial<Record<typeof run.outcome, Colour>> = {
    published: 'green',
    unchanged: 'green',
    failed: 'red',
    unknown: 'red',
  };
  return { word: run.outcome, colour: colours[run.outcome] ?? 'yellow' };
}

function share(progress: Progress): string {
  const done = endedCount(progress);
  return `${done} of ${done + progress.todo + progress.claimed} items`;
}

function endedCount({ ended }: Progress): number {
  return Object.values(ended).reduce((sum, n) => sum + n, 0);
}
