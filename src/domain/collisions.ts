import { itemId } from './digest.js';
import { compareText } from './order.js';
import { extensionOf, pathProblem, publicPath } from './paths.js';
import type { AssetKey, Entry, Finding, ItemId, Recipe } from './types.js';

/** An output that settings can lead to, before the asset has been looked at. */
export interface DeclaredOutput {
  readonly variant: string;
  /** Without the dot; `{ext}`: the asset's own. */
  readonly ext: string;
}

/**
 * What an item may put into the public tree. A folder claim is one claim for all of an item's outputs, and what makes
 * a hundred thousand assets cheap: with a template that ends in `/{variant}.{ext}` two items can meet only where they
 * claim the same folder and share a file name.
 */
export type Claim = Claimant &
  (
    | { readonly kind: 'file'; readonly path: string }
    | { readonly kind: 'folder'; readonly path: string; readonly files: readonly string[] }
  );

interface Claimant {
  readonly key: AssetKey;
  readonly recipe: string;
}

const outputsInFolder = '/{variant}.{ext}';
const dependsOnOutput = /\{(variant|ext|width|height)\}/;
const dependsOnPixels = /\{(width|height)\}/;

/**
 * Prepares the claims of one recipe for any number of keys. A template with `{width}` or `{height}` claims nothing,
 * because sizes are known only after the work: `collidingDerivatives` sees those.
 */
export function claimsOf(
  recipe: Pick<Recipe, 'name' | 'path'>,
  outputs: readonly DeclaredOutput[],
): (key: AssetKey) => readonly Claim[] {
  const { name, path } = recipe;
  if (dependsOnPixels.test(path)) return () => [];
  const folder = path.endsWith(outputsInFolder) ? path.slice(0, -outputsInFolder.length) : undefined;
  const keepsExtension = outputs.some(({ ext }) => ext === '{ext}');
  if (folder !== undefined && !dependsOnOutput.test(folder) && !keepsExtension) {
    const files = outputs.map(({ variant, ext }) => foldPath(`${variant}.${ext}`));
    const common = { recipe: name, variant: '', ext: '' };
    return (key) => [{ kind: 'folder', key, recipe: name, path: publicPath(folder, { ...common, key }), files }];
  }
  return (key) =>
    outputs.map(({ variant, ext }) => {
      const facts = { key, recipe: name, variant, ext: ext === '{ext}' ? extensionOf(key) : ext };
      return { kind: 'file', key, recipe: name, path: publicPath(path, facts) };
    });
}

/**
 * Every item whose claim meets another's, both sides, and every item whose path could not be served. Paths meet when
 * they are equal, equal after case folding or NFC (then a Mac or a Windows server could not hold both), or when one is
 * a file where the other needs a folder. The order of claims does not matter.
 */
export function findCollisions(claims: Iterable<Claim>): ReadonlyMap<ItemId, Finding> {
  const findings = new Findings();
  const tree = plant(claims, findings);
  const free = new Set<string>();
  for (const [path, here] of tree) {
    if (here.length > 1) meetHere(here, findings);
    for (const claim of standingAbove(path, tree, free)) for (const below of here) findings.add(claim, below);
  }
  return findings.byItem;
}

/** The same question about real paths: of entries that are about to be published. */
export function collidingDerivatives(entries: Iterable<Entry>): ReadonlyMap<ItemId, Finding> {
  return findCollisions(claimsOfEntries(entries));
}

function* claimsOfEntries(entries: Iterable<Entry>): Generator<Claim> {
  for (const { key, items } of entries) {
    for (const [recipe, { derivatives }] of Object.entries(items)) {
      for (const { path } of derivatives) yield { kind: 'file', key, recipe, path };
    }
  }
}

function plant(claims: Iterable<Claim>, findings: Findings): ReadonlyMap<string, readonly Claim[]> {
  const tree = new Map<string, Claim[]>();
  for (const claim of claims) {
    findings.addProblem(claim);
    const path = foldPath(claim.path);
    const here = tree.get(path);
    if (here) here.push(claim);
    else tree.set(path, [claim]);
  }
  return tree;
}

/** Lower case, then NFC: what file systems that fold names agree on. Plain ASCII is its own NFC. */
function foldPath(path: string): string {
  return path.toLowerCase().normalize('NFC');
}

/** Claims of one path meet unless all are folders that share no file name. */
function meetHere(here: readonly Claim[], findings: Findings): void {
  const isFileWanted = here.some((claim) => claim.kind === 'file');
  const takenBy = new Map<string, Claim>();
  for (const claim of here.toSorted((a, b) => compareText(orderOf(a), orderOf(b)))) {
    const names = claim.kind === 'folder' && !isFileWanted ? claim.files : [''];
    for (const name of names) {
      const taken = takenBy.get(name);
      if (taken) findings.add(taken, claim);
      else takenBy.set(name, claim);
    }
  }
}

/** Whoever comes first is whom the others' messages name, so it must not be chance. */
function orderOf({ key, recipe, path }: Claim): string {
  return `${key}\0${recipe}\0${path}`;
}

/** Claims that need a file where `path` needs a folder. `free` remembers folders below no claim: most paths share theirs. */
function standingAbove(path: string, tree: ReadonlyMap<string, readonly Claim[]>, free: Set<string>): readonly Claim[] {
  const parent = path.slice(0, Math.max(0, path.lastIndexOf('/')));
  if (free.has(parent)) return [];
  let isFree = true;
  const above: Claim[] = [];
  for (let end = path.lastIndexOf('/'), nameEnd = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) {
    const claims = tree.get(path.slice(0, end)) ?? [];
    const name = path.slice(end + 1, nameEnd);
    above.push(...claims.filter((claim) => claim.kind === 'file' || claim.files.includes(name)));
    isFree &&= claims.length === 0;
    nameEnd = end;
  }
  if (isFree) free.add(parent);
  return above;
}

/** One finding an item, the same whichever claims came first: of several messages the smallest stays. */
class Findings {
  readonly byItem = new Map<ItemId, Finding>();

  /** Both claims want the same place. */
  add(a: Claim, b: Claim): void {
    this.#keep(a, 'path-collision', collision(a, b));
    this.#keep(b, 'path-collision', collision(b, a));
  }

  addProblem(claim: Claim): void {
    const path = claim.kind === 'folder' ? [claim.path, ...claim.files.slice(0, 1)].join('/') : claim.path;
    const expected = pathProblem(path);
    if (expected) this.#keep(claim, 'path-invalid', `public path '${path}' cannot be served: expected ${expected}`);
  }

  #keep({ key, recipe }: Claim, code: string, message: string): void {
    const id = itemId(recipe, key);
    const kept = this.byItem.get(id);
    if (kept && kept.message <= message) return;
    this.byItem.set(id, { code, severity: 'error', class: 'recipe', message, key, recipe });
  }
}

function collision(mine: Claim, other: Claim): string {
  const place = (claim: Claim) => (claim.kind === 'folder' ? `${claim.path}/` : claim.path);
  const whose =
    mine.key === other.key && mine.recipe === other.recipe
      ? 'another output of the same item'
      : `recipe '${other.recipe}' of '${other.key}'`;
  return `public path '${place(mine)}' collides with '${place(other)}' of ${whose}: expected paths that differ in more than case`;
}
