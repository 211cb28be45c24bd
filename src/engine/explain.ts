import { liveFrom } from '../domain/deadline.js';
import { type Expectation, expectReady } from '../domain/expect.js';
import { Fault } from '../domain/faults.js';
import type { Head, Withdrawal } from '../domain/head.js';
import { compareInventory } from '../domain/inventory.js';
import { lookup } from '../domain/manifest.js';
import { compileMatch } from '../domain/match.js';
import type {
  AssetKey,
  Derivative,
  Digest,
  Disposition,
  Entry,
  ListedAsset,
  SnapshotId,
  Window,
} from '../domain/types.js';
import { type DerivativeUrls, urlsOf } from '../domain/urls.js';
import { nextOpenings } from '../domain/window.js';
import { withheldBy } from '../domain/withdraw.js';
import type { HistoryRow, ItemRow, KnownAsset } from '../state/contract.js';
import { meetOrigin, nodeLoader } from './base.js';
import { recipeSet } from './lifecycle.js';
import type { Night } from './night.js';
import { matcher, planChanges } from './plan.js';
import { readyRecipes } from './recipes.js';

/** Everything known of one asset. */
export interface Story {
  readonly key: AssetKey;
  /** Undefined: no run of this state ever settled it. */
  readonly known: KnownAsset | undefined;
  /** As the source lists it now; undefined: it is not there. */
  readonly listed: ListedAsset | undefined;
  /** What the listing says, compared with what is remembered. */
  readonly listing: 'new' | 'same' | 'changed' | 'not trusted' | 'gone' | 'unreadable' | 'unknown';
  readonly sourceFault: Fault | undefined;
  readonly recipes: readonly RecipeStory[];
  /** Recipes of the job that do not match it. */
  readonly unmatched: readonly string[];
  /** Why what a run would do cannot be told. */
  readonly planFault: Fault | undefined;
  /** When a run that is live will be through with it; undefined: none is, or nothing can be said yet. */
  readonly expected: Expectation | undefined;
  /** The opening after which a run takes it up; undefined: there is nothing to do. */
  readonly nextTry: Window | undefined;
  /** One row an item and run, newest run first. */
  readonly history: readonly HistoryRow[];
  readonly live: LiveStory | undefined;
  /** Takedowns under this key, or of the content it was last read with; newest last. */
  readonly withdrawn: readonly Withdrawal[];
  /** Newest first. */
  readonly snapshots: readonly SnapshotStory[];
  readonly originFault: Fault | undefined;
}

export interface RecipeStory {
  readonly recipe: string;
  /** What a run would do now: work it, leave it, or end it at once. */
  readonly now: 'would run' | 'would not run' | Disposition;
  readonly because: string;
}

export interface LiveStory {
  readonly snapshot: SnapshotId;
  readonly seq: number;
  readonly at: string;
  readonly source: Entry['source'];
  readonly items: readonly {
    readonly recipe: string;
    readonly carried?: string;
    readonly derivatives: readonly (Derivative & { readonly urls: DerivativeUrls | null })[];
  }[];
}

export interface SnapshotStory {
  readonly snapshot: SnapshotId;
  readonly seq: number;
  readonly at: string;
  readonly window: string;
  readonly run: string;
  readonly standing: 'live' | 'staged' | 'retained' | 'dropped';
  readonly pins: readonly string[];
  /** The content it shows; undefined: the asset is not in it. */
  readonly sha256: string | undefined;
  readonly carried: readonly string[];
  /** Its manifest is not there any more. */
  readonly lost: boolean;
}

/**
 * Tells the story of one asset. Give it a night with a scratch state: then nothing is written, beside whatever runs.
 * An origin or source that cannot be read, or a tool that is missing, leaves a gap with its reason, not an error.
 * `running`: a run holds the job's lock.
 */
export async function explainAsset(night: Night, key: AssetKey, running: boolean): Promise<Story> {
  const known = night.state.asset(key); // before the state follows the origin: an adopted row was never seen by a run
  const history = night.state.history(key);
  const { value: listed, fault: sourceFault } = await attempt(() => night.source.list(key));
  const { value: read, fault: originFault } = await attempt(() => night.origin.readHead());
  const fault = sourceFault ?? originFault;
  const { value: recipes = [], fault: planFault } = fault
    ? { fault }
    : await attempt(() => wouldDo(night, key, listed));
  const matching = new Set(compileMatch(night.job.recipes)(key).map(({ name }) => name));
  return {
    key,
    known,
    listed,
    sourceFault,
    originFault,
    planFault,
    recipes,
    history,
    expected: running ? expectedOf(night, key) : undefined,
    nextTry: recipes.some(({ now }) => now === 'would run')
      ? nextOpenings(night.job.window, night.clock(), 1)[0]
      : undefined,
    listing: sourceFault ? 'unknown' : compareListing(known, listed),
    unmatched: night.job.recipes.flatMap(({ name }) => (matching.has(name) ? [] : [name])),
    withdrawn: read ? withdrawalsOf(read.head, key, known?.sha256) : [],
    live: read && (await liveStory(night, read.head, key)),
    snapshots: read ? await snapshotsOf(night, read.head, key) : [],
  };
}

