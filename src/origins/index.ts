import type { OriginKind } from './contract.js';
import type { DirectoryOriginInput } from './directory/index.js';
import type { S3OriginInput } from './s3/index.js';

/** The `origin` of a job file. */
export type OriginInput = DirectoryOriginInput | S3OriginInput;

/** Every kind of origin, by the `type` a job file names; loaded when first asked for. */
export const origins: Readonly<Record<string, () => Promise<OriginKind>>> = Object.freeze({
  directory: async () => (await import('./directory/index.js')).directory,
  s3: async () => (await import('./s3/index.js')).s3,
});
