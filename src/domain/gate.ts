import type { Allowance, Disposition, Finding, GateSpec } from './types.js';

/** The rules by which a finished run may still not be published; each can be overridden once, by name. */
export const gateRules = ['empty', 'shrink', 'tolerate', 'validation'] as const;
export type GateRule = (typeof gateRules)[number];

export interface GateInput {
  readonly spec: GateSpec;
  /** `total` counts every item of the run, also those that needed no work. */
  readonly items: Readonly<Record<Disposition, number>> & { readonly total: number };
  /** `baseTotal`: assets of the live snapshot; undefined when nothing is live yet. */
  readonly assets: { readonly total: number; readonly removed: number; readonly baseTotal?: number };
  /** Findings of the scan and the plan that belong to no item. */
  readonly findings: readonly Finding[];
  /** Findings about the snapshot as a whole: one error is enough to hold it. */
  readonly validation?: readonly Finding[];
}

export interface Hold {
  readonly rule: GateRule;
  /** One line: figures, limit, and the command that publishes all the same. */
  readonly message: string;
}

export type Verdict = { readonly publish: true } | { readonly publish: false; readonly holds: readonly Hold[] };

/**
 * Publish or hold, from figures alone.
 *
 *   empty       no assets at all, even on a first run: far more often an unmounted folder than an empty library
 *   shrink      more assets fewer than the live snapshot has than allowed
 *   tolerate    more items with nothing to show, and errors that belong to no item, than allowed. Carried items count
 *               for nothing: they show their last good derivatives
 *   validation  the snapshot contradicts itself
 */
export function judge(input: GateInput): Verdict {
  const holds = [empty(input), shrink(input), tolerate(input), validation(input)].filter((hold) => hold !== undefined);
  return holds.length > 0 ? { publish: false, holds: holds.map(withCommand) } : { publish: true };
}

function withCommand({ rule, message }: Hold): Hold {
  return { rule, message: `${message}; to publish all the same: publish --override ${rule} --reason TEXT` };
}

function empty({ assets }: GateInput): Hold | undefined {
  if (assets.total > 0) return undefined;
  const live = assets.baseTotal === undefined ? 'nothing is live yet' : `${assets.baseTotal} are live`;
  return { rule: 'empty', message: `the source has no assets, ${live}, expected at least one` };
}

/** An empty source is `empty` alone: one question, one override. */
function shrink({ spec, assets }: GateInput): Hold | undefined {
  const { total, removed, baseTotal = 0 } = assets;
  const fewer = baseTotal - total;
  const allowed = allowance(spec.shrink, baseTotal);
  if (total === 0 || fewer <= allowed) return undefined;
  const figures = `${total} assets are ${fewer} fewer than the ${baseTotal} that are live (${removed} removed)`;
  return { rule: 'shrink', message: `${figures}, the gate allows ${allowed} fewer (${written(spec.shrink)})` };
}

function tolerate({ spec, items, findings }: GateInput): Hold | undefined {
  const { failed, quarantined, total } = items;
  const stray = errors(findings).length;
  const missing = failed + quarantined + stray;
  const allowed = tolerance(spec.tolerate, total);
  if (missing <= allowed) return undefined;
  const parts = `${failed} failed, ${quarantined} quarantined, ${stray} ${stray === 1 ? 'error' : 'errors'} outside any item`;
  const limit = `the gate tolerates ${allowed} (${written(spec.tolerate)})`;
  return { rule: 'tolerate', message: `${missing} of ${total} items have nothing to show (${parts}), ${limit}` };
}

function validation({ validation: findings = [] }: GateInput): Hold | undefined {
  const [first, ...others] = errors(findings);
  if (!first) return undefined;
  const more = others.length > 0 ? ` and ${others.length} more like it` : '';
  return { rule: 'validation', message: `the snapshot is not sound: ${first.message}${more}, expected no error` };
}

function errors(findings: readonly Finding[]): Finding[] {
  return findings.filter(({ severity }) => severity === 'error');
}

/** A share above zero tolerates at least one item, or one bad file would stop every small library. */
function tolerance(limit: Allowance, total: number): number {
  const allowed = allowance(limit, total);
  return 'share' in limit && limit.share > 0 ? Math.max(1, allowed) : allowed;
}

function allowance(limit: Allowance, total: number): number {
  // 0.29 × 100 is 28.999…: a share is written in percent and means whole things.
  return 'count' in limit ? limit.count : Math.floor(limit.share * total + 1e-9);
}

function written(limit: Allowance): string {
  return 'count' in limit ? String(limit.count) : `${Number((limit.share * 100).toFixed(6))}%`;
}
