import type { PartitionId } from './types.js';

export interface Waiting<Item> {
  readonly id: PartitionId;
  /** In the order of work, dearest first. */
  readonly items: readonly Item[];
}

/** One item for one place to work. */
export interface Handed<Item> {
  readonly partition: PartitionId;
  readonly item: Item;
}

interface Open<Item> extends Waiting<Item> {
  /** How many items were handed out. */
  handed: number;
}

/**
 * Which item a place works next. A place keeps to its partition; when that is used up it opens the next one; when none is
 * left it takes over what remains of another place's, the dearest item first; and last of all what another place had only
 * set aside, so that nobody is idle while anything waits behind a long item. Every item is handed out once.
 */
export class Handout<Item extends { readonly predictedSeconds: number }> {
  /** Those with items left; not yet opened. */
  readonly #waiting: Open<Item>[];
  readonly #open = new Set<Open<Item>>();
  readonly #own = new Map<number, Open<Item>>();
  readonly #aside = new Map<number, Handed<Item>>();

  /** Partitions in the order of work. */
  constructor(partitions: readonly Waiting<Item>[]) {
    this.#waiting = partitions
      .filter(({ items }) => items.length > 0)
      .map((partition) => ({ ...partition, handed: 0 }));
  }

  /** What the place works now; undefined: nothing is left for it. */
  take(place: number): Handed<Item> | undefined {
    const prepared = this.#aside.get(place);
    this.#aside.delete(place);
    return prepared ?? this.#next(place) ?? this.#takeOver();
  }

  /** What the place will probably work after this, to be made ready meanwhile; another place may still take it. */
  setAside(place: number): Handed<Item> | undefined {
    const next = this.#next(place);
    if (next) this.#aside.set(place, next);
    return next;
  }

  #next(place: number): Handed<Item> | undefined {
    const partition = this.#partitionFor(place);
    if (!partition) return undefined;
    const item = headOf(partition);
    partition.handed++;
    if (!headOf(partition)) this.#open.delete(partition);
    return item && { partition: partition.id, item };
  }

  #partitionFor(place: number): Open<Item> | undefined {
    const own = this.#own.get(place);
    if (own && headOf(own)) return own;
    const next = this.#waiting.shift();
    if (!next) return dearest(this.#open);
    this.#own.set(place, next);
    this.#open.add(next);
    return next;
  }

  #takeOver(): Handed<Item> | undefined {
    const [first, ...others] = this.#aside;
    if (!first) return undefined;
    const [place, handed] = others.reduce(
      (a, b) => (b[1].item.predictedSeconds > a[1].item.predictedSeconds ? b : a),
      first,
    );
    this.#aside.delete(place);
    return handed;
  }
}

function headOf<Item>({ items, handed }: Open<Item>): Item | undefined {
  return items[handed];
}

function dearest<Item extends { readonly predictedSeconds: number }>(
  open: Iterable<Open<Item>>,
): Open<Item> | undefined {
  let [best, most] = [undefined as Open<Item> | undefined, 0];
  for (const partition of open) {
    const seconds = headOf(partition)?.predictedSeconds ?? 0;
    if (seconds > most) [best, most] = [partition, seconds];
  }
  return best;
}
