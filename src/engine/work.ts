import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { errno, Fault, isStorageFailure } from '../domain/faults.js';
import type { AssetKey, Entry, RunId } from '../domain/types.js';
import type { Withheld } from '../domain/withdraw.js';
import type { ItemRow } from '../state/contract.js';
import { Checkpoint } from './checkpoint.js';
import { DeadlineWatch } from './deadline.js';
import { Desk } from './desk.js';
import { InFlight } from './in-flight.js';
import { clearWorkplace } from './lifecycle.js';
import type { Night, ReadyRecipe } from './night.js';
import { putPool } from './store.js';
import { TryBudget } from './try-budget.js';
import { executeItem, finishItem, stageItem } from './work-item.js';
import type { Workshop } from './workshop.js';

export interface WorkInput {
  readonly run: RunId;
  readonly recipes: ReadonlyMap<string, ReadyRecipe>;
  readonly base: ReadonlyMap<AssetKey, Entry>;
  readonly remake: (item: ItemRow) => boolean;
  readonly insist: (item: ItemRow) => boolean;
  readonly withheld: Withheld;
  /** When nothing more is begun, in milliseconds since the epoch. */
  readonly deadline: number | undefined;
}

/** All items ended; a signal stopped the work; the deadline came before some were begun or through. */
export type Worked = 'whole' | 'stopped' | 'late';

/**
 * Works every item of the plan that has not ended, as many at once as there are workers: partitions in their order, and
 * what remains of slow ones by whoever is idle.
 * Checkpoints are committed however it ends.
 *
 * The first fault (full disk, lost origin) stops everything: it is no item's failure, and going on would make it one.
 */
export async function work(night: Night, input: WorkInput): Promise<Worked> {
  try {
    return await workThrough(night, input);
  } catch (error) {
    throw asFault(error, night.folder);
  }
}

async function workThrough(night: Night, input: WorkInput): Promise<Worked> {
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
  const leaving = new AbortController();
  const killNow = () => {
    leaving.abort();
    void executor.kill();
  };
  const { remainingSeconds } = night.state.progress(input.run);
  const due = input.deadline === undefined ? undefined : { at: input.deadline, remainingSeconds, onGraceOver: killNow };
  const deadline = new DeadlineWatch(night, due);
  const inFlight = new InFlight(halt);
  const budget = new TryBudget();
  const puts = putPool(night.origin, night.workers);
  const shared = { executor, checkpoint, puts, inFlight, deadline, budget, fail, halt, leave: leaving.signal };
  const shop: Workshop = { night, ...input, ...shared };
  const disarm = armGrace(night, killNow);
  failure.signal.addEventListener('abort', killNow, { once: true });
  try {
    const desk = new Desk(shop);
    const places = Array.from({ length: night.workers }, (_, place) => workPlace(shop, desk, place));
    await Promise.all(places.map((place) => place.catch(fail)));
    await workAlone(shop, desk);
    await desk.idle();
    checkpoint.flush();
  } catch (error) {
    failure.abort(error);
  } finally {
    disarm();
    deadline.close();
    await executor.close();
    await clearWorkplace(night.folder);
  }
  if (failure.signal.aborted) throw failure.signal.reason;
  if (night.stop.asked.aborted) return 'stopped';
  const { todo, claimed } = night.state.progress(input.run);
  return todo + claimed === 0 ? 'whole' : 'late';
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

/**
 * One place works item after item and stays busy: the next one is staged and the last one stored while a worker is at
 * the current one. An item is not begun before the one before the last is stored: where storing is slower than making,
 * no more than two items' outputs wait in each place, and the night goes on at the pace of the origin.
 */
async function workPlace(shop: Workshop, desk: Desk, place: number): Promise<void> {
  let storing = Promise.resolve();
  while (!shop.halt.aborted && !shop.deadline.isOver) {
    const handed = desk.take(place);
    if (!handed) break;
    const staged = await desk.staged(handed);
    if (shop.halt.aborted || shop.leave.aborted) break;
    desk.prepare(place);
    const finished = await executeItem(shop, staged, { alone: false });
    await storing;
    if (finished === 'alone') desk.setAside(handed);
    if (!finished || finished === 'alone') continue;
    storing = finishItem(shop, finished).then(() => desk.ended(handed));
    storing.catch(shop.fail); // at once, not when it is awaited
  }
  await storing;
}

/** One after the other, when all else has ended: who dies now has nobody else to blame. */
async function workAlone(shop: Workshop, desk: Desk): Promise<void> {
  for (const handed of desk.aside) {
    if (shop.halt.aborted || shop.deadline.isOver) return;
    const staged = await stageItem(shop, handed.item);
    if (shop.halt.aborted || shop.leave.aborted) return;
    const finished = await executeItem(shop, staged, { alone: true });
    if (!finished || finished === 'alone') continue;
    await finishItem(shop, finished);
    desk.ended(handed);
  }
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
