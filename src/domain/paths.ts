import type { AssetKey } from './types.js';

/** What a template's placeholders stand for. */
export interface PathFacts {
  readonly key: AssetKey;
  /** Name of the recipe. */
  readonly recipe: string;
  readonly variant: string;
  /** Of the output, without the dot. */
  readonly ext: string;
  readonly width?: number;
  readonly height?: number;
}

const placeholders = ['key', 'dir', 'name', 'ext', 'recipe', 'variant', 'width', 'height'] as const;
type Placeholder = (typeof placeholders)[number];
const placeholder = /\{([^{}]*)\}/g;

const longestSegmentBytes = 255; // NAME_MAX of every common file system
const longestPathBytes = 2048; // what a URL may be with every common CDN

/**
 * The public path of one output inside a snapshot. `{dir}` is the key's folder and takes its slash with it when the
 * asset lies at the root; `{name}` is the last segment without its extension; an output without an extension leaves out
 * the dot before `{ext}`; one without pixels has width and height 0. Takes a template that `checkTemplate` found good.
 */
export function publicPath(template: string, facts: PathFacts): string {
  const rooted = facts.key.includes('/') ? template : template.replaceAll('{dir}/', '');
  const dotted = facts.ext === '' ? rooted.replaceAll('.{ext}', '') : rooted;
  return dotted.replace(placeholder, (_whole, word: Placeholder) => String(standsFor(word, facts)));
}

function standsFor(word: Placeholder, facts: PathFacts): string | number {
  if (word === 'dir' || word === 'name') return splitKey(facts.key)[word];
  return facts[word] ?? 0;
}

/** What is wrong with a template, each in words that follow "expected"; empty when it is good. */
export function checkTemplate(template: string): readonly string[] {
  const words = [...template.matchAll(placeholder)].map((match) => match[1] ?? '');
  const unknown = words.filter((word) => !(placeholders as readonly string[]).includes(word));
  const known = placeholders.map((word) => `{${word}}`).join(' ');
  const problems = unknown.map((word) => `only the placeholders ${known}, not {${word}}`);
  if (/[{}]/.test(template.replace(placeholder, ''))) problems.push('braces only around placeholders');
  if (!words.includes('key') && !words.includes('name')) problems.push('{key} or {name} in it, so that assets differ');
  if (problems.length > 0) return problems;
  const sample = { recipe: 'r', variant: 'v', ext: 'x', width: 1, height: 1 };
  const shapes = ['k.x', 'd/k.x'].map((key) => pathProblem(publicPath(template, { ...sample, key })));
  return [...new Set(shapes.filter((problem) => problem !== undefined))];
}

/** What keeps a public path from being served, in words that follow "expected"; undefined when nothing does. */
export function pathProblem(path: string): string | undefined {
  if (path.includes('\0')) return 'a path without NUL';
  if (/(^|\/)\.{0,2}(\/|$)/.test(path)) return "a relative path without empty, '.' or '..' segments";
  if (path.length * 3 <= longestSegmentBytes) return undefined; // a UTF-16 unit is at most three bytes
  if (Buffer.byteLength(path) > longestPathBytes) return `a path of at most ${longestPathBytes} bytes`;
  const isLong = path.split('/').some((segment) => Buffer.byteLength(segment) > longestSegmentBytes);
  return isLong ? `segments of at most ${longestSegmentBytes} bytes` : undefined;
}

/** The extension of a key: lower case, without the dot; empty when there is none. */
export function extensionOf(key: AssetKey): string {
  const base = key.slice(key.lastIndexOf('/') + 1);
  return base.slice(stemLength(base) + 1).toLowerCase();
}

/** Where the last extension's dot stands; the whole length without one. What is only dots before it is no stem: `.. `. */
function stemLength(base: string): number {
  const dot = base.lastIndexOf('.');
  return dot > 0 && !/^\.+$/.test(base.slice(0, dot)) ? dot : base.length;
}

function splitKey(key: AssetKey): { readonly dir: string; readonly name: string } {
  const slash = key.lastIndexOf('/');
  const base = key.slice(slash + 1);
  return { dir: slash < 0 ? '' : key.slice(0, slash), name: base.slice(0, stemLength(base)) };
}
