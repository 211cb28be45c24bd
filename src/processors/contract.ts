import type { ZodType } from 'zod';
import type {
  AssetKey,
  Digest,
  Finding,
  ItemId,
  Limits,
  Output,
  Recipe,
  SourceFacts,
  ToolVersions,
} from '../domain/types.js';

/**
 * The pure half of a processor (`recipe.ts`): what a recipe may say and what follows from it without touching a file.
 * These files are loaded eagerly by every command, so they import neither sharp nor ffmpeg.
 */
export interface RecipeKind<Settings = Readonly<Record<string, unknown>>> {
  readonly kind: string;
  /** Raised by hand whenever the same settings would give other bytes. Part of every fingerprint. */
  readonly version: number;
  /** Settings with every default; unknown keys refused. */
  readonly schema: ZodType<Settings>;
  /** Default public path template. */
  readonly path: string;
  readonly limits: Limits;
  /** True when the key's extension decides type or extension of an output: the fingerprint then holds it (lower case). */
  readonly usesExtension?: boolean;
  /** Variants and extensions the settings can lead to; `{width}w` variants of a source's own width are not in it. */
  outputs(settings: Settings): readonly { readonly variant: string; readonly ext: string }[];
  /** Seconds of one worker, before there is history. From `bytes` alone: nothing else is known at plan time. */
  priorSeconds(settings: Settings, bytes: number): number;
}

/** Everything a worker needs for one item; plain JSON, sent over the channel. */
export interface WorkOrder {
  readonly item: ItemId;
  readonly kind: string;
  readonly settings: Recipe['settings'];
  readonly input: {
    /** Absolute path of the staged file, under a hash name of ours. */
    readonly file: string;
    readonly sha256: Digest;
    readonly bytes: number;
    /** Only for messages; never reaches a tool's command line. */
    readonly key: AssetKey;
  };
  /** Absolute path of an existing, empty folder of this attempt; the only place the work may write. */
  readonly outbox: string;
  readonly limits: Limits;
}

/** An output lying in the outbox: verified, hashed, not yet stored. */
export interface OutboxFile extends Output {
  /** Name inside the outbox. */
  readonly file: string;
}

export type WorkResult =
  | {
      readonly ok: true;
      readonly source: SourceFacts;
      readonly outputs: readonly [OutboxFile, ...OutboxFile[]];
      readonly placeholder?: string;
      /** Notices only. */
      readonly findings: readonly Finding[];
      /** CPU milliseconds of the worker spent checking outputs, apart from making them. */
      readonly verifyCpuMs: number;
    }
  | {
      readonly ok: false;
      readonly finding: Finding;
      /** Last lines a tool printed, at most 4 kB. */
      readonly log?: string;
    };

/** What the sniffer says of the staged bytes before any processor sees them. */
export interface Sniffed {
  /** MIME type by content; `application/octet-stream` when nothing matches, `text/plain` for text. */
  readonly type: string;
}

export interface WorkContext {
  readonly sniffed: Sniffed;
  /** Called by long work; the item counts as stalled when the tool itself makes no headway. 0 … 1. */
  progress(share: number): void;
  readonly signal: AbortSignal;
}

/**
 * The other half (`work.ts`), loaded lazily and in worker processes only, except `tools`.
 *
 * `work` writes into the outbox only, verifies every output (type, dimensions, full decode, duration, streams) and
 * returns; it never throws for bad input. A throw is a bug or a storage failure and fails the attempt as `infrastructure`.
 */
export interface Processor<Settings = Readonly<Record<string, unknown>>> {
  /** Versions of the tools used, plus determinism settings. Throws `tool-missing`. Cheap; may start a tool once. */
  tools(): Promise<ToolVersions>;
  work(order: WorkOrder & { readonly settings: Settings }, context: WorkContext): Promise<WorkResult>;
}
