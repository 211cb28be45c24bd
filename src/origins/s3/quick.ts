import type { S3Client } from '@aws-sdk/client-s3';
import { SignatureV4 } from '@smithy/signature-v4';

/**
 * Requests about one object, past most of the SDK: over its connections, with its credentials and clock, to where it sent
 * an earlier request. The SDK works out anew for each where that is and how it is written, which costs more CPU than all
 * else about a small blob together, and it opens a connection for each large body.
 *
 * Only a plain success is an answer. A refusal, a broken connection, an endpoint that is signed for in another way: the
 * answer is undefined, and whoever asked asks the SDK, which knows what to make of it and when to try again. So only what
 * may be asked twice may be asked here.
 */
export interface Quick {
  readonly method: 'PUT' | 'HEAD' | 'GET';
  /** In the bucket; plain, so that it is its own form in a URL. */
  readonly key: string;
  readonly query?: Record<string, string>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

export type AskQuickly = (request: Quick) => Promise<Answered | undefined>;

export interface Answered {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

interface Place {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  /** Before the key. */
  readonly path: string;
}

interface Sent extends Place {
  readonly headers: Readonly<Record<string, string>>;
}

export function quickly({ config, middlewareStack }: S3Client): AskQuickly {
  const { credentials, region, sha256 } = config;
  const signer = new SignatureV4({ service: 's3', region, credentials, sha256, uriEscapePath: false });
  let place: Place | undefined;
  middlewareStack.add(
    (next) => async (args) => {
      place ??= placeOf(args.request as Sent, (args.input as { Key?: string }).Key);
      return await next(args);
    },
    { step: 'finalizeRequest', priority: 'low', name: 'nightpressPlace' },
  );
  return async ({ method, key, query, headers, body }) => {
    if (!place) return undefined;
    const { protocol, hostname, port } = place;
    const host = port === undefined ? hostname : `${hostname}:${port}`;
    const length: Record<string, string> = body ? { 'content-length': String(body.length) } : {};
    const path = `${place.path}${key}`;
    const request = { method, protocol, hostname, port, path, query, headers: { ...headers, ...length, host }, body };
    try {
      const signingDate = new Date(Date.now() + config.systemClockOffset);
      const { response } = await config.requestHandler.handle(await signer.sign(request, { signingDate }));
      const chunks: Buffer[] = [];
      for await (const chunk of response.body) chunks.push(chunk); // to its end: then the connection is free for the next
      return response.statusCode === 200 ? { headers: response.headers, body: Buffer.concat(chunks) } : undefined;
    } catch {
      return undefined; // the SDK, asked the same, says what is wrong
    }
  };
}

const usualScope = /\/s3\/aws4_request,/;

/** Undefined for requests that do not end in the key, and for buckets that have signatures of their own (S3 Express). */
function placeOf({ protocol, hostname, port, path, headers }: Sent, key: string | undefined): Place | undefined {
  const isUsual = usualScope.test(headers.authorization ?? '') && headers['x-amz-s3session-token'] === undefined;
  if (!isUsual || !key || !path.endsWith(`/${key}`)) return undefined;
  return { protocol, hostname, port, path: path.slice(0, -key.length) };
}
