import { z } from 'zod';

const expected = 'expected an absolute http(s) URL without query and fragment, such as https://cdn.example.com/catalog';

/** The URL under which a CDN or web server shows what an origin holds. */
export const baseUrl = z.string(expected).refine(isPlainUrl, expected);

/** Absolute, http or https, without query and fragment. */
export function isPlainUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:\/\/[^?#]+$/i.test(text);
}
