/**
 * The words of nightpress as types. Read this file first, then `engine/run.ts`. What a job says is in `job-spec.ts`.
 *
 * Everything here is plain, immutable data: it may be written to SQLite, sent to a worker or printed as JSON.
 * Instants are milliseconds since the Unix epoch (`…At`, `opens`, `closes`), durations carry their unit in the name.
 */

export type * from './job-spec.js';

declare const brand: unique symbol;
type Brand<Name extends string> = string & { readonly [brand]: Name };

/** Lower-case hex sha256, 64 characters. */
export type Digest = Brand<'Digest'>;
/** Sortable name of one attempt: `20261122T020003Z-4f2a`. */
export type RunId = Brand<'RunId'>;
/** sha256(recipe name, NUL, asset key): the unit of retry, failure and checkpoint. */
export type ItemId = Brand<'ItemId'>;
/** First 12 hex digits of the sha256 of a partition's sorted item ids. Never a position. */
export type PartitionId = Brand<'PartitionId'>;
/** The sha256 of a manifest's root node. */
export type SnapshotId = Digest;
/** Relative POSIX path of a source file: valid UTF-8, no empty, `.` or `..` segment. */
export type AssetKey = string;

/** What may be retried, and by whom. */
export type FailureClass = 'input' | 'recipe' | 'transient' | 'resource' | 'infrastructure';

/** One thing that a scan, a processor or a validation objects to: data, not an exception. */
export interface Finding {
  /** Stable, kebab-case: `unsupported-type`, `decode-failed`, `path-collision`, … */
  readonly code: string;
  /** `error`: something is not published as it should be. `notice`: worth knowing, nothing is missing. */
  readonly severity: 'error' | 'notice';
  /** One line, lower case: what, which value, what was expected. */
  readonly message: string;
  readonly class?: FailureClass;
  readonly key?: AssetKey;
  readonly recipe?: string;
  /** The log file or other place that holds more. */
  readonly see?: string;
  /** Of an item that ended its workers: the limits it did so under. Under others it may be tried again. */
  readonly limits?: Limits;
}

/** One source file as its listing describes it; the bytes have not been read. */
export interface ListedAsset {
  readonly key: AssetKey;
  readonly bytes: number;
  /** When the source says it was last modified; only for freshness and display, never for decisions. */
  readonly modifiedAt: number;
  /** Listing fingerprint: opaque, compared for equality only (directory: size, mtime ns, ctime ns, inode). */
  readonly listing: string;
  /** False when the listing is too young to be trusted as "unchanged" next time (2 s). */
  readonly settled: boolean;
  /** Present when the asset exists but cannot be read; its last good derivatives are carried forward. */
  readonly problem?: Finding;
}

/** The complete list of assets at the start of a run, sorted by key (UTF-16 code units), frozen. */
export interface Inventory {
  readonly assets: readonly ListedAsset[];
  /** Names that cannot be assets, links not followed, folders that cannot be read. */
  readonly findings: readonly Finding[];
  /** Key prefixes (ending in `/`) that could not be listed: what was known below them is not "removed". */
  readonly unreadable: readonly string[];
}

/** What the bytes of an asset are, by content and never by name. */
export interface SourceFacts {
  /** MIME type by content. */
  readonly type: string;
  /** Pixels as displayed, after orientation. */
  readonly width?: number;
  readonly height?: number;
  /** Seconds. */
  readonly duration?: number;
}

/** One output file, named by the sha256 of its bytes; it has no public path yet. */
export interface Output {
  /** `640w`, `720p`, `poster`, … or `original` for a copy: unique with `ext` inside an item. */
  readonly variant: string;
  readonly sha256: Digest;
  readonly bytes: number;
  /** MIME type, verified by content. */
  readonly type: string;
  /** Without the dot. */
  readonly ext: string;
  readonly width?: number;
  readonly height?: number;
  /** Seconds. */
  readonly duration?: number;
}

/** An output with its public path inside a snapshot. */
export interface Derivative extends Output {
  readonly path: string;
}

/** What an item made, remembered under its fingerprint: the reason a rename or a rollback costs nothing. */
export interface Made {
  readonly fingerprint: Digest;
  readonly source: SourceFacts;
  readonly outputs: readonly Output[];
  /** base64 thumbhash, when the recipe makes one. */
  readonly placeholder?: string;
}

/** One recipe's result inside a manifest entry. */
export interface EntryItem {
  readonly fingerprint: Digest;
  readonly derivatives: readonly Derivative[];
  readonly placeholder?: string;
  /** sha256 of the newer source that could not be processed, or `unread` when its bytes could not be had. */
  readonly carried?: Digest | 'unread';
}

/** One asset inside a manifest. Content only: no time, run, host or window. */
export interface Entry {
  readonly key: AssetKey;
  readonly source: SourceFacts & { readonly sha256: Digest; readonly bytes: number };
  readonly items: Readonly<Record<string, EntryItem>>;
}

/** Limits that sit outside the process doing the work. */
export interface Limits {
  /** Wall clock for one attempt. */
  readonly wallMs: number;
  /** Resident memory of the worker and every tool it started. */
  readonly memoryBytes: number;
  /** Sum of everything one attempt may write. */
  readonly outputBytes: number;
}

/** Names and versions of everything that influences output bytes: `{ sharp: '0.35.5', libaom: '3.15.1', … }`. */
export type ToolVersions = Readonly<Record<string, string>>;

/** One night's time for work. Identity: job + `opens`. */
export interface Window {
  readonly opens: number;
  readonly closes: number;
  /** Wall-clock time of the opening in the job's zone: `2026-11-22T02:00`. */
  readonly label: string;
}

/**
 * How an item ended. `carried`: the last good derivatives stay; `failed`, `quarantined`: nothing to show; `withheld`: its
 * content was withdrawn and must not be shown.
 */
export type Disposition = 'done' | 'reused' | 'carried' | 'failed' | 'quarantined' | 'withheld';

/** How a run ended. */
export type Outcome =
  | 'published'
  | 'unchanged'
  | 'incomplete'
  | 'held'
  | 'failed'
  | 'interrupted'
  | 'superseded'
  | 'unknown';

/** The live snapshot as a result or status names it. */
export interface Live {
  readonly snapshot: SnapshotId;
  readonly seq: number;
  readonly at: number;
}
