import { hiddenCode } from './causes.js';
import type { DeclaredOutput } from './collisions.js';
import { type CostModel, reuseSeconds } from './cost.js';
import { digestOf, itemId } from './digest.js';
import { itemFingerprint } from './fingerprint.js';
import type { Withdrawal } from './head.js';
import type { Change, KnownListing } from './inventory.js';
import { publicPath } from './paths.js';
import type { AssetKey, Digest, Disposition, Entry, EntryItem, Finding, ItemId, PartitionId, Recipe } from './types.js';
import { type Withheld, withdrawnFinding } from './withdraw.js';

/** A recipe with all that the plan needs to know of it; made once a run. */
export interface RecipeFacts {
  readonly recipe: Recipe;
  /** From `recipeDigest`. */
  readonly digest: Digest;
  readonly kind: {
    readonly usesExtension?: boolean;
    outputs(settings: Recipe['settings']): readonly DeclaredOutput[];
    priorSeconds(settings: Recipe['settings'], bytes: number): number;
  };
}

/** Everything a decision may rest on. */
export interface Evidence {
  readonly known: ReadonlyMap<AssetKey, KnownListing>;
  /** Matching recipes, by name in `facts`. */
  readonly recipesFor: (key: AssetKey) => readonly Recipe[];
  readonly facts: ReadonlyMap<string, RecipeFacts>;
  /** Live entries of the changed assets. */
  readonly base: ReadonlyMap<AssetKey, Entry>;
  /** What was made, and what is known to fail, under `fingerprintsOf` these changes. */
  readonly made: { has(fingerprint: Digest): boolean };
  readonly quarantined: ReadonlyMap<Digest, Finding>;
  /** What items cost, as far as is known. */
  readonly costs: Pick<CostModel, 'predict'>;
  /** Content that must not be published, by source. */
  readonly withheld: Withheld;
  /** Asked only when an item is about to be worked; see `planCollisions`. */
  readonly collisions: () => ReadonlyMap<ItemId, Finding>;
  /** Why an item is to be made again whatever is remembered of it: `askedAgain`, or trouble found at the origin. */
  readonly remake?: (recipe: string, key: AssetKey) => string | undefined;
}

/** The reason of an item that a person wants made again. */
export const askedAgain = 'asked to be made again';

/** The reason of an item that a person wants tried again; what was made under the same fingerprint is used. */
export const retriedByHand = 'retried by hand';

/** One item that is not simply unchanged. It has a partition, or the plan itself has ended it. */
export interface PlannedItem {
  readonly id: ItemId;
  readonly key: AssetKey;
  readonly recipe: string;
  readonly because: string;
  readonly predictedSeconds: number;
  readonly partition?: PartitionId;
  readonly disposition?: Disposition;
  readonly finding?: Finding;
  /** Known when the content is. */
  readonly fingerprint?: Digest;
}

/** One item before the decision. */
export interface Candidate {
  readonly change: Change;
  readonly facts: RecipeFacts;
  readonly entry: Entry | undefined;
  /** What is live of this very item. */
  readonly live: EntryItem | undefined;
  readonly fingerprint: Digest | undefined;
}

export function candidatesOf(
  input: Pick<Evidence, 'recipesFor' | 'facts' | 'base'>,
  change: Change,
): readonly Candidate[] {
  const { key, sha256 } = change;
  const entry = input.base.get(key);
  return input.recipesFor(key).map(({ name }) => {
    const facts = input.facts.get(name);
    if (!facts) throw new Error(`recipe '${name}' matches '${key}' but is not among the recipes of the plan`);
    const live = entry && Object.hasOwn(entry.items, name) ? entry.items[name] : undefined;
    const fingerprint = sha256 && itemFingerprint({ sha256, key, recipe: facts });
    return { change, facts, entry, live, fingerprint };
  });
}

