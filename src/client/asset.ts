import type { Derivative, Entry } from '../domain/types.js';
import { type Choice, choose } from './choose.js';
import { noRendition, type PictureOptions, pictureOf, srcsetOf } from './markup.js';

/** One asset of a pinned snapshot. What needs no bytes needs no waiting. */
export interface Asset {
  readonly key: string;
  /** The whole entry of the manifest: source, items, placeholders. */
  readonly entry: Entry;
  /** The derivative meant; undefined when there is none such. */
  derivative(choice?: Choice): Derivative | undefined;
  /** URL of always the same bytes: may be cached for ever. */
  url(choice?: Choice): string;
  /** The value of a `srcset` attribute. */
  srcset(choice?: Omit<Choice, 'width'>): string;
  /** `<picture>` with every picture format that there is. */
  picture(options: PictureOptions): string;
  /** The bytes of a derivative, of its length and sha256 or not at all. */
  bytes(choice?: Choice): Promise<Uint8Array>;
}

export interface Place {
  urlOf(derivative: Derivative): string;
  bytesOf(derivative: Derivative): Promise<Uint8Array>;
}

export function assetOf(entry: Entry, { urlOf, bytesOf }: Place): Asset {
  const meant = (choice: Choice = {}): Derivative => {
    const derivative = choose(entry, choice);
    if (derivative) return derivative;
    throw noRendition(entry, choice);
  };
  return {
    key: entry.key,
    entry,
    derivative: (choice) => choose(entry, choice),
    url: (choice) => urlOf(meant(choice)),
    srcset: (choice = {}) => srcsetOf(entry, urlOf, choice),
    picture: (options) => pictureOf(entry, urlOf, options),
    bytes: async (choice) => await bytesOf(meant(choice)),
  };
}
