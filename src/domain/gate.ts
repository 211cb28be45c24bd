import { compileGlobs } from './match.js';
import type { Allowance, AssetKey, Disposition, Finding, GateSpec } from './types.js';

/** The rules by which a finished run may still not be published; each can be overridden once, by name. */
export const gateRules = ['empty', 'shrink', 'grow', 'tolerate', 'required', 'stale', 'drift', 'validation'] as const;
export type GateRule = (typeof gateRules)[number];

/** An item without fresh output that nobody accepted, and that has only itself to blame. */
export interface MissingItem {
  readonly key: AssetKey;
  readonly recipe: string;
  readonly disposition: Disposition;
  /** Made, but kept back because another asset of its group failed: that one is to blame. */
  readonly waits?: boolean;
}

/** An item that shows an older version. */
export interface StaleItem {
  readonly key: AssetKey;
  readonly recipe: string;
  readonly staleMs: number;
}

/** Of a recipe: remade items, and bytes of their derivatives before and after. */
export interface Drift {
  readonly recipe: string;
  readonly items: number;
  readonly before: number;
  readonly after: number;
}

export interface GateInput {
  readonly spec: GateSpec;
  /** Every item of the run, also those that needed no work. */
  readonly total: number;
  readonly missing: readonly MissingItem[];
  readonly stale?: readonly StaleItem[];
  /** Recipes with a tolerance of their own, and how many items they worked. */
  readonly recipes?: readonly { readonly name: string; readonly tolerate: Allowance; readonly worked: number }[];
  readonly drift?: readonly Drift[];
  /** `baseTotal`: assets of the live snapshot; undefined when nothing is live yet. */
  readonly assets: { readonly total: number; readonly removed: number; readonly baseTotal?: number };
  /** Findings of the scan and the plan that belong to no item. */
  readonly findings: readonly Finding[];
  /** Findings about the snapshot as a whole: one error is enough to hold it. */
  readonly validation?: readonly Finding[];
}

export interface Hold {
  readonly rule: GateRule;
  /** One line: figures and limit. */
  readonly message: string;
}

export type Verdict = { readonly publish: true } | { readonly publish: false; readonly holds: readonly Hold[] };

/**
 * Publish or hold, from figures alone.
 *
 *   empty       no assets at all, even on a first run: far more often an unmounted folder than an empty library
 *   shrink      more assets fewer than the live snapshot has than allowed
 *   grow        more assets more than it has than allowed
 *   tolerate    more items with nothing to show, and errors that belong to no item, than allowed, in all or in a recipe
 *               with a tolerance of its own. Carried items count for nothing: they show their last good derivatives
 *   required    an asset that must never fail has no fresh output, also where it only waits for the rest of its group
 *   stale       items have shown an older version for longer than allowed
 *   drift       what was made again is so much smaller or larger than what it replaces that something is wrong with it
 *   validation  the snapshot contradicts itself
 */
export function judge(input: GateInput): Verdict {
  const rules = [empty, shrink, grow, tolerate, required, stale, drift, validation];
  const holds = rules.flatMap((rule) => rule(input) ?? []);
  return holds.length > 0 ? { publish: false, holds } : { publish: true };
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
  const allowed = tolerance(spec.shrink, baseTotal);
  if (total === 0 || fewer <= allowed) return undefined;
  const figures = `${total} assets are ${fewer} fewer than the ${baseTotal} that are live (${removed} gone from the source, live or not)`;
  return { rule: 'shrink', message: `${figures}, the gate allows ${allowed} fewer (${written(spec.shrink)})` };
}

function grow({ spec, assets }: GateInput): Hold | undefined {
  const { total, baseTotal } = assets;
  if (!spec.grow || baseTotal === undefined) return undefined;
  const allowed = allowance(spec.grow, baseTotal);
  if (total - baseTotal <= allowed) return undefined;
  const figures = `${total} assets are ${total - baseTotal} more than the ${baseTotal} that are live`;
  return { rule: 'grow', message: `${figures}, the gate allows ${allowed} more (${written(spec.grow)})` };
}

