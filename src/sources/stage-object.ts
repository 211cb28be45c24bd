import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import type { AssetKey, Digest, Finding } from '../domain/types.js';
import { refused } from './findings.js';
import { isLfsPointer, lfsPointer } from './lfs.js';
import type { Objects, OpenObject } from './objects.js';
import { bucketFault, troubleOf } from './objects-trouble.js';
import { intoTarget } from './target.js';

export interface ObjectOrder {
  readonly objects: Objects;
  /** The object's key in the bucket. */
  readonly name: string;
  readonly key: AssetKey;
  readonly file: string;
  /** Only the object that has this tag, and how long it is listed to be. */
  readonly etag?: string;
  readonly bytes?: number;
  /** Other objects, to tell one that may not be read from credentials that may read none. */
  readonly others: () => AsyncIterable<string> | Iterable<string>;
  /** As of `Source.stage`. */
  readonly leave?: AbortSignal;
}

export type StagedObject =
  | { readonly ok: true; readonly sha256: Digest; readonly bytes: number; readonly object: Omit<OpenObject, 'body'> }
  /** It has another tag by now. */
  | { readonly ok: false; readonly changed: true }
  | { readonly ok: false; readonly changed?: false; readonly finding: Finding };

const mostTries = 3;

/**
 * Streams one object into a file, hashing on the way. A connection that is cut or falls silent, and a body that is
 * shorter or longer than its answer said, is tried again from the start; then it is a finding that may pass.
 */
export async function stageObject(order: ObjectOrder): Promise<StagedObject> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await stageOnce(order);
    } catch (error) {
      if (!(error instanceof Broken)) throw error;
      if (attempt === mostTries || order.leave?.aborted) return { ok: false, finding: broken(order.key, error) };
      await pause(200 * 2 ** attempt * Math.random());
    }
  }
}

/** The source's side failed; carries the reason out of the copying. It never leaves this file. */
class Broken extends Error {}

/** So does this. */
class Pointer extends Error {}

async function stageOnce(order: ObjectOrder): Promise<StagedObject> {
  const { objects, name, key, file, etag } = order;
  const opened = await objects.open(name, { etag }).catch((error: unknown) => answerTo(order, error));
  if ('ok' in opened) return opened;
  const { body, ...object } = opened;
  try {
    const whole = { ...opened, bytes: order.bytes ?? opened.bytes };
    const copied = await intoTarget(file, (target) => copy(whole, target, { ...order, stallMs: objects.stallMs }));
    return { ok: true, ...copied, object };
  } catch (error) {
    if (error instanceof Pointer) return { ok: false, finding: lfsPointer(key) };
    throw error;
  } finally {
    body.destroy();
  }
}

interface Copied {
  readonly sha256: Digest;
  readonly bytes: number;
}

interface Bearing extends Pick<ObjectOrder, 'leave'> {
  readonly stallMs: number;
}

async function copy(object: OpenObject, target: FileHandle, bearing: Bearing): Promise<Copied> {
  const hash = createHash('sha256');
  const start: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of arriving(object.body, bearing)) {
    bytes += chunk.length;
    if (object.bytes !== undefined && bytes > object.bytes)
      throw new Broken(`more than the ${object.bytes} bytes it said`);
    if (bytes < 1024) start.push(chunk);
    hash.update(chunk);
    await target.writeFile(chunk); // at the current position, so this appends
  }
  if (object.bytes !== undefined && bytes !== object.bytes) throw new Broken(`${bytes} of ${object.bytes} bytes came`);
  if (bytes < 1024 && isLfsPointer(Buffer.concat(start))) throw new Pointer();
  return { sha256: hash.digest('hex') as Digest, bytes };
}

/** What comes more slowly than so many bytes in the time of a stall would keep a night for ever, byte by byte. */
const leastBytes = 64 << 10;

/** The body, with errors of its own told apart from those of whoever takes it, and none that says next to nothing for ever. */
async function* arriving(body: OpenObject['body'], { stallMs, leave }: Bearing): AsyncGenerator<Buffer> {
  const stalled = () => body.destroy(new Error(`less than ${leastBytes} bytes in ${stallMs} ms`));
  const left = () => body.destroy(new Error('it was waited for no longer'));
  const stall = setTimeout(stalled, stallMs);
  leave?.addEventListener('abort', left, { once: true });
  if (leave?.aborted) left();
  let bytes = 0;
  try {
    for await (const chunk of body) {
      bytes += chunk.length;
      if (bytes >= leastBytes) {
        stall.refresh();
        bytes = 0;
      }
      yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    }
  } catch (error) {
    throw new Broken(error instanceof Error ? error.message : String(error), { cause: error });
  } finally {
    clearTimeout(stall);
    leave?.removeEventListener('abort', left);
  }
}

/** What came instead of the object: a finding of this asset, or a fault of all. */
async function answerTo(order: ObjectOrder, error: unknown): Promise<StagedObject> {
  const { objects, key } = order;
  const finding = (...[code, failure, message]: [string, Finding['class'] & string, string]): StagedObject => {
    return { ok: false, finding: refused(key, code, failure, message) };
  };
  switch (troubleOf(error)) {
    case 'changed':
      return { ok: false, changed: true };
    case 'gone':
      return finding('vanished', 'transient', 'the object is gone since it was listed');
    case 'archived':
      return finding('object-archived', 'input', 'the object lies in an archive: restore it, or move it out of there');
    case 'denied':
      if (!(await readsAnother(order))) throw bucketFault(objects.where, error);
      return finding('unreadable', 'input', 'the object may not be read: expected s3:GetObject for it, and its key');
    case 'passing':
      throw new Broken(error instanceof Error ? error.message : String(error), { cause: error });
    default:
      throw bucketFault(objects.where, error);
  }
}

/** How many others are asked for one byte before the credentials are to blame. */
const mostOthers = 10;

async function readsAnother({ objects, name, others }: ObjectOrder): Promise<boolean> {
  let asked = 0;
  for await (const other of others()) {
    if (other === name) continue;
    if (asked++ === mostOthers) break;
    const trouble = await objects.open(other, { first: 1 }).then(
      ({ body }) => void body.destroy(),
      (error: unknown) => troubleOf(error),
    );
    if (trouble !== 'denied') return true;
  }
  return false;
}

function broken(key: AssetKey, { message }: Broken): Finding {
  const text = `the object did not come whole, ${mostTries} times: ${message.split('\n')[0]}`;
  return refused(key, 'transfer-broken', 'transient', text);
}
