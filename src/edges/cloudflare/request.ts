import type { EdgeRequest } from '../send.js';

export interface CloudflareCall {
  readonly zone: string;
  readonly token: string;
  readonly endpoint: string;
}

/** "Max operations per request", of all plans (developers.cloudflare.com/cache/how-to/purge-cache, limits table). */
const mostUrls = 100;

/**
 * `POST /zones/{zone_id}/purge_cache` with `{ "files": [URL, …] }` and a bearer token
 * (developers.cloudflare.com/api, Cache → Purge Cached Content by URL).
 */
export function requests({ zone, token, endpoint }: CloudflareCall, urls: readonly string[]): readonly EdgeRequest[] {
  const batches = Math.ceil(urls.length / mostUrls);
  return Array.from({ length: batches }, (_, at) => ({
    method: 'POST',
    url: `${endpoint}/zones/${zone}/purge_cache`,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ files: urls.slice(at * mostUrls, (at + 1) * mostUrls) }),
  }));
}
