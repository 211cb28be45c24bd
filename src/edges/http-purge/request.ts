import type { EdgeRequest } from '../send.js';

export interface HttpPurgeCall {
  readonly method: string;
  /** Addresses of the caches themselves; none: they are told at the URLs that readers use. */
  readonly servers: readonly string[];
  /** Stands before the path of what is purged. */
  readonly prefix: string;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * What Varnish's `return (purge)` and nginx' cache-purge modules take: the reader's own URL with another method
 * (docs.varnish-software.com/book/invalidation/purging; github.com/FRiCKLE/ngx_cache_purge). A cache keeps things by host and
 * path as readers ask for them, so a server told at its own address is told the reader's host.
 *
 * nginx' modules answer 404, later ones 412, for what they do not keep: then there is nothing stale either.
 */
export function requests(
  { method, servers, prefix, headers }: HttpPurgeCall,
  urls: readonly string[],
): readonly EdgeRequest[] {
  return urls.flatMap((text) => {
    const url = new URL(text);
    const places = servers.length > 0 ? servers : [url.origin];
    return places.map((place) => ({
      method,
      url: `${place.replace(/\/+$/, '')}${prefix}${url.pathname}`,
      headers: { ...headers, host: url.host },
      fine: [404, 412],
    }));
  });
}
