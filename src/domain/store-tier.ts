/*
 * What the store behind an origin can do, judged by what it did when it was tried, never by its name:
 *
 *   A   compares and swaps: of writes with `If-Match` at once exactly one lands
 *   B   creates once: of writes with `If-None-Match: *` at once exactly one lands, but `If-Match` cannot be relied on
 *   C   neither
 *
 * One must-fail request answered with success is enough, whatever else was kept: a commit is such a request. Rejected: a
 * list of products and versions; the same name stands for stores that differ by release, driver and configuration.
 */
export type StoreTier = 'A' | 'B' | 'C';

/** What is tried, by what it is needed for. `data`: whatever is published. `clock`: nothing that is published. */
const needs = {
  content: 'data',
  headers: 'data',
  'payload hash': 'data',
  overwrite: 'data',
  listing: 'data',
  deletion: 'data',
  clock: 'clock',
  create: 'create',
  'create again': 'create',
  'create race': 'create',
  swap: 'swap',
  'swap stale': 'swap',
  'swap missing': 'swap',
  'swap race': 'swap',
} as const;

export type StoreCheck = keyof typeof needs;

export interface Observation {
  readonly check: StoreCheck;
  /**
   * `kept`: as S3 promises. `refused`: said no to what it should do, so it cannot. `broken`: said yes to what it must
   * refuse, or did something else than it said.
   */
  readonly seen: 'kept' | 'refused' | 'broken';
  readonly detail: string;
}

/** What was not tried was not kept. */
export function tierOf(observations: readonly Observation[]): StoreTier {
  const keeps = (need: 'create' | 'swap') =>
    Object.entries(needs).every(
      ([check, of]) => of !== need || whole(observations.filter((one) => one.check === check)),
    );
  if (!keeps('create')) return 'C';
  return keeps('swap') ? 'A' : 'B';
}

function whole(observations: readonly Observation[]): boolean {
  return observations.length > 0 && observations.every(({ seen }) => seen === 'kept');
}

/** `note`: worth knowing, or what a single writer can do without. */
export function gravityOf({ check, seen }: Observation, singleWriter: boolean): 'ok' | 'note' | 'problem' {
  if (seen === 'kept') return 'ok';
  const need = needs[check];
  return need === 'data' || (need !== 'clock' && !singleWriter) ? 'problem' : 'note';
}

export const tierWords: Readonly<Record<StoreTier, string>> = {
  A: 'compares and swaps',
  B: 'creates once, but does not compare and swap',
  C: 'keeps no conditions of writes',
};

/** Why commits to a store of this tier are not safe, and what is expected instead; undefined: they are. */
export function whyUnfit(tier: StoreTier, singleWriter: boolean): string | undefined {
  if (tier === 'A' || singleWriter) return undefined;
  const logs = tier === 'B' ? ' (commits by create-only entries, which it could keep, are not built)' : '';
  const expected = 'expected a store that keeps If-None-Match and If-Match, or singleWriter: true in the origin';
  return `tier ${tier}: it ${tierWords[tier]}, so two publishers would overwrite each other${logs}: ${expected}`;
}

/** The first evidence against it. */
export function firstAgainst(observations: readonly Observation[]): Observation | undefined {
  const against = observations.filter((one) => gravityOf(one, false) === 'problem');
  return against.find(({ seen }) => seen === 'broken') ?? against[0];
}
