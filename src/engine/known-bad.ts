import { itemId } from '../domain/digest.js';
import type { Digest, Finding, ItemId } from '../domain/types.js';
import type { State } from '../state/contract.js';
import { lastPlanned } from './failing.js';
import { isMissing } from './report.js';

interface Seen {
  readonly id: ItemId;
  readonly fingerprint?: Digest;
}

/**
 * Tells findings that are news from those the last run had already: its items without fresh output, content that is
 * quarantined under whatever name, and the same words about anything else. Without a state everything is news.
 */
export function knownBad(state: State, items: readonly Seen[]): (finding: Finding) => boolean {
  const last = lastPlanned(state);
  const missing = last ? state.items(last.id).filter((row) => isMissing(row.disposition)) : [];
  const quarantined = state.quarantined(items.flatMap(({ fingerprint }) => fingerprint ?? []));
  const bad = new Set([
    ...missing.map((row) => row.id),
    ...items.flatMap(({ id, fingerprint }) => (fingerprint && quarantined.has(fingerprint) ? [id] : [])),
  ]);
  const said = new Set((last?.plan?.findings ?? []).map(wordsOf));
  return (finding) => {
    const { key, recipe } = finding;
    return key !== undefined && recipe !== undefined ? bad.has(itemId(recipe, key)) : said.has(wordsOf(finding));
  };
}

function wordsOf({ code, key, message }: Finding): string {
  return JSON.stringify([code, key, message]);
}
