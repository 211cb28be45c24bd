import type { EdgeRequest } from '../send.js';

export interface BunnyCall {
  readonly token: string;
  readonly endpoint: string;
}

/**
 * `POST /purge?url=…&async=false` with `AccessKey`, one URL a call (docs.bunny.net/reference/purgepublic_indexpost). Not async:
 * the answer then comes when the purge is through.
 */
export function requests({ token, endpoint }: BunnyCall, urls: readonly string[]): readonly EdgeRequest[] {
  return urls.map((url) => ({
    method: 'POST',
    url: `${endpoint}/purge?url=${encodeURIComponent(url)}&async=false`,
    headers: { accesskey: token },
  }));
}
