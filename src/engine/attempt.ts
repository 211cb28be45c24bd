import { mkdir, rm } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { type FailedTry, mostDeaths, nextTry } from '../domain/tries.js';
import type { Finding, Limits } from '../domain/types.js';
import type { Attempt } from '../executors/contract.js';
import type { WorkOrder, WorkResult } from '../processors/contract.js';
import type { ItemRow, Mark } from '../state/contract.js';
import type { Workshop } from './workshop.js';

/** `alone`: it is to be tried when nothing else is in work. Undefined: stopped, or too late; the item stays as it is. */
export type Attempted = WorkResult | 'alone' | undefined;

export interface ItemOrder {
  readonly item: ItemRow;
  readonly order: WorkOrder;
  /** Nothing else is in work. */
  readonly alone: boolean;
}

/** Hands an order to a worker until it works, or `nextTry` has had enough. */
export async function attemptItem(shop: Workshop, { item, order, alone }: ItemOrder): Promise<Attempted> {
  const { night, budget } = shop;
  const failed = deathsBefore(shop, item);
  if (!alone && failed.length >= mostDeaths) return 'alone'; // it had come so far when the run was killed
  for (let attempt = failed.length + 1; ; attempt++) {
    night.emit({ type: 'item-started', item: item.id, key: item.key, recipe: item.recipe, attempt });
    const ended = await attemptOnce(shop, item, order);
    if (!ended || ended.result.ok) return ended?.result;
    const { finding } = ended.result;
    failed.push({ class: finding.class ?? 'infrastructure', died: ended.died, alone });
    budget.spend(finding);
    const next = nextTry(failed, { random: Math.random, infrastructureLeft: budget.infrastructureLeft });
    if (next.kind === 'alone') return 'alone';
    if (next.kind === 'poison') return { ...ended.result, finding: poison(finding, failed.length, order.limits) };
    if (next.kind === 'give-up') return ended.result;
    if (!(await paused(shop, next.afterMs))) return undefined;
  }
}

/** False: meanwhile the run was stopped, or its deadline came. */
async function paused({ halt, deadline }: Workshop, ms: number): Promise<boolean> {
  await setTimeout(ms, undefined, { signal: halt }).catch(() => undefined);
  return !halt.aborted && !deadline.isOver;
}

/** Of this run, by whatever process: a run that was killed does not begin to count anew. */
function deathsBefore({ night, run }: Workshop, item: ItemRow): FailedTry[] {
  const attempts = item.attempts > 0 ? night.state.attempts(run, item.id) : [];
  return attempts.flatMap(({ outcome }) =>
    isDeath(outcome) ? [{ class: 'resource' as const, died: true, alone: false }] : [],
  );
}

function isDeath(outcome: string): boolean {
  return outcome !== 'finished' && outcome !== 'refused';
}

/** Proven: it is remembered by fingerprint like any input that fails for good. */
function poison(finding: Finding, deaths: number, limits: Limits): Finding {
  const message = `${finding.message}; ${deaths} workers died over it, the last with nothing else in work`;
  return { ...finding, class: 'input', message, limits };
}

interface Ended {
  readonly result: WorkResult;
  readonly died: boolean;
}

/** Undefined: it was stopped, which is no attempt. */
async function attemptOnce(shop: Workshop, item: ItemRow, order: WorkOrder): Promise<Ended | undefined> {
  const { night } = shop;
  const startedAt = night.clock();
  await rm(order.outbox, { recursive: true, force: true });
  await mkdir(order.outbox, { recursive: true });
  const ended = await shop.executor.execute(order);
  const died = ended.kind === 'died';
  if (died && ended.how === 'stopped') return undefined;
  const result = died ? deathResult(ended) : ended.result;
  const outcome = died ? ended.how : result.ok ? 'finished' : 'refused';
  shop.checkpoint.add(attemptMark(shop, item, { startedAt, outcome, result }));
  if (!result.ok) {
    const { key, recipe } = item;
    const { log, finding } = result;
    night.emit({ type: 'attempt-failed', item: item.id, key, recipe, how: outcome, detail: finding.message, log });
  }
  return { result, died };
}

/** Enough to see what a tool complained of; the run's log has all that was kept. */
const longestExcerpt = 2000;

function attemptMark(
  { night, run }: Workshop,
  item: ItemRow,
  { startedAt, outcome, result }: { startedAt: number; outcome: string; result: WorkResult },
): Mark {
  const mark = { kind: 'attempt', run, item: item.id, startedAt, endedAt: night.clock(), outcome } as const;
  if (result.ok) return mark;
  const { finding, log } = result;
  return {
    ...mark,
    detail: finding.message,
    code: finding.code,
    class: finding.class,
    log: log?.slice(-longestExcerpt),
  };
}

function deathResult(death: Extract<Attempt, { kind: 'died' }>): Extract<WorkResult, { ok: false }> {
  const code = death.how === 'crashed' ? 'worker-crashed' : death.how;
  return { ok: false, finding: { code, severity: 'error', class: 'resource', message: death.detail }, log: death.log };
}

/** Content, recipe or tools must change before another try makes sense. */
export function isLasting(finding: Finding): boolean {
  return finding.class === 'input' || finding.class === 'recipe';
}
