import { GetObjectCommand, ListObjectsV2Command, type ListObjectsV2CommandOutput, S3Client } from '@aws-sdk/client-s3';
import { afterPage } from '../domain/bucket-pages.js';
import { Fault } from '../domain/faults.js';
import { insideTries, silence, uponError } from '../domain/sdk-errors.js';
import type { BucketInput } from './buckets.js';
import { decodedName, unquoted } from './names.js';
import { bucketFault } from './objects-trouble.js';

/** One object as the bucket lists it. */
export interface ListedObject {
  /** As it is; undefined when it is not UTF-8. */
  readonly name: string | undefined;
  /** As the listing wrote it. */
  readonly written: string;
  readonly bytes: number;
  readonly modifiedAt: number;
  /** Without quotes; empty where the server tells none. */
  readonly etag: string;
}

/** One object's bytes on their way, and what the same answer says of them. */
export interface OpenObject {
  readonly body: AsyncIterable<Uint8Array> & { destroy(error?: Error): void };
  readonly bytes: number | undefined;
  readonly modifiedAt: number;
  readonly etag: string;
  readonly version?: string;
}

/** Read access to one bucket. Errors of `pages` are faults; those of `open` are the SDK's, for `troubleOf`. */
export interface Objects {
  readonly where: string;
  /** Milliseconds without a byte after which a connection is given up. */
  readonly stallMs: number;
  /** Everything whose key begins with `prefix`, page by page: a page is forgotten when the next is asked for. */
  pages(prefix: string, most?: number): AsyncGenerator<readonly ListedObject[]>;
  /** `etag`: fails with 412 when the object has another by now. `first`: of its bytes no more than that many. */
  open(name: string, given?: { readonly etag?: string; readonly first?: number }): Promise<OpenObject>;
}

interface Waits {
  readonly stallMs?: number;
  readonly answerMs?: number;
}

const stall = 60_000;
const connectMs = 10_000;

/**
 * The SDK finds credentials by its default chain: environment, profile, container or machine role. It tries a request
 * three times, with pauses; with `answerMs` twice, and silence for so long ends it at once.
 */
export function openObjects(config: BucketInput, { answerMs, stallMs = answerMs ?? stall }: Waits = {}): Objects {
  const { bucket, endpoint, forcePathStyle } = config;
  // Of Node 20: nobody can follow it but us, who choose the version of the SDK. Until we leave Node 20.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  const client = new S3Client({
    endpoint,
    forcePathStyle,
    region: config.region ?? process.env.AWS_REGION ?? (endpoint === undefined ? undefined : 'us-east-1'),
    maxAttempts: answerMs === undefined ? 3 : 2,
    requestHandler: { connectionTimeout: Math.min(connectMs, stallMs), socketTimeout: stallMs },
  });
  const where = `bucket ${bucket}${endpoint === undefined ? '' : ` at ${endpoint}`}`;
  if (answerMs !== undefined) endBySilence(client, where, answerMs);
  return {
    where,
    stallMs,
    pages: (prefix, most) => pages(client, { bucket, prefix, most, where }),
    open: async (name, given = {}) => {
      const range = given.first === undefined ? undefined : `bytes=0-${given.first - 1}`;
      const match = given.etag === undefined || given.etag === '' ? undefined : `"${given.etag}"`;
      const answer = await client.send(
        new GetObjectCommand({ Bucket: bucket, Key: name, IfMatch: match, Range: range }),
      );
      if (!answer.Body) throw new Error('an answer without a body');
      return {
        body: answer.Body as unknown as OpenObject['body'],
        bytes: answer.ContentLength,
        modifiedAt: answer.LastModified?.getTime() ?? 0,
        etag: unquoted(answer.ETag ?? ''),
        version: answer.VersionId,
      };
    },
  };
}

function endBySilence(client: S3Client, where: string, ms: number): void {
  const told = () => {
    throw new Fault('source-unreachable', `no answer from source ${where} within ${ms / 1000} s`, { passes: true });
  };
  client.middlewareStack.add(uponError(silence, told), insideTries);
}

interface Listing {
  readonly bucket: string;
  readonly prefix: string;
  readonly most?: number;
  readonly where: string;
}

async function* pages(
  client: S3Client,
  { bucket, prefix, most, where }: Listing,
): AsyncGenerator<readonly ListedObject[]> {
  const seen = new Set<string>();
  for (let token: string | undefined; ; ) {
    const page: ListObjectsV2CommandOutput = await client
      .send(
        new ListObjectsV2Command({
          Bucket: bucket,
          Prefix: prefix,
          EncodingType: 'url',
          MaxKeys: most,
          ContinuationToken: token,
        }),
      )
      .catch((error: unknown) => {
        throw bucketFault(where, error);
      });
    const after = afterPage(most === undefined ? page : { ...page, IsTruncated: false }, seen);
    if ('problem' in after) throw new Fault('source-unreachable', `source ${where} ${after.problem}`);
    yield (page.Contents ?? []).map((object) => listed(object, page.EncodingType === 'url'));
    ({ token } = after);
    if (token === undefined) return;
  }
}

type Contents = NonNullable<ListObjectsV2CommandOutput['Contents']>[number];

function listed({ Key = '', Size = 0, LastModified, ETag = '' }: Contents, isEncoded: boolean): ListedObject {
  const name = isEncoded ? decodedName(Key) : Key;
  return { name, written: Key, bytes: Size, modifiedAt: LastModified?.getTime() ?? 0, etag: unquoted(ETag) };
}
