import { request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';
import { mayPass, nextCall, parseRetryAfter, type Tried } from '../domain/calls.js';
import { errno, Fault } from '../domain/faults.js';
import type { EdgeServices, EdgeStop } from './contract.js';

/** One call to an edge, as data. */
export interface EdgeRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Answers that mean the same as 2xx. */
  readonly fine?: readonly number[];
  /** An answer that holds this text may be asked again, whatever its status. */
  readonly busy?: string;
  /** Found only when the call was made: kept out of messages like those of the edge. */
  readonly secrets?: readonly string[];
}

export interface SendParts {
  readonly services: EdgeServices;
  readonly stop: EdgeStop;
  /** Of this edge, to keep them out of messages. */
  readonly secrets: readonly string[];
}

/**
 * The one place that calls edges: makes the call until it is accepted and returns the answer's text, or throws what
 * `Edge.purge` promises. Redirections are refused, so that credentials reach nobody else. By `node:http`, because `fetch`
 * takes no `Host` header, and a cache is mostly told at another address than its readers use.
 */
export async function send(request: EdgeRequest, parts: SendParts): Promise<string> {
  const { services, stop } = parts;
  const startedAt = services.clock();
  for (let tries = 1; ; tries++) {
    const tried = await sendOnce(request, parts);
    if ('status' in tried && isFine(request, tried)) return tried.text;
    const spentMs = services.clock() - startedAt;
    const pause = stop.asked.aborted ? undefined : nextCall(tried, { tries, spentMs, random: services.random });
    if (pause === undefined) throw faultOf(request, tried, parts.secrets);
    await services.pause(pause, stop.asked);
  }
}

interface Answer extends Extract<Tried, { status: number }> {
  readonly text: string;
}

type Lost = Extract<Tried, { lost: string }>;

function isFine({ fine = [] }: EdgeRequest, { status }: Answer): boolean {
  return (status >= 200 && status < 300) || fine.includes(status);
}

async function sendOnce(request: EdgeRequest, { services, stop }: SendParts): Promise<Answer | Lost> {
  const late = AbortSignal.timeout(services.tryMs);
  try {
    const { status, text, retryAfter } = await exchange(request, AbortSignal.any([late, stop.now]));
    const busy = request.busy !== undefined && status >= 300 && text.includes(request.busy);
    return { status, text, busy, retryAfterMs: parseRetryAfter(retryAfter, services.clock()) };
  } catch (error) {
    if (late.aborted) return { lost: `no answer within ${services.tryMs / 1000} s` };
    return { lost: stop.now.aborted ? 'stopped' : reasonOf(error) };
  }
}

/** Enough for every answer that an API gives to a purge; more is not looked at. */
const mostChars = 100_000;

function exchange(
  { method, url, headers, body }: EdgeRequest,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly text: string; readonly retryAfter?: string }> {
  return new Promise((resolve, reject) => {
    const start = url.startsWith('https:') ? secureRequest : plainRequest;
    const sent = start(url, { method, headers: { 'user-agent': 'nightpress', ...headers }, signal }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        if (text.length < mostChars) text += chunk;
      });
      answer.on('error', reject);
      answer.on('end', () => {
        resolve({ status: answer.statusCode ?? 0, text, retryAfter: answer.headers['retry-after'] });
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** Not the message of the error, which may hold more than the address. */
function reasonOf(error: unknown): string {
  const [first] = error instanceof AggregateError ? error.errors : [error]; // one for each address of the host
  return errno(error) ?? errno(first) ?? 'it cannot be reached';
}

/** Of every fault of an edge. */
export const hint = 'mend it, then: nightpress run {job} --wait';

function faultOf(request: EdgeRequest, tried: Answer | Lost, secrets: readonly string[]): Fault {
  const { method, url } = request;
  const call = `${method} ${withoutQuery(url)}`;
  if ('lost' in tried) return new Fault('edge-unreachable', `${call}: ${tried.lost}`, { hint });
  const { status } = tried;
  const said = excerpt(tried.text, [...secrets, ...(request.secrets ?? [])]);
  const message = `${call} answered ${status}${said && `: ${said}`}`;
  if (status === 401 || status === 403) {
    return new Fault('credentials-refused', `${message}; expected credentials that may purge`, { hint });
  }
  return new Fault(mayPass(tried) ? 'edge-unreachable' : 'edge-refused', message, { hint });
}

/** One line of what the API said, in which nobody finds a token that it may have repeated. */
export function excerpt(text: string, secrets: readonly string[]): string {
  const hidden = secrets.filter(Boolean).reduce((all, secret) => all.replaceAll(secret, '(secret)'), text);
  return hidden.replace(/\s+/g, ' ').trim().slice(0, 200);
}

function withoutQuery(url: string): string {
  return url.replace(/[?#].*$/, '');
}
