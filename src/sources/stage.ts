import { createHash } from 'node:crypto';
import { type BigIntStats, constants, realpathSync } from 'node:fs';
import { type FileHandle, open, readlink } from 'node:fs/promises';
import { errno } from '../domain/faults.js';
import type { AssetKey, Digest, Finding } from '../domain/types.js';
import type { Source, Staged } from './contract.js';
import { assetOf } from './file-asset.js';
import { changed, refusal, refused, vanished } from './findings.js';
import { isKey } from './keys.js';
import { isLfsPointer, lfsPointer } from './lfs.js';
import { locate } from './locate.js';
import type { Root } from './root.js';
import { intoTarget } from './target.js';

/**
 * How bytes leave a folder. Between listing and opening, anybody who may write into the source can put a link in place
 * of the file or of a folder above it, so the file that was *opened* is checked, not its path: it must be where the policy
 * of links allowed it to be. Then it is read once, into the hash and the copy, and must be the same before and after.
 */
export function stager(root: () => Root, clock: () => number): Source['stage'] {
  const idle: Buffer[] = [];
  return async (key, file) => {
    const buffer = idle.pop() ?? Buffer.allocUnsafe(chunkBytes);
    try {
      return await stage({ root: root().real, key, file, buffer, clock });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return { ok: false, finding: error.finding };
    } finally {
      idle.push(buffer);
    }
  };
}

interface Order {
  readonly root: string;
  readonly key: AssetKey;
  readonly file: string;
  readonly buffer: Buffer;
  readonly clock: () => number;
}

const chunkBytes = 1 << 20;

/** Carries a finding out of the copying; it never leaves this file. */
class Refused extends Error {
  constructor(readonly finding: Finding) {
    super(finding.message);
  }
}

async function stage(order: Order): Promise<Staged> {
  const { key, clock } = order;
  const source = await openSource(order);
  try {
    const { sha256, stats } = await intoTarget(order.file, (target) => copyBytes(order, source, target));
    return { ok: true, sha256, bytes: Number(stats.size), asset: assetOf(key, stats, clock()) };
  } finally {
    await source.close();
  }
}

/** `O_NONBLOCK`: a fifo put in the file's place must not hang us; it changes nothing for regular files. */
const openFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;

async function openSource({ root, key }: Order): Promise<FileHandle> {
  if (!isKey(key)) throw new Refused(refused(key, 'unreadable', 'input', 'no path inside the source'));
  const found = locate(root, key);
  if (found.kind === 'gone') throw new Refused(vanished(key));
  if (found.kind === 'refused') throw new Refused(found.finding);
  if (found.kind === 'other') throw new Refused(changed(key, found.finding?.message ?? 'it became a folder'));
  const source = await fromSource(key, () => open(found.file, openFlags));
  try {
    const opened = await fromSource(key, () => pathOf(source, found.file));
    if (opened !== found.file) throw new Refused(changed(key, `what was opened lies at ${JSON.stringify(opened)}`));
    return source;
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** Where an open file lies. Linux tells; elsewhere the path is resolved once more, which leaves a gap of microseconds. */
async function pathOf(source: FileHandle, file: string): Promise<string> {
  try {
    return await readlink(`/proc/self/fd/${source.fd}`);
  } catch (error) {
    if (errno(error) !== 'ENOENT') throw error;
    return realpathSync.native(file);
  }
}

interface Copied {
  readonly sha256: Digest;
  /** Of exactly these bytes. */
  readonly stats: BigIntStats;
}

async function copyBytes({ key, buffer }: Order, source: FileHandle, target: FileHandle): Promise<Copied> {
  const before = await regularFile(key, source);
  const hash = createHash('sha256');
  for (let position = 0; ; ) {
    const { bytesRead } = await fromSource(key, () => source.read(buffer, 0, chunkBytes, position));
    if (bytesRead === 0) break;
    const chunk = buffer.subarray(0, bytesRead);
    if (position === 0 && isLfsPointer(chunk)) throw new Refused(lfsPointer(key));
    position += bytesRead;
    if (position > before.size) throw new Refused(changed(key, 'it grew')); // one that is appended to may never end
    hash.update(chunk);
    await target.writeFile(chunk); // at the current position, so this appends
  }
  const stats = await regularFile(key, source);
  if (!isSame(before, stats)) throw new Refused(changed(key, 'size or times are not what they were'));
  return { sha256: hash.digest('hex') as Digest, stats };
}

async function regularFile(key: AssetKey, source: FileHandle): Promise<BigIntStats> {
  const stats = await fromSource(key, () => source.stat({ bigint: true }));
  if (!stats.isFile()) throw new Refused(changed(key, 'it is no regular file any more'));
  return stats;
}

function isSame(before: BigIntStats, after: BigIntStats): boolean {
  return before.size === after.size && before.mtimeNs === after.mtimeNs && before.ctimeNs === after.ctimeNs;
}

/** Errors of the source side are this asset's; those of the target pass through untouched. */
async function fromSource<T>(key: AssetKey, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw new Refused(refusal(key, error));
  }
}
