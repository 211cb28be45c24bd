import type { PartitionId } from './types.js';

export interface Waiting<Item> {
  readonly id: PartitionId;
  /** In the order of work, dearest first. Asked once, when the partition's turn is near. */
  readonly load: () => readonly Item[];
}

/** One item for one place to work. */
export interface Handed<Item> {
  readonly partition: PartitionId;
  readonly item: Item;
}

interface Open<Item> {
  readonly id: PartitionId;
  readonly items: readonly Item[];
  /** How many items were handed out. */
  handed: number;
}

/**
 * Which item a place works next. A place keeps to its partition; when that is used up it opens the next one; when none is
 * left it takes over what remains of another place's, the dearest item first, so that nobody is idle while anything
 * waits. Every item is handed out once.
 */
export class Handout<Item extends { readonly predictedSeconds: number }> {
  /** Not opened by anybody, in the order of work. */
  readonly #waiting: Waiting<Item>[];
  /** Loaded because their turn is near. */
  readonly #near = new Map<PartitionId, Open<Item>>();
  /** Opened, with items left. */
  readonly #open = new Set<Open<Item>>();
  readonly #own = new Map<number, Open<Item>>();
  readonly #foreseen = new Set<Item>();

  /** Partitions in the order of work. */
  constructor(partitions: readonly Waiting<Item>[]) {
    this.#waiting = [...partitions];
  }

  /** What the place works now; undefined: nothing is left. */
  take(place: number): Handed<Item> | undefined {
    const partition = this.#partitionFor(place);
    const item = partition && headOf(partition);
    if (!partition || !item) return undefined;
    partition.handed++;
    if (!headOf(partition)) this.#open.delete(partition);
    this.#foreseen.delete(item);
    return { partition: partition.id, item };
  }

  /**
   * What the place would take now, or the next after it that nobody foresaw: worth making ready, and named once. It is
   * no promise: kept for one place, a dear item would wait behind another while somebody is idle.
   */
  foresee(place: number): Item | undefined {
    for (const item of this.#upcoming(place)) {
      if (this.#foreseen.has(item)) continue;
      this.#foreseen.add(item);
      return item;
    }
    return undefined;
  }

  #partitionFor(place: number): Open<Item> | undefined {
    const own = this.#own.get(place);
    if (own && headOf(own)) return own;
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      const opened = this.#loaded(next);
      this.#near.delete(next.id);
      if (!headOf(opened)) continue;
      this.#own.set(place, opened);
      this.#open.add(opened);
      return opened;
    }
    return this.#dearestFirst()[0];
  }

  #loaded({ id, load }: Waiting<Item>): Open<Item> {
    const loaded = this.#near.get(id) ?? { id, items: load(), handed: 0 };
    this.#near.set(id, loaded);
    return loaded;
  }

  *#upcoming(place: number): Generator<Item> {
    const own = this.#own.get(place);
    if (own) yield* own.items.slice(own.handed);
    for (const waiting of this.#waiting) yield* this.#loaded(waiting).items.slice(0, 1);
    if (this.#waiting.length === 0) for (const { items, handed } of this.#dearestFirst()) yield* items.slice(handed);
  }

  #dearestFirst(): readonly Open<Item>[] {
    const seconds = (partition: Open<Item>) => headOf(partition)?.predictedSeconds ?? 0;
    return [...this.#open].sort((a, b) => seconds(b) - seconds(a));
  }
}

function headOf<Item>({ items, handed }: Open<Item>): Item | undefined {
  return items[handed];
}
