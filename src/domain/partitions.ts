import { partitionId } from './digest.js';
import { compareText } from './order.js';
import type { ItemId, PartitionId } from './types.js';

export interface Weighted {
  readonly id: ItemId;
  /** Above zero. */
  readonly seconds: number;
  /** Higher is more urgent; 0 unless somebody said so. */
  readonly priority: number;
}

/** Items handed to one worker together, and re-run by hand together. */
export interface Partition {
  readonly id: PartitionId;
  /** Order of work: most urgent first, then by the dearest item, so that the last hour is made of small pieces. */
  readonly ordinal: number;
  /** Most expensive first. */
  readonly items: readonly ItemId[];
  readonly predictedSeconds: number;
}

/** A partition is what a person re-runs after a failure: never much more than a coffee. */
const longestSeconds = 300;
/** More than this is a list that nobody reads, and too much to lose when a partition is re-run. */
const mostItems = 500;
/** Several for each worker: predictions are wrong, and the slack of one partition is another worker's work. */
const partitionsPerWorker = 4;

/**
 * Balances items by cost: longest processing time first, each to the least loaded partition, which is never worse than
 * 4/3 of the best possible (Graham 1969). An item heavier than a whole partition should be stands alone; items of
 * different priority share none. The order of the input does not matter. O(n log n).
 */
export function balance(items: readonly Weighted[], { workers }: { readonly workers: number }): readonly Partition[] {
  const wanted = partitionsPerWorker * workers;
  const target = Math.min(longestSeconds, total(items) / wanted);
  const priorities = [...new Set(items.map(({ priority }) => priority))].sort((a, b) => b - a);
  return priorities
    .flatMap((priority) => {
      const equal = items.filter((item) => item.priority === priority);
      return balanceEqual(equal, { target, wanted: Math.ceil((wanted * total(equal)) / total(items)) });
    })
    .map(({ seconds, items: ids }, ordinal) => ({
      id: partitionId(ids),
      ordinal,
      items: ids,
      predictedSeconds: seconds,
    }));
}

/** Bins of one priority, that with the dearest item first; equally dear ones by what they cost as a whole. */
function balanceEqual(
  items: readonly Weighted[],
  { target, wanted }: { readonly target: number; readonly wanted: number },
): readonly Bin[] {
  const sorted = items.toSorted((a, b) => b.seconds - a.seconds || compareText(a.id, b.id));
  const heavy = sorted.filter((item) => item.seconds > target);
  const light = sorted.slice(heavy.length);
  const byCost = Math.ceil(total(light) / target);
  const byCount = Math.ceil(light.length / mostItems);
  const bins = Math.min(light.length, Math.max(byCost, byCount, wanted - heavy.length));
  const alone = heavy.map(({ id, seconds }, number): Bin => ({ seconds, number, dearest: seconds, items: [id] }));
  const filled = spread(light, bins).sort(
    (a, b) => b.dearest - a.dearest || b.seconds - a.seconds || a.number - b.number,
  );
  return [...alone, ...filled];
}

function total(items: readonly Weighted[]): number {
  return items.reduce((sum, item) => sum + item.seconds, 0);
}

interface Bin {
  seconds: number;
  /** Settles ties, so that the same items always land in the same places. */
  readonly number: number;
  /** Seconds of its first item. */
  dearest: number;
  readonly items: ItemId[];
}

function spread(items: readonly Weighted[], count: number): Bin[] {
  const bins = Array.from({ length: count }, (_, number): Bin => ({ seconds: 0, number, dearest: 0, items: [] }));
  const open = [...bins]; // a heap already: all are empty, in order of their numbers
  for (const item of items) {
    const [least] = open;
    if (!least) throw new RangeError(`${count} partitions cannot hold ${items.length} items`);
    least.items.push(item.id);
    least.dearest ||= item.seconds;
    least.seconds += item.seconds;
    if (least.items.length === mostItems) closeFirst(open);
    sink(open);
  }
  return bins;
}

function closeFirst(heap: Bin[]): void {
  const last = heap.pop();
  if (last && heap.length > 0) heap[0] = last;
}

/** Restores a binary heap whose first element may have grown. */
function sink(heap: Bin[]): void {
  for (let at = 0; ; ) {
    const left = 2 * at + 1;
    const child = isLighter(heap[left + 1], heap[left]) ? left + 1 : left;
    const [parent, lighter] = [heap[at], heap[child]];
    if (!parent || !lighter || !isLighter(lighter, parent)) return;
    [heap[at], heap[child]] = [lighter, parent];
    at = child;
  }
}

function isLighter(a: Bin | undefined, b: Bin | undefined): boolean {
  if (!a || !b) return false;
  return a.seconds < b.seconds || (a.seconds === b.seconds && a.number < b.number);
}
