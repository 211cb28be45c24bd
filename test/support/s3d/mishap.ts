import type { Asked } from './asked.js';

/** What goes wrong with one request. */
export type Mishap =
  /** The connection is cut before anything is done. */
  | { readonly kind: 'drop' }
  /** Done, and the connection is cut instead of an answer. */
  | { readonly kind: 'drop-after' }
  /** Done only when `until` resolves, whether the client still waits or not: its request lands late. `cut`: it cannot wait. */
  | { readonly kind: 'late'; readonly until: Promise<unknown>; readonly cut?: boolean }
  /** Not done; answered with this. */
  | { readonly kind: 'answer'; readonly status: number; readonly code?: string }
  /** Done, and then answered with this all the same. */
  | { readonly kind: 'answer-after'; readonly status: number; readonly code?: string }
  /** The body ends after so many bytes, and the connection with it. */
  | { readonly kind: 'truncate'; readonly bytes: number }
  /** Reads what was there before the newest write. */
  | { readonly kind: 'stale' };

/** Asked before every request; the first hook that returns something decides. */
export type Hook = (asked: Asked) => Mishap | undefined | Promise<Mishap | undefined>;

/** A hook for the next `times` requests that `which` is true of. */
export function next(which: (asked: Asked) => boolean, mishap: Mishap, times = 1): Hook {
  let left = times;
  return (asked) => (left > 0 && which(asked) && left-- > 0 ? mishap : undefined);
}
