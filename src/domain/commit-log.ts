import type { Head } from './head.js';

/**
 * Commits at a store that creates once but does not compare and swap: `log/<seq>.json` is the whole head of that seq, and
 * creating it is the commit. Of two publishers on one base both want the same key, and one gets it. `head.json` is what
 * readers read: a copy of the newest entry, put there afterwards. The head says `commitsBy: 'log'` from its first commit
 * on; one without it is moved by compare and swap, for ever, so that no two publishers guard the same head in two ways.
 *
 * Truth is the newest entry that can be reached from `head.json` by counting up, so whoever commits asks for one entry
 * more than readers do. `head.json` may lag behind: a publisher died in between, or one that woke late, or whose request
 * came late, put an older one over a newer. The next night, and whoever would move the head, mends that before anything that
 * only the newest no longer names is deleted. Readers who pin a seq refuse a smaller one meanwhile; those who do not may see
 * the last snapshot once more, whole.
 *
 * Entries are never deleted here. Where somebody deletes old ones (a life-cycle rule), whoever comes so late that it can
 * create one again finds a head that is beyond it and does not hold its commit, and so has lost.
 *
 * Rejected: one entry for each commit under a random key, ordered by listing (weak stores list late); deleting entries
 * that are old (365 nights are some megabytes).
 */
export function logKey(seq: number): string {
  return `log/${String(seq).padStart(12, '0')}.json`;
}

/** An entry never changes, so its number says which head it is. */
export function logVersion(seq: number): string {
  return `log:${seq}`;
}

/** Whether `next` was made from the head of this version. */
export function isBuiltOn(next: Pick<Head, 'seq'>, version: string | undefined): boolean {
  return version === (next.seq === 1 ? undefined : logVersion(next.seq - 1));
}
