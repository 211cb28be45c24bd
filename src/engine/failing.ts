import { type Acceptance, Acceptances } from '../domain/acceptance.js';
import { itemId } from '../domain/digest.js';
import type { AssetKey, Digest, Disposition, Finding, ItemId, RunId } from '../domain/types.js';
import type { RunRow, State } from '../state/contract.js';
import { isMissing, isShed } from './report.js';

/** One thing that the last run could not publish as it should be. */
export interface Failing {
  readonly item: ItemId;
  readonly key: AssetKey;
  /** Empty: the asset itself, whatever is made of it. */
  readonly recipe: string;
  readonly disposition?: Disposition;
  readonly finding: Finding;
  readonly fingerprint?: Digest;
  /** Not tried again until content, recipe or tools change, or by hand. */
  readonly quarantined: boolean;
  readonly accepted?: Acceptance;
  readonly run: RunId;
}

/** What failed in the newest run that was planned and ended, in the order of keys; what a deadline left has not failed. */
export function failingIn(state: State, now: number): readonly Failing[] {
  const run = lastPlanned(state);
  if (!run) return [];
  const rows = state.items(run.id).filter((row) => isMissing(row.disposition) && !isShed(row));
  const quarantined = state.quarantined(rows.flatMap(({ fingerprint }) => fingerprint ?? []));
  const acceptances = new Acceptances(state.accepted(), now);
  const items = rows.flatMap(({ id, key, recipe, disposition, finding, fingerprint }): Failing[] => {
    if (!finding) return [];
    const isQuarantined = fingerprint !== undefined && quarantined.has(fingerprint);
    const failure = { finding: { ...finding, key, recipe }, fingerprint };
    const accepted = acceptances.of(failure);
    return [{ item: id, key, recipe, disposition, ...failure, quarantined: isQuarantined, accepted, run: run.id }];
  });
  const strays = (run.plan?.findings ?? []).flatMap((finding): Failing[] => {
    const { key, recipe, severity } = finding;
    if (key === undefined || recipe !== undefined || severity !== 'error') return [];
    const accepted = acceptances.of({ finding });
    return [{ item: itemId('', key), key, recipe: '', finding, quarantined: false, accepted, run: run.id }];
  });
  return [...items, ...strays].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}

/** The newest run that has a plan and an outcome of its own. */
export function lastPlanned(state: State): RunRow | undefined {
  return state.runs(50).find(({ plan, outcome }) => plan && outcome && outcome !== 'superseded');
}
