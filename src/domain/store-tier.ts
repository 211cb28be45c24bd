import type { Head } from './head.js';

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

/**
 * What keeps two publishers apart: `swap`, the head is replaced by compare and swap; `create`, commits are entries of a
 * log (`commit-log.ts`); `nothing`, there is one publisher only, says the job.
 */
export type Reliance = 'swap' | 'create' | 'nothing';

/** The way of commits is said by the head; before the first one, it is the best that the store keeps. */
export function relianceOf(
  tier: StoreTier,
  { singleWriter, head }: { readonly singleWriter: boolean; readonly head: Pick<Head, 'commitsBy'> | undefined },
): Reliance {
  if (singleWriter) return 'nothing';
  const isByLog = head ? head.commitsBy === 'log' : tier === 'B';
  return isByLog ? 'create' : 'swap';
}

/** `note`: worth knowing, or what nobody relies on. */
export function gravityOf({ check, seen }: Observation, reliance: Reliance): 'ok' | 'note' | 'problem' {
  if (seen === 'kept') return 'ok';
  const need = needs[check];
  if (need === 'data') return 'problem';
  const isRelied = (need === 'create' && reliance !== 'nothing') || (need === 'swap' && reliance === 'swap');
  return isRelied ? 'problem' : 'note';
}

export const tierWords: Readonly<Record<StoreTier, string>> = {
  A: 'compares and swaps',
  B: 'creates once, but does not compare and swap',
  C: 'keeps no conditions of writes',
};

/** Why commits to a store of this tier are not safe, and what is expected instead; undefined: they are. */
export function whyUnfit(tier: StoreTier, reliance: Reliance): string | undefined {
  if (reliance === 'nothing' || tier === 'A' || (tier === 'B' && reliance === 'create')) return undefined;
  const because = `tier ${tier}: it ${tierWords[tier]}, so two publishers would overwrite each other`;
  const wayOut =
    tier === 'B'
      ? 'the head there was begun with compare and swap: expected such a store, a new prefix (it is begun with log entries), or singleWriter: true in the origin'
      : 'expected a store that keeps If-None-Match at least, or singleWriter: true in the origin';
  return `${because}: ${wayOut}`;
}

/** The first evidence against it. */
export function firstAgainst(observations: readonly Observation[], reliance: Reliance): Observation | undefined {
  const against = observations.filter((one) => gravityOf(one, reliance) === 'problem');
  return against.find(({ seen }) => seen === 'broken') ?? against[0];
}