/** Undefined: unchanged. */
export function decide(item: Candidate, input: Evidence): PlannedItem | undefined {
  const { change, facts, fingerprint } = item;
  if (change.kind === 'unreadable') {
    const finding = change.asset?.problem ?? hidden;
    return ended(item, 'failed', `cannot be read: ${finding.code}`, finding);
  }
  const withdrawal = change.sha256 && input.withheld.get(change.sha256);
  if (withdrawal) return withheld(item, withdrawal);
  const remake = input.remake?.(facts.recipe.name, change.key);
  const stale = remake ?? whyStale(item, input.known.get(change.key));
  if (stale === undefined) return undefined;
  const collision = input.collisions().get(itemId(facts.recipe.name, change.key));
  if (collision) return ended(item, 'failed', `not made: ${collision.code}`, collision);
  if (remake !== undefined || fingerprint === undefined) return todo(item, stale, input);
  const bad = stillBad(input.quarantined.get(fingerprint), facts.recipe);
  const because = `known bad: ${bad?.code}; not tried again until content, recipe or tools change`;
  if (bad) return ended(item, 'quarantined', because, bad);
  if (item.live?.fingerprint === fingerprint) return reuse(item, stale);
  return input.made.has(fingerprint) ? reuse(item, 'made before under the same fingerprint') : todo(item, stale, input);
}

/** What is known to fail, unless it ended its workers under other limits than the recipe has now. */
export function stillBad(bad: Finding | undefined, { limits }: Pick<Recipe, 'limits'>): Finding | undefined {
  return bad?.limits && digestOf({ ...bad.limits }) !== digestOf({ ...limits }) ? undefined : bad;
}

const hidden: Finding = {
  code: hiddenCode,
  severity: 'error',
  class: 'transient',
  message: 'lies where the source could not be listed: expected a readable folder, or a listing of whole lines',
};

/** Why what is live of an item is not what it should be; undefined when it is. */
function whyStale(item: Candidate, known: KnownListing | undefined): string | undefined {
  const { change, live, fingerprint } = item;
  const isLive = fingerprint !== undefined && live?.fingerprint === fingerprint && live.carried === undefined;
  if (isLive) return hasItsPaths(item, live) ? undefined : 'public path changed';
  if (change.kind === 'added') return 'new asset';
  if (change.kind === 'changed') return whyRead(change, known);
  return whyAgain(item, known);
}

function whyRead(change: Change, known: KnownListing | undefined): string {
  if (change.asset?.settled === false) return 'changed within 2 s of being listed, too young to be trusted';
  return known?.listing === undefined ? 'never read here' : 'its size, time or version at the source changed';
}

function whyAgain({ change, entry, live }: Candidate, known: KnownListing | undefined): string {
  if (live?.carried !== undefined) return 'carried since an earlier failure: trying again';
  if (!live) return entry || known?.recipes === 0 ? 'recipe new for this asset' : 'never made';
  return entry?.source.sha256 === change.sha256 ? 'recipe or tools changed' : 'live snapshot holds other content';
}

function hasItsPaths({ change, facts }: Candidate, live: EntryItem): boolean {
  const { name, path } = facts.recipe;
  return live.derivatives.every(
    (derivative) => derivative.path === publicPath(path, { ...derivative, key: change.key, recipe: name }),
  );
}

function withheld(item: Candidate, withdrawal: Withdrawal): PlannedItem {
  const planned = row(item, 'its content was withdrawn', 0);
  const { key, recipe } = planned;
  return { ...planned, disposition: 'withheld', finding: { ...withdrawnFinding(withdrawal), key, recipe } };
}

function row(item: Candidate, because: string, predictedSeconds: number): PlannedItem {
  const { change, facts, fingerprint } = item;
  const { name } = facts.recipe;
  const known = fingerprint === undefined ? {} : { fingerprint };
  return { id: itemId(name, change.key), key: change.key, recipe: name, because, predictedSeconds, ...known };
}

function todo(item: Candidate, because: string, { costs }: Pick<Evidence, 'costs'>): PlannedItem {
  const { change, facts } = item;
  return row(item, because, costs.predict(facts, change.key, change.asset?.bytes ?? 0));
}

function reuse(item: Candidate, because: string): PlannedItem {
  return row(item, because, reuseSeconds(item.change.asset?.bytes ?? 0));
}

/** The last good derivatives stay live; without any, there is nothing to show. */
function ended(item: Candidate, nothing: 'failed' | 'quarantined', because: string, finding: Finding): PlannedItem {
  const planned = row(item, because, 0);
  const own = { ...finding, key: planned.key, recipe: planned.recipe };
  return { ...planned, disposition: item.live ? 'carried' : nothing, finding: own };
}
