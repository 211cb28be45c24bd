import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { errno, Fault, isStorageFailure } from '../domain/faults.js';
import { type Handed, Handout } from '../domain/handout.js';
import type { AssetKey, Entry, ItemId, PartitionId, RunId } from '../domain/types.js';
import type { ItemRow } from '../state/contract.js';
import { Checkpoint } from './checkpoint.js';
import { InFlight } from './in-flight.js';
import { clearWorkplace } from './lifecycle.js';
import type { Night, ReadyRecipe } from './night.js';
import { executeItem, finishItem, type Staged, stageItem } from './work-item.js';
import type { Workshop } from './workshop.js';

export interface WorkInput {
  readonly run: RunId;
  readonly recipes: ReadonlyMap<string, ReadyRecipe>;
  readonly base: ReadonlyMap<AssetKey, Entry>;
  readonly remake: (item: ItemRow) => boolean;
  readonly insist: (item: ItemRow) => boolean;
}

/**
 * Works every item of the plan that has not ended, as many at once as there are workers: partitions in their order, and
 * what remains of slow ones by whoever is idle.
 * Resolves `true` when all ended, `false` when the run was stopped. Checkpoints are committed either way.
 *
 * The first fault (full disk, lost origin) stops everything: it is no item's failure, and going on would make it one.
 */
export async function work(night: Night, input: WorkInput): Promise<boolean> {
  try {
    return await workThrough(night, input);
  } catch (error) {
    throw asFault(error, night.folder);
  }
}

async function workThrough(night: Night, input: WorkInput): Promise<boolean> {
  await clearWorkplace(night.folder);
  for (const name of ['staging', 'outbox']) await mkdir(path.join(night.folder, name), { recursive: true });
  const failure = new AbortController();
  const checkpoint = new Checkpoint(night.state, night.emit, (error) => failure.abort(error));
  const executor = night.executors.open({
    workers: night.workers,
    onStart: (group) => night.state.recordGroup({ ...group, run: input.run }),
    onEnd: (group) => night.state.forgetGroup(group.pgid),
  });
  const halt = AbortSignal.any([failure.signal, night.stop.asked]);
  const fail = (reason: unknown) => failure.abort(reason);
  const shop: Workshop = { night, ...input, executor, checkpoint, inFlight: new InFlight(halt), fail, halt };
  const killNow = () => void executor.kill();
  const disarm = armGrace(night, killNow);
  failure.signal.addEventListener('abort', killNow, { once: true });
  try {
    const desk = new Desk(shop);
    const places = Array.from({ length: night.workers }, (_, place) => workPlace(shop, desk, place));
    await Promise.all(places.map((place) => place.catch(fail)));
    await desk.idle();
    checkpoint.flush();
  } catch (error) {
    failure.abort(error);
  } finally {
    disarm();
    await executor.close();
    await clearWorkplace(night.folder);
  }
  if (failure.signal.aborted) throw failure.signal.reason;
  return !night.stop.asked.aborted;
}

/** After the grace, or at the second signal, what is still running is killed; its items stay `claimed`. */
function armGrace(night: Night, kill: () => void): () => void {
  const { asked, now, graceMs } = night.stop;
  let timer: NodeJS.Timeout | undefined;
  const onAsked = () => {
    timer = setTimeout(kill, graceMs);
  };
  if (asked.aborted) onAsked();
  asked.addEventListener('abort', onAsked, { once: true });
  now.addEventListener('abort', kill, { once: true });
  return () => {
    clearTimeout(timer);
    asked.removeEventListener('abort', onAsked);
    now.removeEventListener('abort', kill);
  };
}

/** What all places share: who works what, and what is being made ready. */
class Desk {
  readonly #shop: Workshop;
  readonly #handout: Handout<ItemRow>;
  readonly #staging = new Map<ItemId, Promise<Staged>>();
  /** Items of each partition that have not ended. */
  readonly #left: Map<PartitionId, number>;
  readonly #size: ReadonlyMap<PartitionId, number>;

  constructor(shop: Workshop) {
    const { night, run } = shop;
    const partitions = night.state.partitions(run).map(({ id }) => ({ id, items: itemsLeft(night, run, id) }));
    this.#shop = shop;
    this.#handout = new Handout(partitions);
    this.#size = new Map(partitions.map(({ id, items }) => [id, items.length]));
    this.#left = new Map(this.#size);
  }

  take(place: number): Handed<ItemRow> | undefined {
    const next = this.#handout.take(place);
    if (next && this.#left.get(next.partition) === this.#size.get(next.partition)) this.#tell(next, 'started');
    return next;
  }

  /** The bytes of an item that was taken, staged already if it had been set aside. */
  async staged({ item }: Handed<ItemRow>): Promise<Staged> {
    const staging = this.#staging.get(item.id) ?? stageItem(this.#shop, item);
    this.#staging.delete(item.id);
    return await staging;
  }

  /** Begins to stage what the place will probably work next. */
  setAside(place: number): void {
    const next = this.#handout.setAside(place);
    if (next) this.#staging.set(next.item.id, failing(this.#shop, stageItem(this.#shop, next.item)));
  }

  ended(handed: Handed<ItemRow>): void {
    const left = (this.#left.get(handed.partition) ?? 0) - 1;
    this.#left.set(handed.partition, left);
    if (left === 0) this.#tell(handed, 'ended');
  }

  /** Resolves when nothing is being staged any more. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#staging.values());
  }

  #tell({ partition }: Handed<ItemRow>, state: 'started' | 'ended'): void {
    this.#shop.night.emit({ type: 'partition', partition, state, items: this.#size.get(partition) ?? 0 });
  }
}

/** Dearest first, as the partition was balanced. */
function itemsLeft({ state }: Night, run: RunId, partition: PartitionId): readonly ItemRow[] {
  return state
    .items(run, partition)
    .filter((item) => item.state !== 'ended')
    .sort((a, b) => b.predictedSeconds - a.predictedSeconds);
}

/**
 * One place works item after item and stays busy: the next one is staged and the last one stored while a worker is at
 * the current one.
 */
async function workPlace(shop: Workshop, desk: Desk, place: number): Promise<void> {
  let storing = Promise.resolve();
  while (!shop.halt.aborted) {
    const handed = desk.take(place);
    if (!handed) break;
    const staged = await desk.staged(handed);
    if (shop.halt.aborted) break;
    desk.setAside(place);
    const finished = await executeItem(shop, staged);
    await storing;
    if (finished)
      storing = failing(
        shop,
        finishItem(shop, finished).then(() => desk.ended(handed)),
      );
  }
  await storing;
}

/** A promise that is awaited later: its failure ends the work now, and still reaches whoever awaits it. */
function failing<T>(shop: Workshop, promise: Promise<T>): Promise<T> {
  promise.catch(shop.fail);
  return promise;
}

function asFault(error: unknown, folder: string): unknown {
  if (error instanceof Fault || !isStorageFailure(error)) return error;
  return new Fault(
    'state-unwritable',
    `work folder ${folder} cannot be written (${errno(error)}): expected free space and write access`,
    {
      cause: error,
    },
  );
}
