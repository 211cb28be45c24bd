import { createHash, type Hash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { errno, Fault } from '../../domain/faults.js';

/** What a manifest says of a part; a part that is otherwise is not believed. */
export interface Expected {
  readonly bytes?: number;
  readonly md5?: string;
}

/**
 * The text of an inventory file, unpacked when it is gzip, in chunks. An inventory that was cut looks like a library
 * whose assets were removed, so a whole one is told from a cut one, by a fault at its end:
 *
 *   without a manifest   it has at least one byte, and its last one ends a line
 *   with a manifest      size and MD5 are those that the manifest names
 *   gzip                 its own end mark and checksum
 *   either               it did not change while it was read
 */
export async function* readWhole(file: string, expected?: Expected): AsyncGenerator<Buffer> {
  const handle = await opened(file);
  try {
    const before = await handle.stat({ bigint: true });
    if (expected?.bytes !== undefined && Number(before.size) !== expected.bytes) {
      throw cut(file, `it has ${before.size} bytes, its manifest says ${expected.bytes}`);
    }
    const hash = createHash('md5');
    const raw = rawBytes(handle, hash);
    let last: number | undefined;
    for await (const chunk of (await isGzip(handle)) ? unpacked(raw) : raw) {
      yield last === undefined ? withoutMark(chunk) : chunk;
      last = chunk.at(-1) ?? last;
    }
    const after = await handle.stat({ bigint: true });
    if (identityOf(after) !== identityOf(before)) throw cut(file, 'it changed while it was read');
    if (!expected) checkEnd(file, last);
    else if (expected.md5 !== undefined) checkSum(file, expected.md5, hash.digest('hex'));
  } catch (error) {
    throw error instanceof Fault ? error : unreadable(file, error);
  } finally {
    await handle.close();
  }
}

async function* rawBytes(handle: FileHandle, hash: Hash): AsyncGenerator<Buffer> {
  for await (const chunk of handle.createReadStream({ start: 0, autoClose: false }) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    yield chunk;
  }
}

function checkEnd(file: string, last: number | undefined): void {
  if (last === undefined) throw cut(file, 'it is empty: expected rows, or at least a line');
  if (last !== 0x0a) throw cut(file, 'its last line has no end: was it copied whole?');
}

function checkSum(file: string, expected: string, found: string): void {
  if (expected !== found) throw cut(file, `its MD5 is ${found}, its manifest says ${expected}`);
}

/** Of UTF-8, as some exports begin. */
const mark = Buffer.from([0xef, 0xbb, 0xbf]);

function withoutMark(start: Buffer): Buffer {
  return start.subarray(0, mark.length).equals(mark) ? start.subarray(mark.length) : start;
}

async function opened(file: string): Promise<FileHandle> {
  try {
    return await open(file);
  } catch (error) {
    throw unreadable(file, error);
  }
}

async function isGzip(handle: FileHandle): Promise<boolean> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, 0);
  return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
}

async function* unpacked(raw: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const gunzip = createGunzip();
  pipeline(raw, gunzip).catch(() => undefined); // whatever it is, iterating over the end of the pipe throws it too
  yield* gunzip as AsyncIterable<Buffer>;
}

export function identityOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
}

function cut(file: string, how: string): Fault {
  return new Fault('source-unreachable', `listing ${file} is not believed: ${how}`);
}

export function unreadable(file: string, cause: unknown): Fault {
  const code = errno(cause);
  if (code === undefined) throw cause;
  if (code.startsWith('Z_')) return cut(file, `its gzip is cut or damaged (${code}): was it copied whole?`);
  const why = code === 'ENOENT' ? 'does not exist: expected an inventory' : `cannot be read: ${code}`;
  return new Fault('source-unreachable', `listing ${file} ${why}`, { cause });
}
