import type { Finding } from './types.js';
import { encodePath } from './urls.js';

/** The key whose change edges are told of; everything else at an origin is immutable. */
export const headKey = 'head.json';

/** How one edge took the news that another snapshot is live. */
export interface EdgeRecord {
  readonly name: string;
  /** It accepted the purge, now or when this snapshot went live. */
  readonly told: boolean;
  /** With `--wait`: when all its URLs served the head, from the moment that the edges were told on. */
  readonly servedAfterMs?: number;
  /** Why it was not told, or what it served at last instead. One line, without secrets. */
  readonly error?: string;
}

/** What an edge was last told of. */
export interface ToldEdge {
  readonly edge: string;
  /** Identity of the origin whose head it was. */
  readonly origin: string;
  readonly seq: number;
}

/**
 * Edges that were never told of what is live: the head moved and the process died, the edge could not be reached, or the
 * job names it only since then. A newer seq than the live one is of a head that the origin has lost since.
 */
export function untold(
  names: readonly string[],
  told: readonly ToldEdge[],
  live: { readonly origin: string; readonly seq: number },
): ReadonlySet<string> {
  const knows = ({ edge, origin, seq }: ToldEdge) => origin === live.origin && seq === live.seq && names.includes(edge);
  const done = new Set(told.filter(knows).map(({ edge }) => edge));
  return new Set(names.filter((name) => !done.has(name)));
}

/** Names one purge, so that who supports it can tell a repetition: the same live commit is the same purge. */
export function purgeReference(live: { readonly origin: string; readonly seq: number }): string {
  return `nightpress-${live.origin}-${live.seq}`;
}

/** Where readers find a key, for each place that shows the origin. */
export function urlsOfKeys(bases: readonly string[], keys: readonly string[]): readonly string[] {
  return bases.flatMap((base) => keys.map((key) => `${base.replace(/\/+$/, '')}/${encodePath(key)}`));
}

/** What was got from one URL of an edge. */
export type Look =
  | { readonly url: string; readonly text: string }
  /** Nothing that could be a head. */
  | { readonly url: string; readonly trouble: string };

/** Undefined: this URL serves the head of `live` or a newer one. Otherwise what it serves, in words. */
export function whatIsStale(look: Look, live: { readonly origin: string; readonly seq: number }): string | undefined {
  if ('trouble' in look) return `${look.url} ${look.trouble}`;
  const head = parsed(look.text);
  if (typeof head?.seq !== 'number') return `${look.url} serves no head`;
  if (head.origin !== live.origin) return `${look.url} serves the head of another origin`;
  return head.seq >= live.seq ? undefined : `${look.url} serves seq ${head.seq}`;
}

function parsed(text: string): { readonly seq?: unknown; readonly origin?: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined; // an error page, for instance: it is told as no head
  }
}

const firstLookMs = 100;
const slowestLookMs = 2000;

/** Pause after the n-th look (from 1): short at first, since a purge of one object is mostly a matter of milliseconds. */
export function nextLookMs(looks: number): number {
  return Math.min(slowestLookMs, firstLookMs * 1.5 ** (looks - 1));
}

/** How the wait for one edge ended; `stale`: what it still served then. */
export type Waited = { readonly servedAfterMs: number } | { readonly stale: string };

/** `trouble`: why it could not be told. `waited`: only with `--wait`. */
export function edgeRecord(name: string, trouble: string | undefined, waited: Waited | undefined): EdgeRecord {
  const stale = waited && 'stale' in waited ? waited.stale : undefined;
  const error = [trouble && `not told: ${trouble}`, stale].filter(Boolean).join('; ');
  const served = waited && 'servedAfterMs' in waited ? { servedAfterMs: Math.round(waited.servedAfterMs) } : {};
  return { name, told: trouble === undefined, ...served, ...(error && { error }) };
}

/** That an edge was not told, or serves an older snapshot, is not the snapshot's fault: it changes no outcome. */
export function edgeFindings(edges: readonly EdgeRecord[]): readonly Finding[] {
  return edges.flatMap(({ name, told, error }) =>
    error === undefined
      ? []
      : [{ code: told ? 'edge-stale' : 'edge-not-told', severity: 'error', message: `edge ${name}: ${error}` }],
  );
}

/** Exit code of a call whose snapshot is live, but which an edge was not seen to serve in the time `--wait` gave it. */
export const notServedExit = 7;

/** Who did not ask to wait is not told by exit code: the snapshot is live, and what edges keep has a short lifetime. */
export function exitWithEdges(exit: number, edges: readonly EdgeRecord[], waited: boolean): number {
  const late = waited && edges.some(({ servedAfterMs }) => servedAfterMs === undefined);
  return late && exit === 0 ? notServedExit : exit;
}
