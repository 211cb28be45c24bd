import type { Problem } from '../domain/problems.js';
import type { AssetKey, Digest, Finding, Inventory, ListedAsset } from '../domain/types.js';

/** What `stage` did: the bytes are in `file` and nothing else was learned by trusting the listing. */
export type Staged =
  | {
      readonly ok: true;
      readonly sha256: Digest;
      readonly bytes: number;
      /** The listing of exactly these bytes, taken from the open file; it may be newer than the plan's. */
      readonly asset: ListedAsset;
    }
  /** Gone, unreadable, changed while read, or a link that leaves the root: a finding of this asset only. */
  | { readonly ok: false; readonly finding: Finding };

/**
 * Where assets come from. A source never writes: originals are neither modified nor linked into the site (P8).
 *
 * Errors: `source-unreachable` when the source as a whole cannot be listed or read, temporary where it `passes`; storage
 * failures of the *target* folder pass through as system errors. Trouble with one asset is a finding, never an exception.
 */
export interface Source {
  /**
   * Lists everything once, sorted by key. An empty or unmounted root is not an empty library: an absent root is
   * `source-unreachable`; an existing but empty one yields an empty inventory, which the gate holds.
   */
  scan(): Promise<Inventory>;
  /** The listing of one asset now, or undefined when it is gone. Used to settle a lost swap of the head. */
  list(key: AssetKey): Promise<ListedAsset | undefined>;
  /**
   * Copies one asset's bytes to `file` (which must not exist) and hashes what was copied, in one pass. Not durable:
   * staged files may be lost with the machine. On failure nothing is left at `file`. When `leave` fires, bytes that are
   * still on their way over a network are waited for no longer: that is a finding that may pass.
   */
  stage(key: AssetKey, file: string, leave?: AbortSignal): Promise<Staged>;
}

/** What `doctor` and the loader need to know of a source without opening it. */
export interface SourceKind {
  /** Checks the job file's `source` object (zod); relative paths are resolved against `project`. */
  check(config: unknown, project: string): SourceCheck;
  /** `answerMs`: a server that says nothing for so long is given up, untried again; absent: as long as a run waits. */
  open(config: Readonly<Record<string, unknown>>, clock: () => number, answerMs?: number): Source;
}

export type SourceCheck =
  | {
      readonly ok: true;
      readonly config: { readonly type: string } & Readonly<Record<string, unknown>>;
      /** Local folder the source reads, when it has one: it must not overlap origin or work folder. */
      readonly folder?: string;
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };
