import type { Derivative, Entry } from '../domain/types.js';
import { type Choice, choose, ladder, pictureTypes } from './choose.js';
import { ReadError } from './errors.js';

export interface PictureOptions {
  /** What the picture says; empty for decoration. */
  readonly alt: string;
  /** As in HTML: `(min-width: 60rem) 50vw, 100vw`. The browser takes the whole viewport's width unless told. */
  readonly sizes?: string;
  readonly recipe?: string;
  /** `lazy` unless told: pictures in the first view want `eager`. */
  readonly loading?: 'lazy' | 'eager';
  /** More attributes of the `img`: class, id, style, fetchpriority, … */
  readonly attributes?: Readonly<Record<string, string>>;
}

type UrlOf = (derivative: Derivative) => string;
type Attributes = Readonly<Record<string, string | number | undefined>>;

/** `URL 320w, URL 640w`; without a width that anyone knows, the URL alone. */
export function srcsetOf(entry: Entry, urlOf: UrlOf, choice: Omit<Choice, 'width'>): string {
  const steps = ladder(entry, choice);
  if (steps.length === 0) throw noRendition(entry, choice);
  return steps.map((one) => `${listed(urlOf(one))}${one.width ? ` ${one.width}w` : ''}`).join(', ');
}

/** One `source` for each newer format, and an `img` of the most compatible one. */
export function pictureOf(entry: Entry, urlOf: UrlOf, options: PictureOptions): string {
  if (typeof (options as Partial<PictureOptions> | undefined)?.alt !== 'string') {
    throw new TypeError(`picture of '${entry.key}' without alt: expected { alt: 'what it shows' }, '' for decoration`);
  }
  const { recipe, sizes, alt, loading = 'lazy', attributes = {} } = options;
  const types = pictureTypes(entry, recipe);
  const fallback = types.at(-1);
  if (fallback === undefined) throw noRendition(entry, { recipe, format: 'a picture' });
  const imageOf = (type: string) => ({
    srcset: srcsetOf(entry, urlOf, { recipe, format: type }),
    sizes,
    ...pixelsOf(choose(entry, { recipe, format: type })),
  });
  const sources = types.slice(0, -1).map((type) => tag('source', { type, ...imageOf(type) }));
  const largest = choose(entry, { recipe, format: fallback });
  const src = largest && urlOf(largest);
  const img = tag('img', { src, ...imageOf(fallback), alt, loading, decoding: 'async', ...attributes });
  return `<picture>${sources.join('')}${img}</picture>`;
}

export function noRendition({ key }: Entry, choice: Choice): ReadError {
  const asked = Object.entries(choice).flatMap(([name, value]) => (value === undefined ? [] : [`${name} ${value}`]));
  return new ReadError('no-rendition', `asset '${key}' has no derivative of ${asked.join(', ') || 'any kind'}`);
}

function pixelsOf(derivative: Derivative | undefined): Attributes {
  return { width: derivative?.width, height: derivative?.height };
}

/** In a srcset, a space ends a URL and a comma may. */
function listed(url: string): string {
  return url.replaceAll(' ', '%20').replaceAll(',', '%2C');
}

function tag(name: string, attributes: Attributes): string {
  const written = Object.entries(attributes).flatMap(([attribute, value]) => {
    if (!/^[a-z][a-z0-9:-]*$/i.test(attribute)) throw new TypeError(`'${attribute}' is no name of an attribute`);
    return value === undefined ? [] : [` ${attribute}="${escaped(String(value))}"`];
  });
  return `<${name}${written.join('')}>`;
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}
