import { closeSync, constants, fstatSync, openSync, read, readSync } from 'node:fs';
import { promisify } from 'node:util';

/**
 * Small files are opened, read and closed at once, on this thread: they were written a moment ago and lie on this machine,
 * and handing each of the four calls to another thread and back costs several times what they take.
 */
const smallBytes = 1 << 20;

const readAside = promisify(read);

export interface OpenFile {
  readonly handle: number;
  readonly size: number;
}

/** Runs `work` on a regular file; links, folders and pipes are refused. */
export async function withFile<T>(file: string, work: (open: OpenFile) => Promise<T>): Promise<T> {
  const handle = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(handle);
    if (!stats.isFile()) throw new TypeError(`${file} is no regular file: it cannot become a blob`);
    return await work({ handle, size: stats.size });
  } finally {
    closeSync(handle);
  }
}

/** So many bytes of a file from there on; fewer when it ends sooner, which its hash will tell. */
export async function readExactly({ handle }: OpenFile, from: number, bytes: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(bytes);
  let filled = 0;
  while (filled < bytes) {
    const rest = [filled, bytes - filled, from + filled] as const;
    const count =
      bytes <= smallBytes ? readSync(handle, buffer, ...rest) : (await readAside(handle, buffer, ...rest)).bytesRead;
    if (count === 0) break;
    filled += count;
  }
  return buffer.subarray(0, filled);
}
