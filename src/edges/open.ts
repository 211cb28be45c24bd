import { type Look, urlsOfKeys } from '../domain/edges.js';
import { errno, Fault } from '../domain/faults.js';
import type { EdgeSpec } from '../domain/types.js';
import type { Common } from './config.js';
import { secretsIn } from './config.js';
import type { Edge, EdgeServices, EdgeStop, Stale } from './contract.js';
import { type EdgeRequest, hint, send } from './send.js';

/** What a member adds to what all edges do alike. */
export interface Member {
  /** The calls that tell of these URLs, all of the edge's bases. */
  readonly requests: (
    urls: readonly string[],
    stale: Stale,
    stop: EdgeStop,
  ) => Iterable<EdgeRequest> | AsyncIterable<EdgeRequest>;
  /** Throws when an accepted answer says that it was not. */
  readonly judge?: (text: string) => void;
  /** Where one purge may come to nothing within the edge: everything is told once more after so long. */
  readonly againAfterMs?: number;
}

/** Calls are made one after the other: rate limits are counted in calls, and mostly there is one. */
export function edgeOf({ name, urls }: Common, parts: OpenParts, member: Member): Edge {
  const { services, secrets } = parts;
  const { againAfterMs } = member;
  const tell = async (stale: Stale, stop: EdgeStop) => {
    for await (const request of member.requests(urlsOfKeys(urls, stale.keys), stale, stop)) {
      const text = await send(request, { services, secrets, stop });
      member.judge?.(text);
    }
  };
  return {
    name,
    purge: async (stale, stop) => {
      await tell(stale, stop);
      if (againAfterMs === undefined) return;
      await services.pause(againAfterMs, stop.asked);
      if (stop.asked.aborted)
        throw new Fault('edge-unreachable', 'stopped before it was purged a second time', { hint });
      await tell(stale, stop);
    },
    look: async (key, limits) => await Promise.all(urlsOfKeys(urls, [key]).map((url) => lookAt(url, limits))),
  };
}

export interface OpenParts {
  readonly services: EdgeServices;
  readonly secrets: readonly string[];
}

/** Every secret that the config names, so that none of them is told. */
export function partsOf(config: EdgeSpec, services: EdgeServices): OpenParts {
  const secrets = Object.values(secretsIn(config)).flatMap((variable) => services.secret(variable) ?? []);
  return { services, secrets };
}

/** Like any reader: by `fetch`, with its encodings, following redirections, and with nothing that would bypass a cache. */
async function lookAt(
  url: string,
  { withinMs, signal }: { readonly withinMs: number; readonly signal: AbortSignal },
): Promise<Look> {
  const late = AbortSignal.timeout(Math.max(1, Math.ceil(withinMs)));
  try {
    const answer = await fetch(url, { signal: AbortSignal.any([late, signal]) });
    const text = await textOf(answer);
    if (text === undefined) return { url, trouble: `answers with more than ${mostChars} characters` };
    return answer.ok ? { url, text } : { url, trouble: `answers ${answer.status}` };
  } catch (error) {
    if (late.aborted) return { url, trouble: 'does not answer in time' };
    return {
      url,
      trouble: `cannot be read (${errno(error instanceof Error ? error.cause : undefined) ?? 'no answer'})`,
    };
  }
}

/** As much as readers take of a head. */
const mostChars = 16 << 20;

/** Undefined: it is longer than that, and was not read to its end. */
async function textOf({ body }: Response): Promise<string | undefined> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > mostChars) return undefined;
  }
  return text;
}
