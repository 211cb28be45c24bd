import type { Head } from '../../domain/head.js';
import type { Result } from '../../domain/result.js';
import type { RunRow } from '../../state/contract.js';

/**
 * What became of the snapshot that a run made. Its result tells how things stood when it ended; people have moved the
 * head since, so whether it is held, and by what, is read from the head alone.
 */
export type Fate = 'live' | 'staged' | 'gone';

/** Undefined: the run made no snapshot, or there is no head. */
export function fateOf(run: RunRow | undefined, head: Head | undefined): Fate | undefined {
  const { snapshot } = (run?.result ?? {}) as Partial<Result>;
  if (!snapshot || !head) return undefined;
  if (snapshot === head.channels.live?.snapshot) return 'live';
  return snapshot === head.channels.staged?.snapshot ? 'staged' : 'gone';
}

/** What this run staged is live now: somebody overrode the gate, or lifted the freeze. */
export function isPublishedByHand(run: RunRow | undefined, head: Head | undefined): boolean {
  return run?.outcome === 'held' && fateOf(run, head) === 'live';
}

/** What this run staged was published and rolled back, or something else was staged in its place. */
export function isHeldNoMore(run: RunRow | undefined, head: Head | undefined): boolean {
  return run?.outcome === 'held' && fateOf(run, head) === 'gone';
}

/** Readers were taken back from what this run made, and nothing waits for them. */
export function isRolledBack(run: RunRow | undefined, head: Head | undefined): boolean {
  const madeOne = ['published', 'unchanged', 'incomplete', 'held'].includes(run?.outcome ?? '');
  return head?.frozen !== undefined && madeOne && fateOf(run, head) === 'gone';
}

/** What holds the snapshot of this run, or the freeze that a rollback left, each as a line. */
export function holdsNow(run: RunRow | undefined, head: Head | undefined): readonly string[] {
  const frozen = head?.frozen ? [`frozen: ${head.frozen.reason}`] : [];
  if (run?.outcome !== 'held') return isRolledBack(run, head) ? frozen : [];
  const { held = [] } = (run.result ?? {}) as Partial<Result>;
  const fate = fateOf(run, head);
  const rules = fate === 'staged' ? head?.channels.staged?.rules : [];
  const isOpen = (rule: string) => rule !== 'frozen' && (fate === undefined || rules?.includes(rule));
  return [...held.filter(({ rule }) => isOpen(rule)).map(({ rule, message }) => `${rule}: ${message}`), ...frozen];
}
