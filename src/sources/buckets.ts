import { z } from 'zod';
import { isPlainUrl } from '../domain/urls.js';

/** Where objects are, as a job file says it. Credentials are never in it: the SDK finds them in the environment. */
export interface BucketInput {
  readonly bucket: string;
  /** Keys of assets are what follows it; ends in `/`. All of the bucket unless told. */
  readonly prefix?: string;
  /** Of another service than AWS: `https://s3.example.com`. */
  readonly endpoint?: string;
  /** As the environment or the profile says unless told; `us-east-1` where only an endpoint is told. */
  readonly region?: string;
  /** `https://endpoint/bucket/key` instead of `https://bucket.endpoint/key`: what most servers other than AWS want. */
  readonly forcePathStyle?: boolean;
}

const name = 'the name of a bucket';
const prefix = "a key prefix such as 'media/': without a leading and with a trailing '/'";

const endpoint = "an http(s) URL without credentials, query and fragment, such as 'https://s3.example.com'";

export const bucketFields = {
  bucket: z.string(name).regex(/^[a-z0-9][a-z0-9._-]{1,62}$/i, name),
  prefix: z
    .string(prefix)
    .regex(/^[^/].*\/$/s, prefix)
    .optional(),
  endpoint: z.string(endpoint).refine(isPlainUrl, endpoint).optional(),
  region: z.string().min(1, "a region such as 'eu-central-1'").optional(),
  forcePathStyle: z.boolean().optional(),
};
