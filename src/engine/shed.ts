import {
  deadlineRule,
  type ImportNights,
  importNights,
  importRule,
  shedCode,
  shedFinding,
} from '../domain/deadline.js';
import type { Result } from '../domain/result.js';
import type { RunId } from '../domain/types.js';
import type { ItemRow, RunRow, State } from '../state/contract.js';
import type { Night } from './night.js';
import type { Thawed } from './plan.js';

/**
 * Ends every item that the deadline left. What an earlier night made of the content that the listing tells is there, and
 * only its bytes were not looked at again: it is reused. Of the others what is live stays live; they come first in the
 * next night.
 */
export function shed(night: Night, run: RunId, { entries, remake }: Pick<Thawed, 'entries' | 'remake'>): void {
  const left = night.state.items(run).filter((item) => item.state !== 'ended');
  const made = night.state.made(left.flatMap((item) => (remake(item) ? [] : (item.fingerprint ?? []))));
  const changes = new Map(night.state.changes(run).map((change) => [change.key, change]));
  const at = night.clock();
  night.state.commit(
    left.map((item) => {
      const { fingerprint } = item;
      const { sha256, asset: staged } = changes.get(item.key) ?? {};
      if (fingerprint && made.has(fingerprint) && sha256 && staged && !remake(item))
        return { kind: 'ended', run, item: item.id, disposition: 'reused', at, sha256, staged, fingerprint };
      const disposition = entries.get(item.key)?.items[item.recipe] ? 'carried' : 'failed';
      return { kind: 'ended', run, item: item.id, disposition, at, finding: shedFinding(item) };
    }),
  );
}

export interface DeadlineHold {
  readonly held: NonNullable<Result['held']>;
  readonly import?: Result['import'];
}

/** Whether what a deadline left keeps the rest from going live, and in which words; undefined: it does not. */
export function deadlineHold(
  night: Night,
  { id, window: { opens } }: Pick<RunRow, 'id' | 'window'>,
  { isImport, allowPartial }: { readonly isImport: boolean; readonly allowPartial: boolean },
): DeadlineHold | undefined {
  const items = night.state.items(id);
  const left = items.filter((item) => item.finding?.code === shedCode);
  if (left.length === 0) return undefined;
  const figures = `${left.length} of ${items.length} items were not made when the deadline came`;
  if (isImport && !allowPartial) {
    const made = items.filter((item) => item.disposition === 'done');
    const before = importSoFar(night.state, opens)?.night ?? 0;
    const nights = importNights(before, seconds(made), seconds(left));
    const about = nights.about === undefined ? '' : ` of about ${nights.about}`;
    const message = `first import, night ${nights.night}${about}: ${figures}; nothing goes live before all is made, or --allow-partial`;
    return { held: [{ rule: importRule, message }], import: nights };
  }
  if (night.job.onDeadline === 'publish') return undefined;
  return {
    held: [{ rule: deadlineRule, message: `${figures}, and the job publishes whole nights only (onDeadline)` }],
  };
}

/** The import that has not ended yet, as its newest night told it; undefined: no earlier window was too short for one. */
export function importSoFar(state: Pick<State, 'runs'>, opens: number): ImportNights | undefined {
  const ended = state.runs(1000).filter(({ outcome }) => outcome !== undefined && outcome !== 'superseded');
  const live = ended.findIndex(({ outcome }) => outcome === 'published' || outcome === 'incomplete');
  const nights = ended
    .slice(0, live < 0 ? ended.length : live)
    .filter(({ window }) => window.opens !== opens)
    .flatMap(({ window, result }) => {
      const told = (result as Partial<Result> | undefined)?.import;
      return told ? [{ opens: window.opens, about: told.about }] : [];
    });
  const [newest] = nights;
  return newest && { night: new Set(nights.map((night) => night.opens)).size, about: newest.about };
}

function seconds(items: readonly ItemRow[]): number {
  return items.reduce((sum, { predictedSeconds }) => sum + predictedSeconds, 0);
}
