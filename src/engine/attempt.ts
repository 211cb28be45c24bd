import { mkdir, rm } from 'node:fs/promises';
import type { Finding } from '../domain/types.js';
import type { Attempt } from '../executors/contract.js';
import type { WorkOrder, WorkResult } from '../processors/contract.js';
import type { ItemRow } from '../state/contract.js';
import type { Workshop } from './workshop.js';

const maxAttempts = 2;

/** Hands an order to a worker; a death or a temporary failure gets one more attempt. Undefined: the run was stopped. */
export async function attemptItem(shop: Workshop, item: ItemRow, order: WorkOrder): Promise<WorkResult | undefined> {
  for (let attempt = 1; ; attempt++) {
    shop.night.emit({ type: 'item-started', item: item.id, key: item.key, recipe: item.recipe, attempt });
    const result = await attemptOnce(shop, item, order);
    if (!result || result.ok || isLasting(result.finding)) return result;
    if (attempt === maxAttempts || shop.night.stop.asked.aborted) return result;
  }
}

/** Undefined: it was stopped, which is no attempt. */
async function attemptOnce(shop: Workshop, item: ItemRow, order: WorkOrder): Promise<WorkResult | undefined> {
  const { run, night } = shop;
  const startedAt = night.clock();
  await rm(order.outbox, { recursive: true, force: true });
  await mkdir(order.outbox, { recursive: true });
  const ended = await shop.executor.execute(order);
  if (ended.kind === 'died' && ended.how === 'stopped') return undefined;
  const result = ended.kind === 'finished' ? ended.result : deathResult(ended);
  const outcome = ended.kind === 'died' ? ended.how : ended.result.ok ? 'finished' : 'refused';
  const detail = result.ok ? undefined : result.finding.message;
  shop.checkpoint.add({ kind: 'attempt', run, item: item.id, startedAt, endedAt: night.clock(), outcome, detail });
  if (!result.ok) {
    const { key, recipe } = item;
    const { log, finding } = result;
    night.emit({ type: 'attempt-failed', item: item.id, key, recipe, how: outcome, detail: finding.message, log });
  }
  return result;
}

function deathResult(death: Extract<Attempt, { kind: 'died' }>): Extract<WorkResult, { ok: false }> {
  const code = death.how === 'crashed' ? 'worker-crashed' : death.how;
  return { ok: false, finding: { code, severity: 'error', class: 'resource', message: death.detail }, log: death.log };
}

/** Content, recipe or tools must change before another try makes sense. */
export function isLasting(finding: Finding): boolean {
  return finding.class === 'input' || finding.class === 'recipe';
}
