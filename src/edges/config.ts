import { z } from 'zod';
import { type Problem, problemsOf } from '../domain/problems.js';
import type { EdgeSpec } from '../domain/types.js';
import type { EdgeCheck } from './contract.js';

/** What every edge of a job file has. */
export interface EdgeInputBase {
  /** How results call it; its type unless told. */
  readonly name?: string;
  /** The URLs under which readers see the origin through this edge; `baseUrl` of the origin unless told. */
  readonly urls?: string | readonly string[];
}

const urlText =
  'expected an absolute http(s) URL without user, query and fragment, such as https://cdn.example.com/media';

/** An address to which something can be appended. User and password in it would be told in errors. */
export const baseUrl = z.string(urlText).refine(isBaseUrl, urlText);

function isBaseUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:\/\/[^?#@]+$/i.test(text);
}

/** Only upper case, so that a secret written here by mistake is hardly taken for a name. */
export const variable = z
  .string('expected the name of an environment variable')
  .regex(/^[A-Z][A-Z0-9_]*$/, 'expected the name of an environment variable in upper case, never the secret itself');

export const common = {
  name: z
    .string()
    .regex(/^[\w.-]{1,64}$/, 'expected at most 64 letters, digits, . - and _')
    .optional(),
  urls: z.union([baseUrl, z.array(baseUrl).min(1)], urlText).optional(),
};

/** What `common` is after the check. */
export interface Common {
  readonly name: string;
  readonly urls: readonly string[];
}

export function checkWith(
  shape: z.ZodType<{ readonly type: string; readonly name?: string; readonly urls?: string | readonly string[] }>,
  config: unknown,
  given: { readonly baseUrl?: string },
): EdgeCheck {
  const parsed = shape.safeParse(config);
  if (!parsed.success) return { ok: false, problems: problemsOf(parsed.error, config, [], [shape]).map(withoutSecret) };
  const { name = parsed.data.type, urls = given.baseUrl, ...own } = parsed.data;
  if (urls === undefined) {
    const expected = 'the URL under which this edge shows the origin, here or as origin.baseUrl';
    return { ok: false, problems: [{ path: ['urls'], value: undefined, expected }] };
  }
  return { ok: true, config: { ...own, name, urls: typeof urls === 'string' ? [urls] : urls } };
}

/** A checked config again, with its types. */
export function readWith<T>(shape: z.ZodType<T>, config: EdgeSpec): Omit<T, keyof Common> & Common {
  const { name, urls } = config;
  return { ...shape.parse(config), name, urls };
}

/** By the house's rule, what names an environment variable is called `…Env`. */
export function secretsIn(config: EdgeSpec): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(config).flatMap(([key, value]) => (key.endsWith('Env') ? [[key, String(value)]] : [])),
  );
}

/** Who writes a token where its name belongs, or user and password into a URL, must not find it in every log. */
function withoutSecret(problem: Problem): Problem {
  const at = String(problem.path.at(-1));
  const text = typeof problem.value === 'string' ? problem.value : '';
  const mayBe = /env$|token|secret|password|auth|key/i.test(at) || text.includes('@');
  return mayBe && problem.value !== undefined ? { ...problem, value: '(not shown)' } : problem;
}
