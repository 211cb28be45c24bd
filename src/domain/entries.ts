import { publicPath } from './paths.js';
import type {
  AssetKey,
  Derivative,
  Digest,
  Disposition,
  Entry,
  EntryItem,
  Made,
  Output,
  Recipe,
  SourceFacts,
} from './types.js';

/** How one item of an asset ended in this run, with what it made. */
export interface EndedItem {
  readonly recipe: string;
  readonly disposition: Disposition;
  /** Known when the bytes were staged. */
  readonly sha256?: Digest;
  /** Size of the staged bytes. */
  readonly bytes?: number;
  /** For `done` and `reused`. */
  readonly made?: Made;
}

export interface EntryInput {
  readonly key: AssetKey;
  /** Of the asset's bytes now, where the plan knew it. */
  readonly sha256?: Digest;
  /** Recipes that match the asset now. */
  readonly recipes: readonly Recipe[];
  /** Items of this run, by recipe name; a matching recipe without one is unchanged. */
  readonly ended: ReadonlyMap<string, EndedItem>;
  /** The asset's entry in the base snapshot. */
  readonly base: Entry | undefined;
}

/**
 * What the next snapshot says of one asset; undefined when it has nothing to show.
 * Nothing of what was withdrawn. Fresh results win, unchanged items stay as they are, failed ones keep their last good derivatives, marked `carried`.
 */
export function composeEntry(input: EntryInput): Entry | undefined {
  if ([...input.ended.values()].some(({ disposition }) => disposition === 'withheld')) return undefined;
  const items: Record<string, EntryItem> = {};
  for (const recipe of input.recipes) {
    const item = composeItem(input, recipe);
    if (item) items[recipe.name] = item;
  }
  const source = composeSource(input);
  return Object.keys(items).length > 0 && source ? { key: input.key, source, items } : undefined;
}

function composeItem(input: EntryInput, recipe: Recipe): EntryItem | undefined {
  const ended = input.ended.get(recipe.name);
  const last = input.base?.items[recipe.name];
  if (!ended) return last;
  if (ended.made) {
    const { fingerprint, outputs, placeholder } = ended.made;
    const derivatives = outputs.map((output) => derivative(output, recipe, input.key));
    return placeholder === undefined ? { fingerprint, derivatives } : { fingerprint, derivatives, placeholder };
  }
  return last && { ...last, carried: ended.sha256 ?? input.sha256 ?? 'unread' };
}

export function derivative(output: Output, recipe: Recipe, key: AssetKey): Derivative {
  return { ...output, path: publicPath(recipe.path, { key, recipe: recipe.name, ...output }) };
}

/** The source that fresh items were made from; otherwise what the base said. Facts of several recipes add up. */
function composeSource(input: EntryInput): Entry['source'] | undefined {
  const fresh = [...input.ended.values()].filter((item) => item.made && item.sha256);
  const { sha256, bytes } = fresh[0] ?? {};
  if (!sha256 || bytes === undefined) return input.base?.source;
  const facts = fresh
    .toSorted((a, b) => (a.recipe < b.recipe ? -1 : 1))
    .map((item) => item.made?.source)
    .filter((source): source is SourceFacts => source !== undefined);
  const known = input.base?.source.sha256 === sha256 ? [input.base.source] : [];
  return Object.assign({ type: '' }, ...known, ...facts.map(defined), { sha256, bytes });
}

function defined(facts: SourceFacts): Partial<SourceFacts> {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined));
}
