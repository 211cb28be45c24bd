import type { Channel, Commit, CommitKind, Head } from '../../domain/head.js';
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
  const { live, staged } = head.channels;
  if (isNamed(live, snapshot)) return 'live';
  return isNamed(staged, snapshot) ? 'staged' : 'gone';
}

/** A takedown puts another snapshot in its place, which is the same to the run that made it. */
function isNamed(channel: Channel | undefined, snapshot: string): boolean {
  return channel?.snapshot === snapshot || (channel?.was?.some((former) => former.snapshot === snapshot) ?? false);
}

/** Nothing but the freeze of a rollback held what this run made: lifting it made that live. */
export function isThawed(run: RunRow | undefined, head: Head | undefined): boolean {
  const { held = [] } = (run?.result ?? {}) as Partial<Result>;
  return isPublishedByHand(run, head) && held.length > 0 && held.every(({ rule }) => rule === 'frozen');
}

const byPeople: readonly CommitKind[] = ['publish', 'rollback', 'unfreeze', 'promote', 'withdraw', 'lift'];

/** What people did to the head since this run ended without a commit of its own to what is live, oldest first. */
export function movesSince(run: RunRow | undefined, head: Head | undefined): readonly Commit[] {
  const { live } = (run?.result ?? {}) as Partial<Result>;
  return (head?.commits ?? []).filter(({ seq, kind }) => seq > (live?.seq ?? 0) && byPeople.includes(kind));
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
