import { z } from 'zod';
import { problemsOf, withoutSecret } from '../../domain/problems.js';
import { isPlainUrl } from '../../domain/urls.js';
import { baseUrl } from '../base-url.js';
import type { OriginCheck } from '../contract.js';

export type S3Config = z.infer<typeof shape>;

const bucketText = 'expected the name of a bucket: 3 to 63 of a-z, 0-9, dot and hyphen';
const prefixText = "expected a prefix of A-Z, a-z, 0-9 and ._- with single slashes between, such as 'site/catalog'";
const regionText = "expected the region of the bucket, such as 'eu-central-1' ('auto' for Cloudflare R2)";
const endpointText = 'expected an http(s) URL without credentials, query and fragment, such as https://s3.example.com';
const switchText = 'expected true or false';

/** Keys are URLs: what would have to be encoded in one is no part of a prefix. */
const prefixPattern = /^\/?[\w.-]+(?:\/[\w.-]+)*\/?$/;

const shape = z.strictObject({
  type: z.literal('s3'),
  bucket: z.string(bucketText).regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, bucketText),
  prefix: z
    .string(prefixText)
    .regex(prefixPattern, prefixText)
    .refine((text) => !text.split('/').some((part) => part === '.' || part === '..'), prefixText)
    .transform((text) => text.replace(/^\/|\/$/g, ''))
    .optional(),
  endpoint: z.string(endpointText).refine(isPlainUrl, endpointText).optional(),
  region: z.string(regionText).regex(/^[a-z0-9-]+$/, regionText),
  baseUrl: baseUrl.optional(),
  forcePathStyle: z.boolean(switchText).default(false),
  singleWriter: z.boolean(switchText).default(false),
});

export function readConfig(config: Readonly<Record<string, unknown>>): S3Config {
  return shape.parse(config);
}

export function check(config: unknown): OriginCheck {
  const parsed = shape.safeParse(config);
  if (!parsed.success) return { ok: false, problems: problemsOf(parsed.error, config, [], [shape]).map(withoutSecret) };
  return { ok: true, config: parsed.data, place: placeOf(parsed.data) };
}

/** Endpoint, bucket and prefix: where two jobs would meet. */
export function placeOf({ endpoint, bucket, prefix }: S3Config): string {
  const host = endpoint === undefined ? 'aws' : new URL(endpoint).href.replace(/\/$/, '');
  return `s3:${host}/${bucket}/${prefix ?? ''}`;
}
