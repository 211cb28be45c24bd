import { headKey } from '../../domain/edges.js';
import type { EdgeRequest } from '../send.js';

export interface FastlyCall {
  readonly token: string;
  readonly endpoint: string;
  /** Marks the head stale instead of removing it; readers then get the old one once more. What is withdrawn is always removed. */
  readonly soft: boolean;
  /** The key that the head is tagged with by `Surrogate-Key`, and the service that keeps it. */
  readonly tag?: { readonly service: string; readonly surrogateKey: string };
}

/**
 * With shielding, a reader between the purge of an edge and that of its shield puts the old object back, for as long as it is
 * fresh (fastly.com/documentation/guides/full-site-delivery/purging/purging-best-practices, "Encountering race conditions").
 * The remedy is to purge URLs and surrogate keys twice, about 2 s apart (Fastly's words in github/docs purge-edge-cache.ts,
 * which found that too short later).
 */
export const againAfterMs = 5000;

/**
 * `POST /purge/{cached_url}`, the URL without its scheme (`www.example.com/path/to/object-to-purge`), or for the tagged head
 * `POST /service/{service_id}/purge/{surrogate_key}`; `Fastly-Key`, and `Fastly-Soft-Purge: 1` for a soft one
 * (fastly.com/documentation/reference/api/purging; examples in fastly/fastly-js docs/PurgeApi.md).
 */
export function requests(call: FastlyCall, urls: readonly string[]): readonly EdgeRequest[] {
  const { tag } = call;
  const isHead = (url: string) => url.endsWith(`/${headKey}`);
  const isTagged = (url: string) => tag !== undefined && isHead(url);
  const ask = (path: string, isSoft: boolean): EdgeRequest => ({
    method: 'POST',
    url: `${call.endpoint}/${path}`,
    headers: { 'fastly-key': call.token, accept: 'application/json', ...(isSoft && { 'fastly-soft-purge': '1' }) },
  });
  return [
    ...(tag && urls.some(isTagged) ? [ask(`service/${tag.service}/purge/${tag.surrogateKey}`, call.soft)] : []),
    ...urls
      .filter((url) => !isTagged(url))
      .map((url) => ask(`purge/${url.replace(/^https?:\/\//i, '')}`, call.soft && isHead(url))),
  ];
}
