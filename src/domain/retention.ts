import { formerSnapshot, previousSnapshot } from './find-snapshot.js';
import type { Head, Retained } from './head.js';
import type { KeepSpec, SnapshotId } from './types.js';

/** How long the blobs of a snapshot that was let go live on, for readers that still follow it. */
export const graceMs = 72 * 3_600_000;

export interface RetainAt {
  /** Says what is never let go, whatever its age: see `protectedSnapshots`. */
  readonly head: Head;
  readonly now: number;
  /** How long a snapshot that was let go is still there for readers and pages that follow it. */
  readonly graceMs: number;
}

export interface Retention {
  /** What the head keeps, in the same order; `droppedAt` on those let go, now or before. */
  readonly kept: readonly Retained[];
  /** Let go longer ago than the grace: the head may forget them, then their blobs may be collected. */
  readonly collectable: readonly Retained[];
}

/**
 * `retained` is in the head's order, newest last. A snapshot stays while it is among the newest `keep.last`, younger
 * than `keep.within`, the newest of one of the last `keep.weekly` weeks that have one, or protected. Otherwise it is let go
 * now and collectable after the grace. One that is to stay again (live again, pinned, `keep` raised) is no longer let go:
 * inside the grace nothing of it was deleted.
 *
 * Times of the future count as now: a clock that was wrong can keep a snapshot longer, never delete it sooner.
 */
export function retain(retained: readonly Retained[], keep: KeepSpec, { head, now, graceMs }: RetainAt): Retention {
  const safe = protectedSnapshots(head);
  const ofWeeks = newestOfWeeks(retained, keep.weekly ?? 0);
  const judged = retained.map((entry, index) => {
    const newest = index >= retained.length - keep.last;
    const stays = newest || safe.has(entry.snapshot) || ofWeeks.has(entry) || age(entry.at, now) <= keep.withinMs;
    return stays ? undropped(entry) : dropped(entry, now);
  });
  const collectable = judged.filter(({ droppedAt }) => droppedAt !== undefined && age(droppedAt, now) > graceMs);
  return { kept: judged.filter((entry) => !collectable.includes(entry)), collectable };
}

function newestOfWeeks(retained: readonly Retained[], weeks: number): ReadonlySet<Retained> {
  const newest = new Map(retained.map((entry) => [weekOf(Date.parse(entry.at)), entry]));
  const latest = [...newest].sort(([a], [b]) => b - a).slice(0, weeks);
  return new Set(latest.map(([, entry]) => entry));
}

const dayMs = 86_400_000;

/** Weeks since a Monday: the epoch was a Thursday. */
function weekOf(at: number): number {
  return Math.floor((at / dayMs + 3) / 7);
}

/**
 * What a commit retains that does not collect: those whose grace is over stay named, so that the next collection sees
 * that there is something to collect.
 */
export function letGo(
  retained: readonly Retained[],
  keep: KeepSpec,
  at: Omit<RetainAt, 'graceMs'>,
): readonly Retained[] {
  return retain(retained, keep, { ...at, graceMs: Number.POSITIVE_INFINITY }).kept;
}

/** What must never be let go: live, what it came after, where the next rollback leads, every other channel, pinned. */
export function protectedSnapshots(head: Head): ReadonlySet<SnapshotId> {
  const named = [...Object.values(head.channels), ...head.pins].flatMap((one) => one?.snapshot ?? []);
  const before = [formerSnapshot(head), previousSnapshot(head)].filter((snapshot) => snapshot !== undefined);
  return new Set([...named, ...before]);
}

function undropped({ droppedAt: _, ...entry }: Retained): Retained {
  return entry;
}

function dropped(entry: Retained, now: number): Retained {
  const since = Math.min(now, entry.droppedAt === undefined ? now : Date.parse(entry.droppedAt));
  return { ...entry, droppedAt: new Date(since).toISOString() };
}

function age(at: string, now: number): number {
  return Math.max(0, now - Date.parse(at));
}
