import { digestOf } from './digest.js';
import { extensionOf } from './paths.js';
import type { AssetKey, Recipe } from './types.js';

/**
 * What an item will cost, in seconds of one worker: the processor's own estimate times what estimates of its sort turned
 * out to be wrong by. All that is known before the bytes are read is recipe, extension and size, so items that agree in
 * these, sizes to the power of two, are one sort. Of each sort the newest ratios of real to estimated seconds are kept;
 * their median is the correction, so that one stalled or trivial item changes nothing.
 */
export interface CostSort {
  /** `image:1f2e3d4c5b6a`: the kind of the recipe and a digest of its settings. */
  readonly recipe: string;
  /** Of the key: lower case, without the dot. */
  readonly ext: string;
  /** Whole binary logarithm of the bytes; 0 for nothing at all. */
  readonly size: number;
}

export interface CostRow extends CostSort {
  /** Real by estimated seconds, oldest first. */
  readonly ratios: readonly number[];
}

/** An item that a worker finished. */
export interface FinishedWork {
  readonly key: AssetKey;
  /** Name of the recipe. */
  readonly recipe: string;
  readonly bytes: number;
  /** Wall-clock seconds of one worker. */
  readonly seconds: number;
}

/** What is needed of a recipe to estimate its items. */
export interface Priced {
  readonly recipe: Pick<Recipe, 'kind' | 'settings'>;
  readonly kind: { priorSeconds(settings: Recipe['settings'], bytes: number): number };
}

/** Bringing an item in and out costs this much however small it is; nothing is free, so that balancing means something. */
const leastSeconds = 0.01;
/** Copying and hashing while staging, from a disk that is neither fast nor cached. */
const stagedBytesPerSecond = 200e6;
/** Of one sort; older ones tell of other machines and other tools. */
const ratiosKept = 25;
/** Fewer than this say less than those of the neighbours do. */
const enoughRatios = 5;

export class CostModel {
  readonly #rows: readonly CostRow[];
  /** Rows of one recipe and extension; of one recipe; of one kind. */
  readonly #groups = new Map<string, CostRow[]>();
  readonly #corrections = new Map<string, number>();
  readonly #names = new Map<Priced['recipe'], string>();

  constructor(rows: readonly CostRow[] = []) {
    this.#rows = rows;
    for (const row of rows)
      for (const group of groupsOf(row)) this.#groups.set(group, [...(this.#groups.get(group) ?? []), row]);
  }

  /** Seconds of one worker for one item. Finite and positive; throws RangeError when a processor's estimate is no number. */
  predict({ recipe, kind }: Priced, key: AssetKey, bytes: number): number {
    return estimate({ recipe, kind }, bytes) * this.#correction(this.#sortOf(recipe, key, bytes));
  }

  /** The rows that change when this work is remembered, the oldest work first. */
  learn(work: readonly FinishedWork[], recipes: ReadonlyMap<string, Priced>): readonly CostRow[] {
    const changed = new Map<string, CostRow>();
    const known = new Map(this.#rows.map((row) => [nameOf(row), row]));
    for (const { key, recipe, bytes, seconds } of work) {
      const priced = recipes.get(recipe);
      if (!priced || !(seconds > 0)) continue;
      const sort = this.#sortOf(priced.recipe, key, bytes);
      const name = nameOf(sort);
      const before = (changed.get(name) ?? known.get(name))?.ratios ?? [];
      const ratio = seconds / estimate(priced, bytes);
      changed.set(name, { ...sort, ratios: [...before, ratio].slice(-ratiosKept) });
    }
    return [...changed.values()];
  }

  #sortOf(recipe: Priced['recipe'], key: AssetKey, bytes: number): CostSort {
    const name = this.#names.get(recipe) ?? `${recipe.kind}:${digestOf(recipe.settings).slice(0, 12)}`;
    this.#names.set(recipe, name);
    return { recipe: name, ext: extensionOf(key), size: Math.floor(Math.log2(Math.max(1, bytes))) };
  }

  /** From the nearest sizes of the sort's own kind of file; failing these from wider and wider groups; 1 without any. */
  #correction(sort: CostSort): number {
    const name = nameOf(sort);
    const known = this.#corrections.get(name);
    if (known !== undefined) return known;
    const found =
      groupsOf(sort)
        .map((group) => nearestRatios(this.#groups.get(group) ?? [], sort.size))
        .find((ratios) => ratios.length >= enoughRatios) ?? this.#rows.flatMap(({ ratios }) => ratios);
    const correction = found.length > 0 ? median(found) : 1;
    this.#corrections.set(name, correction);
    return correction;
  }
}

/** Seconds for an item whose outputs exist already: its bytes are staged and hashed, and that is all. */
export function reuseSeconds(bytes: number): number {
  return Math.max(leastSeconds, bytes / stagedBytesPerSecond);
}

function estimate({ recipe, kind }: Priced, bytes: number): number {
  const seconds = kind.priorSeconds(recipe.settings, bytes);
  if (!Number.isFinite(seconds)) throw new RangeError(`processor '${recipe.kind}' estimated ${seconds} seconds`);
  return Math.max(leastSeconds, seconds);
}

function nameOf({ recipe, ext, size }: CostSort): string {
  return `${recipe} ${ext} ${size}`;
}

/** Narrowest first. */
function groupsOf({ recipe, ext }: CostSort): readonly string[] {
  return [`${recipe} ${ext}`, recipe, recipe.slice(0, recipe.indexOf(':'))];
}

/** Of the same size if these are enough, else of as many sizes around it as it takes. */
function nearestRatios(rows: readonly CostRow[], size: number): readonly number[] {
  const found: number[] = [];
  let reach = 0;
  for (const row of rows.toSorted((a, b) => Math.abs(a.size - size) - Math.abs(b.size - size))) {
    const distance = Math.abs(row.size - size);
    if (found.length >= enoughRatios && distance > reach) break;
    found.push(...row.ratios);
    reach = distance;
  }
  return found;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [upper = 1, lower = upper] = [sorted[middle], sorted[middle - 1]];
  return sorted.length % 2 === 1 ? upper : (lower + upper) / 2;
}
