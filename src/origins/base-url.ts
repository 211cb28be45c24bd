import { z } from 'zod';
import { isPlainUrl } from '../domain/urls.js';

const expected =
  'expected an absolute http(s) URL without user, query and fragment, such as https://cdn.example.com/catalog';

/** The URL under which a CDN or web server shows what an origin holds. */
export const baseUrl = z.string(expected).refine(isPlainUrl, expected);
