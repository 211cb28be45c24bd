import { isWorthAnotherPing } from './ping.js';
import { pauseMs } from './tries.js';

/** What came of one call to somebody else's API. */
export type Tried =
  /** It answered; `busy`: in the words of this API, that it may be asked again. */
  | { readonly status: number; readonly retryAfterMs?: number; readonly busy?: boolean }
  /** No answer: refused, reset, no such host, too late. */
  | { readonly lost: string };

/** Of one call, over all tries: a night must not wait for long on who is only told of it. */
export const mostCalls = 5;
const longestMs = 120_000;

/**
 * How long to pause before the call is made again; undefined: it will not go better, or took long enough. `tries` counts
 * those that were made. What the other side asks for (RFC 9110 §10.2.3) is kept to exactly when it is not too long;
 * otherwise the pause is drawn with full jitter (`pauseMs`).
 */
export function nextCall(
  tried: Tried,
  so: { readonly tries: number; readonly spentMs: number; readonly random: () => number },
): number | undefined {
  if (!mayPass(tried) || so.tries >= mostCalls) return undefined;
  const asked = 'lost' in tried ? undefined : tried.retryAfterMs;
  const pause = asked ?? pauseMs(so.tries, so.random);
  return so.spentMs + pause > longestMs ? undefined : pause;
}

/** Whether another call, now or later, may go better. */
export function mayPass(tried: Tried): boolean {
  return 'lost' in tried || tried.busy === true || isWorthAnotherPing(tried.status);
}

/** A `Retry-After` header in milliseconds from `now`: seconds, or a date. Undefined: neither. */
export function parseRetryAfter(text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined;
  if (/^\s*\d+\s*$/.test(text)) return Number(text) * 1000;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}
