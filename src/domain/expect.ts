/** An item of a run as far as it matters for when it will be ready. */
export interface Queued {
  readonly predictedSeconds: number;
  /** Milliseconds since the epoch; absent until it ended. */
  readonly endedAt?: number;
}

/** So many say enough about the pace, and tell of now rather than of a night that stood still in between. */
const recent = 200;

/**
 * Seconds of the clock for one predicted second, however many workers there are: what the items that ended last were
 * predicted to take against the time since the first of them. Undefined while fewer than two ended.
 */
export function paceOf(items: readonly Queued[], now: number): number | undefined {
  const ended = items
    .filter(({ endedAt }) => endedAt !== undefined)
    .sort((a, b) => (a.endedAt ?? 0) - (b.endedAt ?? 0));
  const [first, ...since] = ended.slice(-recent);
  const predicted = total(since);
  if (first?.endedAt === undefined || predicted <= 0 || now <= first.endedAt) return undefined;
  return (now - first.endedAt) / 1000 / predicted;
}

/** Both in milliseconds since the epoch, and no more than a guess. */
export interface Expectation {
  /** When the asset's last open item will have been worked. */
  readonly madeAt: number;
  /** When the whole night will have been: nothing of it goes live before. */
  readonly nightAt: number;
}

/**
 * When items can be expected, at the pace of those before them. `queue` holds all items of the run in the order of work,
 * `isAsked` those that are waited for. Undefined: none of them is open, or nothing is known about the pace yet.
 */
export function expectReady<Item extends Queued>(
  queue: readonly Item[],
  isAsked: (item: Item) => boolean,
  now: number,
): Expectation | undefined {
  const pace = paceOf(queue, now);
  const open = queue.filter(({ endedAt }) => endedAt === undefined);
  const last = open.findLastIndex(isAsked);
  if (pace === undefined || last < 0) return undefined;
  const after = (items: readonly Queued[]) => now + total(items) * pace * 1000;
  return { madeAt: after(open.slice(0, last + 1)), nightAt: after(open) };
}

function total(items: readonly Queued[]): number {
  return items.reduce((sum, { predictedSeconds }) => sum + predictedSeconds, 0);
}
