import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type Answer, type Asked, type Kind, Refusal, readAsked } from './asked.js';
import { Bucket } from './bucket.js';
import { checkWrite } from './conditions.js';
import { listObjects } from './listing.js';
import type { Hook, Mishap } from './mishap.js';
import { abortUpload, completeUpload, createUpload, listParts, listUploads, putPart } from './multipart.js';
import { deleteMany, deleteObject, getObject, putObject, type Rules } from './objects.js';
import { type Credentials, checkSignature } from './signature.js';

export type { Asked, Kind } from './asked.js';
export { Bucket } from './bucket.js';
export { type Hook, type Mishap, next } from './mishap.js';

export interface S3dOptions extends Partial<Rules> {
  readonly buckets?: readonly string[];
  readonly credentials?: Credentials;
  /** Who has no signature may read objects, as through a web server. */
  readonly publicRead?: boolean;
}

export const testCredentials: Credentials = { accessKeyId: 'test-access', secretAccessKey: 'test-secret' };

/**
 * An S3 server in this process, on a random port of the loopback device, with everything in memory. What it keeps of
 * S3's promises and how it breaks them is told by its options and hooks; every change of an object is one step.
 */
export class S3d {
  readonly buckets = new Map<string, Bucket>();
  /** Pushed and removed by tests at any time. */
  readonly hooks: Hook[] = [];
  readonly log: { readonly kind: Kind; readonly key: string; status?: number | 'cut' }[] = [];
  /** May be changed at any time; the `Date` of answers and the age of objects follow the clock. */
  rules: Rules;
  readonly #server = createServer((request, response) => void this.#serve(request, response));
  readonly #options: S3dOptions;

  constructor(options: S3dOptions = {}) {
    this.#options = options;
    const { clock = Date.now, tier = 'A', etagForm = 'any', quirks = [], versions = false, pageSize = 1000 } = options;
    const { racyMs = 0, storesAnyBytes = false } = options;
    this.rules = { clock, tier, etagForm, quirks, versions, pageSize, racyMs, storesAnyBytes };
    for (const name of options.buckets ?? ['media']) this.buckets.set(name, new Bucket());
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  bucket(name = 'media'): Bucket {
    const bucket = this.buckets.get(name);
    if (!bucket) throw new Refusal(404, 'NoSuchBucket');
    return bucket;
  }

  /** How many requests of these kinds came, answered or not. */
  count(...kinds: readonly Kind[]): number {
    return this.log.filter(({ kind }) => kinds.includes(kind)).length;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.sendDate = false;
    response.on('error', () => undefined); // the client went away; what was done stays done
    request.on('error', () => undefined);
    try {
      const asked = readAsked(request.method ?? '', request.url ?? '', request.headers);
      const entry: (typeof this.log)[number] = { kind: asked.kind, key: asked.key };
      this.log.push(entry);
      const mishap = await this.#mishap(asked);
      const answer = mishap?.kind === 'drop' ? 'cut' : await this.#answer(asked, request, mishap);
      entry.status = answer === 'cut' ? 'cut' : answer.status;
      if (answer === 'cut') request.socket.destroy();
      else
        send(request, response, {
          answer,
          now: this.rules.clock(),
          cutAt: mishap?.kind === 'truncate' ? mishap.bytes : undefined,
        });
    } catch (error) {
      if (error instanceof Refusal) send(request, response, { answer: error.answer(), now: this.rules.clock() });
      else request.socket.destroy();
    }
  }

  async #mishap(asked: Asked): Promise<Mishap | undefined> {
    for (const hook of this.hooks) {
      const mishap = await hook(asked);
      if (mishap) return mishap;
    }
    return undefined;
  }

  async #answer(asked: Asked, request: IncomingMessage, mishap: Mishap | undefined): Promise<Answer | 'cut'> {
    try {
      const body = await bodyOf(request);
      if (mishap?.kind === 'answer') throw new Refusal(mishap.status, mishap.code ?? `Status${mishap.status}`);
      this.#checkReader(asked, body);
      if (mishap?.kind === 'late' && mishap.cut) request.socket.destroy();
      if (mishap?.kind === 'late') await mishap.until;
      const answer = respond(asked, body, {
        bucket: this.bucket(asked.bucket),
        rules: await this.#looked(asked),
        stale: mishap?.kind === 'stale',
      });
      if (mishap?.kind === 'answer-after') throw new Refusal(mishap.status, mishap.code ?? `Status${mishap.status}`);
      return mishap?.kind === 'drop-after' ? 'cut' : answer;
    } catch (error) {
      if (error instanceof Refusal) return error.answer();
      throw error;
    }
  }

  /** What is still to be looked at when it is written. */
  async #looked(asked: Asked): Promise<Rules> {
    const { racyMs } = this.rules;
    if (racyMs === 0 || asked.kind !== 'put') return this.rules;
    checkWrite(asked, this.bucket(asked.bucket).get(asked.key), this.rules);
    await delay(racyMs);
    return { ...this.rules, tier: 'C' };
  }

  #checkReader(asked: Asked, body: Buffer): void {
    const { publicRead, credentials = testCredentials } = this.#options;
    const isReader = asked.headers.authorization === undefined && ['get', 'head'].includes(asked.kind);
    if (!(publicRead && isReader)) checkSignature(asked, this.rules.storesAnyBytes ? undefined : body, credentials);
  }
}

interface Where {
  readonly bucket: Bucket;
  readonly rules: Rules;
  readonly stale: boolean;
}

function respond(asked: Asked, body: Buffer, { bucket, rules, stale }: Where): Answer {
  const answers: Readonly<Record<Kind, () => Answer>> = {
    put: () => putObject(asked, body, bucket, rules),
    get: () => getObject(asked, bucket, rules, stale),
    head: () => getObject(asked, bucket, rules, stale),
    delete: () => deleteObject(asked, bucket, rules),
    list: () => listObjects(asked, bucket, rules),
    'delete-many': () => deleteMany(asked, body, bucket, rules),
    'head-bucket': () => ({ status: 200 }),
    'create-upload': () => createUpload(asked, bucket, rules),
    'put-part': () => putPart(asked, body, bucket),
    'complete-upload': () => completeUpload(asked, body, bucket, rules),
    'abort-upload': () => abortUpload(asked, bucket),
    'list-parts': () => listParts(asked, bucket),
    'list-uploads': () => listUploads(bucket),
  };
  return answers[asked.kind]();
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

interface Sending {
  readonly answer: Answer;
  readonly now: number;
  readonly cutAt?: number;
}

function send(request: IncomingMessage, response: ServerResponse, { answer, now, cutAt }: Sending): void {
  const body = Buffer.from(answer.body ?? '');
  const hasBody = ![204, 304].includes(answer.status);
  const length = hasBody ? { 'content-length': String(body.length) } : {};
  response.writeHead(answer.status, { date: new Date(now).toUTCString(), ...length, ...answer.headers });
  const isShown = hasBody && request.method !== 'HEAD';
  if (cutAt === undefined) response.end(isShown ? body : undefined);
  else response.write(body.subarray(0, cutAt), () => request.socket.destroy());
}

export async function startS3d(options: S3dOptions = {}): Promise<S3d> {
  return await new S3d(options).start();
}
