import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import type { Digest } from '../../domain/types.js';

const chunkBytes = 1 << 20;

/** Reads an open file to its end, hashes it and, on the way, writes what it hashed to `target`. */
export async function pour(source: FileHandle, target?: FileHandle): Promise<Digest> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(chunkBytes);
  for (let position = 0; ; ) {
    const { bytesRead } = await source.read(buffer, 0, chunkBytes, position);
    if (bytesRead === 0) return hash.digest('hex') as Digest;
    hash.update(buffer.subarray(0, bytesRead));
    if (target) await writeAll(target, buffer.subarray(0, bytesRead));
    position += bytesRead;
  }
}

async function writeAll(target: FileHandle, bytes: Buffer): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    written += (await target.write(bytes, written)).bytesWritten;
  }
}