/** One for each content: the same bytes under another key were taken down beside it, which says nothing more. */
function withdrawalsOf({ withdrawn = [] }: Head, key: AssetKey, source: Digest | undefined): readonly Withdrawal[] {
  const own = withdrawn.filter((one) => one.key === key);
  const others = withdrawn.filter((one) => one.key !== key && one.source === source);
  return [...new Map([...others, ...own].map((one) => [one.source, one])).values()];
}

/** In the order of work: by partition, then dearest first. */
function expectedOf({ state, clock, job }: Night, key: AssetKey): Expectation | undefined {
  const run = state.openRun();
  if (!run?.plan) return undefined;
  const ordinals = new Map(state.partitions(run.id).map(({ id, ordinal }) => [id, ordinal]));
  const ordinal = ({ partition }: ItemRow) => (partition && ordinals.get(partition)) ?? Number.POSITIVE_INFINITY;
  const queue = state
    .items(run.id)
    .filter((item) => item.partition !== undefined)
    .sort((a, b) => ordinal(a) - ordinal(b) || b.predictedSeconds - a.predictedSeconds);
  const now = clock();
  const expected = expectReady(queue, (item) => item.key === key, now);
  return expected && { ...expected, nightAt: Math.max(expected.nightAt, liveFrom(job.publish, run, now) ?? now) };
}

/** A fault is part of the story; anything else is a bug. */
async function attempt<T>(work: () => Promise<T>): Promise<{ readonly value?: T; readonly fault?: Fault }> {
  try {
    return { value: await work() };
  } catch (error) {
    if (error instanceof Fault) return { fault: error };
    throw error;
  }
}

function compareListing(known: KnownAsset | undefined, listed: ListedAsset | undefined): Story['listing'] {
  if (!listed) return 'gone';
  if (listed.problem) return 'unreadable';
  if (!known) return 'new';
  if (known.listing === undefined || !listed.settled) return 'not trusted';
  return known.listing === listed.listing ? 'same' : 'changed';
}

/** By the rules of every plan, for this asset alone. */
async function wouldDo(night: Night, key: AssetKey, listed: ListedAsset | undefined): Promise<readonly RecipeStory[]> {
  const base = await meetOrigin(night, true);
  const recipes = await readyRecipes(night);
  const recipesFor = matcher(recipes);
  const set = recipeSet(recipes);
  const known = night.state.listings(set);
  const before = known.get(key);
  const comparison = compareInventory({
    inventory: { assets: listed ? [listed] : [], findings: [], unreadable: [] },
    known: before ? new Map([[key, before]]) : new Map(),
    recipeSet: set,
    matchCount: (one) => recipesFor(one).length,
  });
  const { plan } = await planChanges(night, {
    comparison,
    known,
    recipes,
    base: base.snapshot,
    withheld: withheldBy(base.head),
    findings: [],
    present: () => new Set([...known.keys(), key]),
  });
  return recipesFor(key).map(({ name: recipe }): RecipeStory => {
    const item = plan.items.find((one) => one.recipe === recipe);
    if (item) return { recipe, now: item.disposition ?? 'would run', because: item.because };
    return { recipe, now: 'would not run', because: whyNot(listed, comparison.changes.length > 0) };
  });
}

function whyNot(listed: ListedAsset | undefined, isLookedAt: boolean): string {
  if (!listed) return 'it is not in the source: a run takes it off the site';
  return isLookedAt
    ? 'the live snapshot holds exactly this already'
    : 'nothing changed since the live snapshot took it in';
}

async function liveStory(night: Night, { channels, moved }: Head, key: AssetKey): Promise<LiveStory | undefined> {
  const entry = channels.live && (await entryOf(night, channels.live.snapshot, key)).value;
  if (!channels.live || !entry) return undefined;
  const { snapshot, seq, at } = channels.live;
  const { baseUrl } = night.job.origin;
  const hasTree = night.origin.tree !== undefined;
  const urls = (derivative: Derivative) =>
    baseUrl === undefined ? null : urlsOf(derivative, { baseUrl, hasTree, moved });
  return {
    snapshot,
    seq,
    at,
    source: entry.source,
    items: Object.entries(entry.items).map(([recipe, { carried, derivatives }]) => ({
      recipe,
      carried,
      derivatives: derivatives.map((derivative) => ({ ...derivative, urls: urls(derivative) })),
    })),
  };
}

async function snapshotsOf(night: Night, head: Head, key: AssetKey): Promise<readonly SnapshotStory[]> {
  const { live, staged } = head.channels;
  const stories: SnapshotStory[] = [];
  for (const held of [...head.retained, ...(staged ? [staged] : [])].reverse()) {
    const { snapshot, seq, at, window, run } = held;
    const { value: entry, fault } = await entryOf(night, snapshot, key);
    const dropped = 'droppedAt' in held && held.droppedAt !== undefined;
    stories.push({
      snapshot,
      seq,
      at,
      window,
      run,
      lost: fault !== undefined,
      sha256: entry?.source.sha256,
      standing: held === staged ? 'staged' : snapshot === live?.snapshot ? 'live' : dropped ? 'dropped' : 'retained',
      pins: head.pins.filter((pin) => pin.snapshot === snapshot).map(({ name }) => name),
      carried: Object.entries(entry?.items ?? {}).flatMap(([recipe, { carried }]) => (carried ? [recipe] : [])),
    });
  }
  return stories;
}

async function entryOf(night: Night, snapshot: SnapshotId, key: AssetKey) {
  return await attempt(async () => (await lookup(nodeLoader(night.origin), snapshot, [key])).get(key));
}
