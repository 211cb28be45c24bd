import type { Look } from '../domain/edges.js';
import type { Problem } from '../domain/problems.js';
import type { EdgeSpec } from '../domain/types.js';

/** What has changed at the origin behind an edge's back. */
export interface Stale {
  /** Keys at the origin: `head.json`, and blobs that were withdrawn. Everything else is immutable. */
  readonly keys: readonly string[];
  /** Names this purge: an edge that can tells by it that it heard of it before. */
  readonly reference: string;
}

/** As the engine's: after the first no further try is begun, at the second what is under way is dropped. */
export interface EdgeStop {
  readonly asked: AbortSignal;
  readonly now: AbortSignal;
}

/**
 * A CDN or cache in front of the origin.
 *
 * It holds what readers have asked for, and is told only about the one mutable object and about what must vanish. Telling
 * it is idempotent and may be repeated at any time; it never decides what is live.
 */
export interface Edge {
  /** Unique in its job. */
  readonly name: string;
  /**
   * What it needs from this machine and does not have, in words that follow "expected"; undefined: nothing that is known. For
   * what no variable of `EdgeKind.secrets` says. Asked before anything is published; never throws, and tells no secret.
   */
  readonly lacks?: () => Promise<string | undefined>;
  /**
   * Tells the edge that what it keeps of these keys is stale, at each of its URLs. Resolves when it has accepted that, which is
   * not yet that readers see it: `look` shows that. Tries each call that may pass (no answer, 408, 429, 5xx) again with pauses,
   * at most five times and two minutes. A member may tell everything twice, a few seconds apart; who is stopped in between
   * has not told it.
   *
   * Errors, all as `Fault` without secrets in their message: `edge-unreachable` is temporary (no answer, or busy for too
   * long); `credentials-refused` (401, 403) and `edge-refused` (any other answer) want a person.
   */
  purge(stale: Stale, stop: EdgeStop): Promise<void>;
  /** What a reader gets for this key through each URL of the edge, now. Never throws: what cannot be got is a look too. */
  look(key: string, limits: { readonly withinMs: number; readonly signal: AbortSignal }): Promise<readonly Look[]>;
}

export interface EdgeKind {
  /** Checks one of the job file's `edges`. `baseUrl`: the origin's, under which the edge shows it unless it says otherwise. */
  check(config: unknown, given: { readonly baseUrl?: string }): EdgeCheck;
  /** Option → environment variable that must be set before anything is published. */
  secrets(config: EdgeSpec): Readonly<Record<string, string>>;
  open(config: EdgeSpec, services: EdgeServices): Edge;
}

export type EdgeCheck =
  | { readonly ok: true; readonly config: EdgeSpec }
  /** No problem holds a value that may be a secret. */
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Given by the composition root. */
export interface EdgeServices {
  /** The value of an environment variable; never written anywhere. */
  readonly secret: (variable: string) => string | undefined;
  readonly clock: () => number;
  /** Resolves after so many milliseconds, sooner when `signal` fires; never rejects. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly random: () => number;
  /** How long one call may take. */
  readonly tryMs: number;
}
