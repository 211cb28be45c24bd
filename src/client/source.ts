import { ReadError } from './errors.js';

/** Where an origin is read from, and under which URL pages find it. */
export interface Source {
  /** Without a slash at its end; what `url()` begins with. */
  readonly baseUrl: string;
  /**
   * The bytes of one object by origin key, whole. Throws `ReadError`: `missing`, `too-large` above `maxBytes` (having
   * read no more than that), `timeout` when `signal` ends it, `unreachable` for all else.
   */
  read(key: string, request: ReadRequest): Promise<Uint8Array>;
}

export interface ReadRequest {
  readonly maxBytes: number;
  readonly signal: AbortSignal;
  /** Ask the origin whether it changed; everything but the head never does. */
  readonly fresh?: boolean;
}

export type Fetch = (url: string, init: { signal: AbortSignal; cache?: 'no-cache' }) => Promise<Response>;

/**
 * An origin behind http. `fetch` may be given: with retries, credentials or a cache of the caller's. Throws `TypeError` for
 * what the global one cannot fetch here, such as a folder.
 */
export function fromUrl(url: string, given?: Fetch): Source {
  if (!given) refuseNoUrl(url);
  const fetch = given ?? globalThis.fetch;
  const baseUrl = url.replace(/\/+(?:head\.json)?$/, '').replace(/\/head\.json$/, '');
  return {
    baseUrl,
    read: async (key, { maxBytes, signal, fresh }) => {
      const where = `${baseUrl}/${key}`;
      try {
        const response = await fetch(where, { signal, ...(fresh && { cache: 'no-cache' as const }) });
        return await bodyOf(response, where, maxBytes);
      } catch (error) {
        throw error instanceof ReadError ? error : unread(where, signal, error);
      }
    },
  };
}

/** In a page and in a worker, URLs may be relative to it; elsewhere there is nothing that they could be relative to. */
function refuseNoUrl(url: string): void {
  const { document, location } = globalThis as {
    readonly document?: { readonly baseURI?: string };
    readonly location?: { readonly href?: string };
  };
  const base = document?.baseURI ?? location?.href;
  if (URL.canParse(url, base) && /^https?:$/.test(new URL(url, base).protocol)) return;
  const forFolders = 'for a folder: open(fromFolder(folder, baseUrl)) of nightpress/client/node';
  throw new TypeError(
    `'${url}' cannot be fetched here: expected a URL such as https://cdn.example.com/media; ${forFolders}`,
  );
}

export function unread(where: string, signal: AbortSignal, cause: unknown): ReadError {
  if (signal.aborted) return new ReadError('timeout', `${where} was not read whole in time`, cause);
  return new ReadError('unreachable', `${where} could not be read: ${causeOf(cause)}`, cause);
}

export function tooLarge(where: string, maxBytes: number): ReadError {
  return new ReadError('too-large', `${where} is larger than the ${maxBytes} bytes expected at most`);
}

/** Node's fetch says only that it failed; why is one level below. */
function causeOf(error: unknown): string {
  const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return inner instanceof Error ? inner.message : String(inner);
}

async function bodyOf(response: Response, where: string, maxBytes: number): Promise<Uint8Array> {
  // S3 hides what is not there behind 403 from whoever may not list.
  if ([403, 404, 410].includes(response.status)) {
    await response.body?.cancel();
    throw new ReadError('missing', `${where} is not there (status ${response.status})`);
  }
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new ReadError('unreachable', `${where} answered with status ${response.status}, expected 200`);
  }
  return await limited(response, where, maxBytes);
}

/** Counts what comes, not what was announced: compression and liars make the two differ. */
async function limited(response: Response, where: string, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const reader = response.body?.getReader();
  for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) {
    bytes += next.value.byteLength;
    if (bytes > maxBytes) {
      await reader?.cancel();
      throw tooLarge(where, maxBytes);
    }
    chunks.push(next.value);
  }
  return joined(chunks, bytes);
}

export function joined(chunks: readonly Uint8Array[], bytes: number): Uint8Array {
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}
