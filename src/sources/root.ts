import { realpathSync, statSync } from 'node:fs';
import { errno, Fault } from '../domain/faults.js';

export interface Root {
  /** Absolute, without links. */
  readonly real: string;
}

/**
 * Resolves the source's folder at the first call and makes sure at every call that it still is the same one. A volume
 * that was unmounted, or mounted over, would otherwise look like a library whose assets were all removed.
 */
export function rootAt(folder: string): () => Root {
  let known: (Root & { identity: string }) | undefined;
  return () => {
    const found = look(folder);
    known ??= found;
    if (found.identity === known.identity && found.real === known.real) return known;
    const message = `source folder ${folder} was replaced by another while in use: is its volume still mounted?`;
    throw new Fault('source-unreachable', message);
  };
}

function look(folder: string): Root & { identity: string } {
  try {
    const real = realpathSync.native(folder);
    const stats = statSync(real, { bigint: true });
    if (!stats.isDirectory()) throw new Fault('source-unreachable', `source ${folder} is a file: expected a folder`);
    return { real, identity: `${stats.dev}.${stats.ino}` };
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw unreachable(folder, error);
  }
}

/** The source as a whole cannot be listed or read. */
export function unreachable(folder: string, cause: unknown): Fault {
  const code = errno(cause) ?? String(cause);
  const why = reasons.get(code) ?? `cannot be read: ${code}`;
  return new Fault('source-unreachable', `source folder ${folder} ${why}`, { cause });
}

const reasons: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'does not exist: expected a folder (if it lies on a volume, is that mounted?)'],
  ['EACCES', 'may not be read by this user'],
]);
