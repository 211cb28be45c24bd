import { type FileHandle, open, unlink } from 'node:fs/promises';

/** Lets `write` fill a new file, which must not exist yet; on failure nothing is left of it. */
export async function intoTarget<T>(file: string, write: (target: FileHandle) => Promise<T>): Promise<T> {
  const target = await open(file, 'wx', 0o600);
  try {
    const written = await write(target);
    await target.close();
    return written;
  } catch (error) {
    // Neither can tell more than the first error; a file that stays costs space until the next try.
    await target.close().catch(() => undefined);
    await unlink(file).catch(() => undefined);
    throw error;
  }
}
