import { isDeepStrictEqual } from 'node:util';
import { Acceptances } from '../domain/acceptance.js';
import { composeEntry, type EndedItem } from '../domain/entries.js';
import { type Hold, judge } from '../domain/gate.js';
import { groupCode, groupOf, waitingRows } from '../domain/groups.js';
import { updateManifest } from '../domain/manifest-update.js';
import type { AssetKey, Disposition, ItemId, Recipe, SnapshotId, Window } from '../domain/types.js';
import { liveLoader } from './base.js';
import { lastPlanned } from './failing.js';
import { type Approved, liftedOf, missingOf, ownTolerances, staleItems } from './judge.js';
import type { Night } from './night.js';
import type { MadePlan } from './plan.js';
import { isMissing } from './report.js';
import { withheldBesideLive } from './withheld.js';

export interface ForecastInput {
  readonly made: MadePlan;
  readonly base: SnapshotId | undefined;
  readonly recipesFor: (key: AssetKey) => readonly Recipe[];
  /** Items that were tried and gave nothing: then the figures are judged, whether or not anything would change. */
  readonly failing?: ReadonlySet<ItemId>;
  /** The night that is foretold: rules were lifted for its window, and it judges when it opens. */
  readonly window: Window;
}

export interface Forecast {
  readonly holds: readonly Hold[];
  /** Rules that will be met, and were lifted beforehand. */
  readonly approved: readonly Approved[];
}

type Parts = Pick<Night, 'job' | 'state' | 'origin' | 'clock'>;
type Foretold = MadePlan['plan']['items'][number] & { readonly disposition: Disposition };

/**
 * What the gate would object to if every item that is still to do worked, apart from those known to fail. What only the
 * work can show (drift, failures that are news) is not foretold; nor does a night hold that changes nothing of what is live.
 */
export async function forecastGate(night: Parts, input: ForecastInput): Promise<Forecast> {
  const { made, base, window } = input;
  const { plan, frozen } = made;
  const now = Math.max(night.clock(), window.opens);
  const acceptances = new Acceptances(night.state.accepted(), now);
  const rows = ending(night, input, acceptances);
  const isSame = base !== undefined && !input.failing && !changesLive(input, rows);
  if (isSame) return { holds: [], approved: [] };
  const unaccepted = rows.filter((row) => !isAccepted(acceptances, row));
  const last = lastPlanned(night.state);
  const live = await updateManifest(liveLoader(night.origin), base, new Map());
  const { total, unmatched, removed } = plan.assets;
  const verdict = judge({
    spec: night.job.gate,
    total: plan.items.length + plan.unchangedItems,
    missing: missingOf(unaccepted),
    stale: last ? staleItems(night, { run: last.id, now }, unaccepted) : [],
    recipes: ownTolerances(night.job, plan.items),
    assets: {
      total: total - unmatched,
      removed,
      baseTotal: base && live.count + withheldBesideLive(rows, made.entries),
    },
    findings: frozen.totals.findings
      .filter((finding) => finding.recipe === undefined)
      .map((finding) => acceptances.tell({ finding })),
  });
  return liftedOf(night.state.approvals(window.opens), verdict.publish ? [] : verdict.holds);
}

/** How every item of the plan will have ended, with those that then wait for the rest of their group. */
function ending(
  { job }: Parts,
  { made: { plan, entries }, failing }: ForecastInput,
  acceptances: Acceptances,
): Foretold[] {
  const nothing = ({ key, recipe }: { key: AssetKey; recipe: string }) =>
    entries.get(key)?.items[recipe] ? 'carried' : 'failed';
  const rows = plan.items.map((item) => ({
    ...item,
    disposition: item.disposition ?? (failing?.has(item.id) ? nothing(item) : 'done'),
  }));
  const waiting = new Set(
    waitingRows(
      {
        fresh: rows.filter(isFresh),
        failing: rows.filter((row) => isMissing(row.disposition) && !isAccepted(acceptances, row)),
      },
      groupOf(job.groupBy),
    ).map(([row]) => row),
  );
  const wait = (row: Foretold): Foretold => {
    const finding = { code: groupCode, severity: 'error', message: 'waits for its group' } as const;
    return { ...row, disposition: nothing(row), finding };
  };
  return rows.map((row) => (waiting.has(row) ? wait(row) : row));
}

function isAccepted(acceptances: Acceptances, { key, recipe, finding, fingerprint }: Foretold): boolean {
  return finding !== undefined && acceptances.of({ finding: { ...finding, key, recipe }, fingerprint }) !== undefined;
}

function isFresh({ disposition }: Foretold): boolean {
  return !isMissing(disposition) && disposition !== 'withheld';
}

/** Fresh output changes what is live, and so does what goes, or is marked as carried. */
function changesLive({ made, recipesFor }: ForecastInput, rows: readonly Foretold[]): boolean {
  if (rows.some(isFresh)) return true;
  const ended = new Map<AssetKey, Map<string, EndedItem>>();
  for (const row of rows) ended.set(row.key, (ended.get(row.key) ?? new Map()).set(row.recipe, row));
  return made.comparison.changes.some(({ kind, key, sha256 }) => {
    const base = made.entries.get(key);
    const recipes = kind === 'removed' ? [] : recipesFor(key);
    return !isDeepStrictEqual(composeEntry({ key, sha256, recipes, ended: ended.get(key) ?? new Map(), base }), base);
  });
}
