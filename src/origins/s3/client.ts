import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { Fault } from '../../domain/faults.js';
import { insideTries, silence, uponError } from '../../domain/sdk-errors.js';
import { placeOf, type S3Config } from './config.js';

/**
 * Two clients of one store. `data` tries again, which is harmless for objects named by their content. `commits` never
 * does: a commit that landed and whose answer was lost would be refused the second time, and look like somebody else's.
 *
 * Credentials come from the SDK's own chain. Checksums are sent only where the protocol wants them, because not every
 * store knows the newer ones; every body is covered by its sha256 in the signature instead, see `signed.ts`.
 */
export interface Clients {
  readonly data: S3Client;
  readonly commits: S3Client;
}

export interface Limits {
  /** After this long without an answer, whether a commit landed is unknown. */
  readonly commitTimeoutMs: number;
  /** A connection that moves no byte for so long is given up. */
  readonly idleTimeoutMs: number;
  readonly attempts: number;
  /** Who says nothing is not asked again: only an answer that may pass is. */
  readonly silenceEnds?: boolean;
  /** Connections at once. */
  readonly sockets?: number;
}

export const usualLimits: Limits = { commitTimeoutMs: 30_000, idleTimeoutMs: 60_000, attempts: 5 };

/** For somebody who waits for the answer: silence for `answerMs` is one. A commit keeps its time: to give it up is to not know. */
export function looking(answerMs: number): Limits {
  return { ...usualLimits, idleTimeoutMs: answerMs, attempts: 2, silenceEnds: true };
}

const connectionTimeoutMs = 10_000;
/** Beyond `parallelPuts` there are only short questions. */
const usualSockets = 32;

export function connect(config: S3Config, limits: Limits): Clients {
  const { endpoint, region, forcePathStyle } = config;
  // The advice to change Node is for whoever pins the SDK in package.json, not for whoever runs a night.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  const shared: S3ClientConfig = {
    region,
    endpoint,
    forcePathStyle,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  };
  const agent = { keepAlive: true, maxSockets: limits.sockets ?? usualSockets };
  const requestHandler = {
    connectionTimeout: Math.min(connectionTimeoutMs, limits.idleTimeoutMs),
    socketTimeout: limits.idleTimeoutMs,
    httpAgent: agent,
    httpsAgent: agent,
  };
  const data = new S3Client({ ...shared, requestHandler, maxAttempts: limits.attempts });
  return {
    data: limits.silenceEnds ? endedBySilence(data, placeOf(config), limits.idleTimeoutMs) : data,
    commits: onceMoreWhenSkewed(
      new S3Client({
        ...shared,
        requestHandler: {
          ...requestHandler,
          socketTimeout: Math.max(limits.idleTimeoutMs, limits.commitTimeoutMs),
          requestTimeout: limits.commitTimeoutMs,
          throwOnRequestTimeout: true,
        },
        maxAttempts: 1,
      }),
    ),
  };
}

/** A store that says nothing is not asked again: that is told to whoever waits. */
function endedBySilence(client: S3Client, place: string, ms: number): S3Client {
  const told = () => {
    throw new Fault('origin-unreachable', `no answer from origin ${place} within ${ms / 1000} s`, { passes: true });
  };
  client.middlewareStack.add(uponError(silence, told), insideTries);
  return client;
}

/**
 * A request whose date is too far from the store's clock is refused unread, and the SDK learns from the answer how far:
 * signed anew by that, it is sent once more. Nothing of the first can land.
 */
function onceMoreWhenSkewed(client: S3Client): S3Client {
  const once = uponError('RequestTimeTooSkewed', (again) => again());
  client.middlewareStack.add(once, { step: 'initialize', name: 'nightpressClock' });
  return client;
}
