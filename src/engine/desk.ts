import { type Handed, Handout } from '../domain/handout.js';
import type { ItemId, PartitionId } from '../domain/types.js';
import type { ItemRow } from '../state/contract.js';
import { type Staged, stageItem } from './work-item.js';
import type { Workshop } from './workshop.js';

/** What all places share: who works what, and what is being made ready. */
export class Desk {
  readonly #shop: Workshop;
  readonly #handout: Handout<ItemRow>;
  readonly #staging = new Map<ItemId, Promise<Staged>>();
  /** Of each partition in work: its items when it was begun, and those that have not ended. */
  readonly #counts = new Map<PartitionId, { items: number; left: number; started: boolean }>();

  readonly #aside: Handed<ItemRow>[] = [];

  constructor(shop: Workshop) {
    const { night, run } = shop;
    this.#shop = shop;
    this.#handout = new Handout(night.state.partitions(run).map(({ id }) => ({ id, load: () => this.#load(id) })));
  }

  take(place: number): Handed<ItemRow> | undefined {
    const next = this.#handout.take(place);
    const counts = next && this.#counts.get(next.partition);
    if (counts && !counts.started) {
      counts.started = true;
      this.#tell(next.partition, 'started', counts.items);
    }
    return next;
  }

  /** The bytes of an item that was taken, staged already if it was foreseen. */
  async staged({ item }: Handed<ItemRow>): Promise<Staged> {
    const staging = this.#staging.get(item.id) ?? stageItem(this.#shop, item);
    this.#staging.delete(item.id);
    return await staging;
  }

  /** Begins to stage what the place will probably work next. */
  prepare(place: number): void {
    const next = this.#handout.foresee(place);
    if (!next) return;
    const staging = stageItem(this.#shop, next);
    staging.catch(this.#shop.fail); // it may be awaited much later
    this.#staging.set(next.id, staging);
  }

  /** Two workers died over it: it waits until nothing else is in work. */
  setAside(handed: Handed<ItemRow>): void {
    this.#aside.push(handed);
    const { id: item, key, recipe } = handed.item;
    this.#shop.night.emit({ type: 'set-aside', item, key, recipe });
  }

  get aside(): readonly Handed<ItemRow>[] {
    return this.#aside;
  }

  ended({ partition, item }: Handed<ItemRow>): void {
    this.#shop.deadline.ended(item);
    const counts = this.#counts.get(partition);
    if (counts && --counts.left === 0) this.#tell(partition, 'ended', counts.items);
  }

  /** Resolves when nothing is being staged any more. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#staging.values());
  }

  /** Dearest first, as the partition was balanced. */
  #load(partition: PartitionId): readonly ItemRow[] {
    const { night, run } = this.#shop;
    const items = night.state
      .items(run, partition)
      .filter((item) => item.state !== 'ended')
      .sort((a, b) => b.predictedSeconds - a.predictedSeconds);
    this.#counts.set(partition, { items: items.length, left: items.length, started: false });
    return items;
  }

  #tell(partition: PartitionId, state: 'started' | 'ended', items: number): void {
    this.#shop.night.emit({ type: 'partition', partition, state, items });
  }
}