function tolerate(input: GateInput): Hold | undefined {
  const recipes = input.recipes ?? [];
  const own = new Set(recipes.map(({ name }) => name));
  const messages = [
    tooMany(
      input,
      input.missing.filter(({ recipe }) => !own.has(recipe)),
    ),
    ...recipes.map((recipe) => tooManyOf(recipe, input.missing)),
  ].filter((message) => message !== undefined);
  return messages.length > 0 ? { rule: 'tolerate', message: messages.join('; ') } : undefined;
}

function tooMany({ spec, total, findings }: GateInput, items: readonly MissingItem[]): string | undefined {
  const of = (disposition: Disposition) =>
    items.filter((item) => item.disposition === disposition && !item.waits).length;
  const [failed, quarantined, stray] = [of('failed'), of('quarantined'), errors(findings).length];
  const missing = failed + quarantined + stray;
  const allowed = tolerance(spec.tolerate, total);
  if (missing <= allowed) return undefined;
  const others = stray === 0 ? '' : ` and ${stray} ${stray === 1 ? 'error' : 'errors'} outside any item`;
  const limit = `the gate tolerates ${allowed} (${written(spec.tolerate)})`;
  const bare = `${failed + quarantined} of ${total} items have nothing to show`;
  return `${bare} (${failed} failed now, ${quarantined} in quarantine since an earlier run)${others}, ${limit}`;
}

function tooManyOf(
  { name, tolerate: limit, worked }: NonNullable<GateInput['recipes']>[number],
  items: readonly MissingItem[],
): string | undefined {
  const isBlamed = ({ recipe, disposition, waits }: MissingItem) =>
    recipe === name && disposition !== 'carried' && !waits;
  const missing = items.filter(isBlamed).length;
  const allowed = tolerance(limit, worked);
  if (missing <= allowed) return undefined;
  return `${missing} of ${worked} items that '${name}' worked have nothing to show, it tolerates ${allowed} (${written(limit)})`;
}

function required({ spec, missing }: GateInput): Hold | undefined {
  if (!spec.required || spec.required.length === 0) return undefined;
  const matches = compileGlobs(spec.required);
  const [first, ...others] = missing.filter(({ key }) => matches(key));
  if (!first) return undefined;
  const more = others.length > 0 ? ` and ${others.length} more` : '';
  return { rule: 'required', message: `'${first.key}' (${first.recipe})${more} must never be without fresh output` };
}

function stale({ spec, stale: items = [] }: GateInput): Hold | undefined {
  const { maxStaleMs } = spec;
  if (maxStaleMs === undefined) return undefined;
  const late = items.filter(({ staleMs }) => staleMs > maxStaleMs).sort((a, b) => b.staleMs - a.staleMs);
  const [oldest] = late;
  if (!oldest) return undefined;
  const figures = `${late.length} ${late.length === 1 ? 'item shows' : 'items show'} an older version for too long`;
  const worst = `'${oldest.key}' (${oldest.recipe}) for ${hours(oldest.staleMs)}`;
  return { rule: 'stale', message: `${figures}, ${worst}, the gate allows ${hours(maxStaleMs)}` };
}

function hours(ms: number): string {
  return `${Number((ms / 3_600_000).toFixed(1))} h`;
}

/** Fewer may differ as they like: one photo for another is no sign of anything. */
const fewestForDrift = 10;

function drift({ spec, drift: recipes = [] }: GateInput): Hold | undefined {
  const limit = spec.drift;
  if (limit === undefined) return undefined;
  const messages = recipes.flatMap(({ recipe, items, before, after }) => {
    const change = before > 0 ? after / before - 1 : 0;
    if (items < fewestForDrift || Math.abs(change) <= limit) return [];
    const how = `${Math.round(Math.abs(change) * 100)}% ${change < 0 ? 'smaller' : 'larger'}`;
    return [
      `what '${recipe}' made again for ${items} items is ${how} than what it replaces (${before} bytes before, ${after} now)`,
    ];
  });
  if (messages.length === 0) return undefined;
  return { rule: 'drift', message: `${messages.join('; ')}, the gate allows ${Math.round(limit * 100)}%` };
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

/** A share above zero allows at least one, or one bad file, or one taken away, would stop every small library. */
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
