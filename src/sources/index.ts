import type { SourceKind } from './contract.js';
import type { DirectorySourceInput } from './directory/index.js';
import type { ListingSourceInput } from './listing/index.js';
import type { S3SourceInput } from './s3/index.js';

/** The `source` of a job file. */
export type SourceInput = DirectorySourceInput | ListingSourceInput | S3SourceInput;

/** Every kind of source, by the `type` a job file names; loaded when first asked for. */
export const sources: Readonly<Record<string, () => Promise<SourceKind>>> = Object.freeze({
  directory: async () => (await import('./directory/index.js')).directory,
  listing: async () => (await import('./listing/index.js')).listing,
  s3: async () => (await import('./s3/index.js')).s3,
});
