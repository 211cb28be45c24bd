import type { SourceKind } from './contract.js';
import type { DirectorySourceInput } from './directory/index.js';

/** The `source` of a job file. */
export type SourceInput = DirectorySourceInput;

/** Every kind of source, by the `type` a job file names; loaded when first asked for. */
export const sources: Readonly<Record<string, () => Promise<SourceKind>>> = Object.freeze({
  directory: async () => (await import('./directory/index.js')).directory,
});
