import { rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { stillBad } from '../domain/decide.js';
import { errno } from '../domain/faults.js';
import { itemFingerprint } from '../domain/fingerprint.js';
import type { AssetKey, Digest, Disposition, Finding, ListedAsset, Made } from '../domain/types.js';
import { withdrawnFinding } from '../domain/withdraw.js';
import type { WorkOrder, WorkResult } from '../processors/contract.js';
import type { Staged as StagedBytes } from '../sources/contract.js';
import type { ItemRow } from '../state/contract.js';
import { attemptItem, isLasting } from './attempt.js';
import { type ReadyRecipe, workClock } from './night.js';
import { holdsAll, madeFromEntry, storeOutputs } from './store.js';
import type { Workshop } from './workshop.js';

/*
 * One item's way through the night:
 *
 *   stage    its bytes are copied and hashed: from here on they are known by sha256
 *   settle   its content was withdrawn → `withheld`;
 *            the same fingerprint was made before (live snapshot, state, or another item a moment ago) → `reused`;
 *            known to fail → `carried` or `quarantined`
 *   execute  a worker makes the outputs; what may pass is tried again, and what two workers died over waits until
 *            nothing else is in work
 *   finish   outputs go to the origin, then, and only then, the item's marks go to the checkpoint
 *
 * A crash anywhere leaves the item `claimed`, which the next run takes as `todo`.
 */

/** Where an item stands after staging: decided, or ready for a worker. */
export type Staged =
  | { readonly kind: 'refused'; readonly item: ItemRow; readonly finding: Finding }
  | {
      readonly kind: 'staged';
      readonly item: ItemRow;
      readonly file: string;
      readonly sha256: Digest;
      readonly bytes: number;
      readonly asset: ListedAsset;
    };

/** What is left to do after the worker: nothing, or bytes to store. */
export interface Finished {
  readonly item: ItemRow;
  /** By the clock of work. */
  readonly startedAt: number;
  readonly disposition: Disposition;
  readonly sha256?: Digest;
  readonly staged?: ListedAsset;
  readonly fingerprint?: Digest;
  readonly finding?: Finding;
  /** A fresh result, its files still in the outbox. */
  readonly result?: Extract<WorkResult, { ok: true }>;
  /** A remembered result, to be remembered again under this run. */
  readonly made?: Made;
  readonly done?: () => void;
}

export async function stageItem(shop: Workshop, item: ItemRow): Promise<Staged> {
  const file = path.join(shop.night.folder, 'staging', item.id);
  await rm(file, { force: true });
  const staged = await stageCalm(shop, item.key, file);
  if (!staged.ok) return { kind: 'refused', item, finding: { ...staged.finding, key: item.key, recipe: item.recipe } };
  const { sha256, bytes, asset } = staged;
  return { kind: 'staged', item, file, sha256, bytes, asset };
}

/** A file that is being written is given one more chance, a moment later. */
async function stageCalm(shop: Workshop, key: AssetKey, file: string): Promise<StagedBytes> {
  const first = await shop.night.source.stage(key, file, shop.leave);
  if (first.ok || first.finding.code !== 'changed-while-read' || shop.halt.aborted) return first;
  await setTimeout(1000 + 1000 * Math.random());
  return await shop.night.source.stage(key, file, shop.leave);
}

/** Undefined: the run was stopped before the item ended; it stays `claimed`. `alone`: it waits, and stays so too. */
export async function executeItem(
  shop: Workshop,
  staged: Staged,
  { alone }: { readonly alone: boolean },
): Promise<Finished | 'alone' | undefined> {
  const { item } = staged;
  const startedAt = workClock(shop.night);
  shop.checkpoint.add({ kind: 'claimed', run: shop.run, item: item.id });
  if (staged.kind === 'refused') return { ...without(shop, staged.item, staged.finding), startedAt };
  const recipe = recipeOf(shop, item);
  const fingerprint = itemFingerprint({ sha256: staged.sha256, recipe, key: item.key });
  const known = { item, startedAt, sha256: staged.sha256, staged: staged.asset, fingerprint };
  const withdrawal = shop.withheld.get(staged.sha256);
  if (withdrawal) return { ...known, disposition: 'withheld', finding: withdrawnFinding(withdrawal) };
  const done = await shop.inFlight.occupy(fingerprint);
  if (!done) return undefined;
  const made = shop.remake(item) ? undefined : await remembered(shop, item, fingerprint);
  if (made) return { ...known, disposition: 'reused', made, done };
  const bad = stillBad(shop.night.state.quarantined([fingerprint]).get(fingerprint), recipe.recipe);
  if (bad && shop.insist(item)) shop.night.state.releaseQuarantine([fingerprint]);
  else if (bad) return { ...known, ...without(shop, item, bad, 'quarantined'), done };
  const result = await attemptItem(shop, { item, alone, order: orderFor(shop, item, staged, recipe) });
  if (result === 'alone') done();
  if (!result || result === 'alone') return result;
  if (result.ok) return { ...known, disposition: 'done', result, done };
  return { ...known, ...without(shop, item, { ...result.finding, key: item.key, recipe: item.recipe }), done };
}

export async function finishItem(shop: Workshop, finished: Finished): Promise<void> {
  const ended = finished.result ? await storeResult(shop, finished, finished.result) : finished;
  const { item, disposition, sha256, staged, fingerprint, finding, made } = ended;
  const { run, night } = shop;
  const at = night.clock();
  if (made) shop.checkpoint.add({ kind: 'made', run, at, made });
  if (finding && fingerprint && isLasting(finding) && disposition !== 'quarantined') {
    shop.checkpoint.add({ kind: 'quarantined', run, at, fingerprint, key: item.key, recipe: item.recipe, finding });
  }
  shop.checkpoint.add({ kind: 'ended', run, item: item.id, disposition, at, sha256, staged, fingerprint, finding });
  finished.done?.();
  await clearTraces(night.folder, item.id);
  night.emit({
    type: 'item-ended',
    item: item.id,
    key: item.key,
    recipe: item.recipe,
    disposition,
    predictedSeconds: item.predictedSeconds,
    elapsedMs: Math.max(0, workClock(night) - finished.startedAt),
    verifyCpuMs: finished.result?.verifyCpuMs ?? 0,
    madeBytes: disposition === 'done' ? (made?.outputs.reduce((sum, output) => sum + output.bytes, 0) ?? 0) : 0,
    finding,
  });
}

async function storeResult(
  shop: Workshop,
  finished: Finished,
  result: Extract<WorkResult, { ok: true }>,
): Promise<Finished> {
  const { item, fingerprint } = finished;
  for (const finding of result.findings)
    shop.night.emit({ type: 'finding', finding: { ...finding, key: item.key, recipe: item.recipe } });
  if (!fingerprint) throw new Error('a result without a fingerprint cannot be remembered');
  try {
    const { origin, emit } = shop.night;
    const storing = { origin, emit, outbox: outboxOf(shop, item), puts: shop.puts };
    const outputs = await storeOutputs(storing, result.outputs);
    return { ...finished, made: { fingerprint, source: result.source, outputs, placeholder: result.placeholder } };
  } catch (error) {
    if (errno(error) !== 'EBADHASH') throw error;
    const finding: Finding = {
      code: 'output-changed',
      severity: 'error',
      class: 'infrastructure',
      message: 'an output changed between its check and its storing',
      key: item.key,
      recipe: item.recipe,
    };
    return { ...finished, ...without(shop, item, finding) };
  }
}

/** What an item without fresh outputs ends as: its last good derivatives stay live, or there is nothing to show. */
function without(
  shop: Workshop,
  item: ItemRow,
  finding: Finding,
  nothing: 'failed' | 'quarantined' = 'failed',
): Pick<Finished, 'item' | 'disposition' | 'finding'> {
  const disposition = shop.base.get(item.key)?.items[item.recipe] ? 'carried' : nothing;
  return { item, disposition, finding };
}

function recipeOf(shop: Workshop, item: ItemRow): ReadyRecipe {
  const recipe = shop.recipes.get(item.recipe);
  if (!recipe) throw new Error(`item of unknown recipe '${item.recipe}'`);
  return recipe;
}

/** Made before under this fingerprint, and every blob still at the origin. */
async function remembered(shop: Workshop, item: ItemRow, fingerprint: Digest): Promise<Made | undefined> {
  const entry = shop.base.get(item.key);
  const live = entry && madeFromEntry(entry, item.recipe);
  if (live?.fingerprint === fingerprint && (await holdsAll(shop.night.origin, live.outputs))) return live;
  shop.checkpoint.flushMade(fingerprint); // by an equal item a moment ago
  const made = shop.night.state.made([fingerprint]).get(fingerprint);
  return made && (await holdsAll(shop.night.origin, made.outputs)) ? made : undefined;
}

function outboxOf(shop: Workshop, item: ItemRow): string {
  return path.join(shop.night.folder, 'outbox', item.id);
}

function orderFor(
  shop: Workshop,
  item: ItemRow,
  staged: Extract<Staged, { kind: 'staged' }>,
  ready: ReadyRecipe,
): WorkOrder {
  const { recipe } = ready;
  return {
    item: item.id,
    kind: recipe.kind,
    settings: recipe.settings,
    input: { file: staged.file, sha256: staged.sha256, bytes: staged.bytes, key: item.key },
    outbox: outboxOf(shop, item),
    limits: recipe.limits,
  };
}

async function clearTraces(folder: string, item: string): Promise<void> {
  await rm(path.join(folder, 'staging', item), { force: true });
  await rm(path.join(folder, 'outbox', item), { recursive: true, force: true });
}
