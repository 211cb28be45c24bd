import picomatch from 'picomatch';
import { compileBounded } from './bounded-regex.js';
import type { AssetKey, Recipe } from './types.js';

type Matcher = (key: AssetKey) => boolean;

/**
 * Compiles the globs of all recipes once; the result names the recipes that match a key, in the order given.
 * A glob that starts with `!` (not the extglob `!(`) takes keys away from the recipe's other globs. Case-sensitive;
 * dotfiles match only where a pattern names the dot. Whatever the glob and the key, an answer comes in bounded time.
 * Throws on a glob that cannot mean anything, and on one whose time cannot be bounded.
 */
export function compileMatch<R extends Pick<Recipe, 'match'>>(recipes: readonly R[]): (key: AssetKey) => readonly R[] {
  const compiled = recipes.map((recipe) => ({ recipe, matches: compileGlobs(recipe.match) }));
  return (key) => compiled.filter(({ matches }) => matches(key)).map(({ recipe }) => recipe);
}

/** Compiles one list of globs with the rules of `compileMatch`. */
export function compileGlobs(globs: readonly string[]): Matcher {
  const included = globs.filter((glob) => !excludes(glob)).map((glob) => compileGlob(glob, false));
  // Taking away must not stop at dotfiles: a pattern of the same recipe may have named them.
  const excluded = globs.filter(excludes).map((glob) => compileGlob(glob.slice(1), true));
  if (included.length === 0) throw new SyntaxError('no glob that includes anything');
  return (key) => included.some((matches) => matches(key)) && !excluded.some((matches) => matches(key));
}

function excludes(glob: string): boolean {
  return glob.startsWith('!') && !glob.startsWith('!(');
}

function compileGlob(glob: string, dot: boolean): Matcher {
  if (glob.startsWith('/')) throw new SyntaxError(`'${glob}' starts with a slash, and keys never do`);
  // `s`: a key may hold a line break, and `**` must not stop there.
  // What picomatch would take as plain text, because it may take for ever, is bounded here and means what it says.
  const safeguard = { maxExtglobRecursion: false };
  const regex = picomatch.makeRe(glob, { dot, strictBrackets: true, windows: false, flags: 's', ...safeguard });
  const matches = bounded(glob, regex);
  return (key) => matches(key) || key === glob;
}

function bounded(glob: string, regex: RegExp): Matcher {
  try {
    return compileBounded(regex);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new SyntaxError(`'${glob}' ${error.message}`, { cause: error });
  }
}
