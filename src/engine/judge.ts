import { Acceptances } from '../domain/acceptance.js';
import { driftsOf, type EntrySides } from '../domain/drift.js';
import { type GateInput, type Hold, judge, type MissingItem, type StaleItem } from '../domain/gate.js';
import { groupCode } from '../domain/groups.js';
import { updateManifest } from '../domain/manifest-update.js';
import type { AssetKey, Entry, Finding, Job, RunId, SnapshotId } from '../domain/types.js';
import type { Approval, ItemRow, RunRow } from '../state/contract.js';
import { liveLoader } from './base.js';
import type { Night } from './night.js';
import { isAccepted, isMissing, isShed } from './report.js';
import type { Validated } from './validate.js';
import { withheldBesideLive } from './withheld.js';

export interface JudgeInput {
  readonly run: RunRow;
  /** The live snapshot that the night was planned on, and its entries of the assets looked at. */
  readonly base: SnapshotId | undefined;
  readonly entries: ReadonlyMap<AssetKey, Entry>;
  readonly validated: Validated;
}

export interface Judged {
  /** Rules that keep the snapshot from going live. */
  readonly holds: readonly Hold[];
  /** Rules that were met and lifted beforehand for this window. */
  readonly approved: readonly Approved[];
}

export interface Approved {
  readonly rule: string;
  readonly reason: string;
  readonly message: string;
}

/** The gate over a night that was worked and validated. */
export async function judgeNight(night: Night, input: JudgeInput): Promise<Judged> {
  const totals = night.state.run(input.run.id)?.plan;
  if (!totals) throw new Error(`run ${input.run.id} has no plan to judge`);
  const rows = night.state.items(input.run.id);
  const acceptances = new Acceptances(night.state.accepted(), night.clock());
  const unaccepted = rows.filter((row) => !isAccepted(acceptances, row));
  const { assets } = totals;
  const present = assets.total - assets.unmatched;
  const strays = totals.findings.map((finding) => acceptances.tell({ finding }));
  const verdict = judge({
    spec: night.job.gate,
    total: rows.length + totals.unchangedItems,
    missing: missingOf(unaccepted),
    stale: staleItems(night, { run: input.run.id, now: night.clock() }, unaccepted),
    recipes: ownTolerances(night.job, rows),
    drift: night.job.gate.drift === undefined ? [] : driftsOf(changesOf(input)),
    assets: {
      total: present,
      removed: assets.removed,
      baseTotal: await liveAssets(night, input, { present, withheld: withheldBesideLive(rows, input.entries) }),
    },
    findings: strays.filter((finding) => finding.recipe === undefined),
    validation: input.validated.findings,
  });
  return liftedOf(night.state.approvals(input.run.window.opens), verdict.publish ? [] : verdict.holds);
}

/** Where nothing came, went or changed, those that are live are those that are there: a look at the origin saved. */
async function liveAssets(
  night: Night,
  { base, validated }: JudgeInput,
  { present, withheld }: { readonly present: number; readonly withheld: number },
): Promise<number | undefined> {
  if (base === undefined || validated.updates.size === 0) return base && present;
  return (await updateManifest(liveLoader(night.origin), base, new Map())).count + withheld;
}

/** What was approved beforehand passes. */
export function liftedOf(approvals: readonly Approval[], holds: readonly Hold[]): Judged {
  const reasons = new Map(approvals.map(({ rule, reason }) => [rule, reason]));
  return {
    holds: holds.filter(({ rule }) => !reasons.has(rule)),
    approved: holds.flatMap(({ rule, message }) => {
      const reason = reasons.get(rule);
      return reason === undefined ? [] : [{ rule, reason, message }];
    }),
  };
}

export function approvedFindings(approved: readonly Approved[]): readonly Finding[] {
  return approved.map(({ rule, reason, message }) => ({
    code: 'approved',
    severity: 'notice',
    message: `gate rule ${rule} was approved beforehand (${reason}): ${message}`,
  }));
}

/** Not yet made is not failed. */
export function missingOf(
  rows: readonly Pick<ItemRow, 'key' | 'recipe' | 'disposition' | 'finding'>[],
): readonly MissingItem[] {
  return rows.flatMap((row) => {
    const { key, recipe, disposition, finding } = row;
    if (!disposition || !isMissing(disposition) || isShed(row)) return [];
    return [{ key, recipe, disposition, waits: finding?.code === groupCode }];
  });
}

export function ownTolerances(job: Job, rows: readonly { readonly recipe: string }[]): GateInput['recipes'] {
  return job.recipes.flatMap(({ name, tolerate }) =>
    tolerate ? [{ name, tolerate, worked: rows.filter(({ recipe }) => recipe === name).length }] : [],
  );
}

/** Also what deadlines left again and again: whoever looks at the site sees no difference. */
export function staleItems(
  night: Pick<Night, 'job' | 'state'>,
  { run, now }: { readonly run: RunId; readonly now: number },
  rows: readonly Pick<ItemRow, 'id' | 'key' | 'recipe' | 'disposition'>[],
): readonly StaleItem[] {
  const { maxStaleMs } = night.job.gate;
  const carried = rows.filter(({ disposition }) => disposition === 'carried');
  if (maxStaleMs === undefined || carried.length === 0) return [];
  const since = night.state.carriedSince(run);
  return carried.map(({ id, key, recipe }) => ({ key, recipe, staleMs: now - (since.get(id) ?? now) }));
}

function* changesOf({ entries, validated }: JudgeInput): Generator<EntrySides> {
  for (const [key, after] of validated.updates) yield { before: entries.get(key), after };
}
