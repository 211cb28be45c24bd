import { errno, Fault } from '../../domain/faults.js';

/** Runs `work` on the origin's files; what the system says against it becomes a fault that names the origin. */
export async function onDisk<T>(root: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw troubleAt(root, error);
  }
}

/** A folder where a file should be, and the like: trying again will not help. */
const outOfPlace = ['EISDIR', 'EINVAL', 'ELOOP'];

/** Anything but a system error passes unchanged: a fault already says what it is, the rest are bugs. */
function troubleAt(root: string, error: unknown): unknown {
  const code = errno(error);
  if (!(error instanceof Error) || error instanceof Fault || !code || !('syscall' in error)) return error;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new Fault('origin-full', `origin ${root} has no space left (${error.message})`, { cause: error });
  }
  if (outOfPlace.includes(code)) {
    return new Fault('origin-corrupt', `origin ${root} holds something else than expected (${error.message})`, {
      cause: error,
    });
  }
  return new Fault('origin-unreachable', `origin ${root} cannot be used (${error.message})`, { cause: error });
}

/** The result of `work`, or undefined where the file or folder it asks for is not there. */
export async function unlessAbsent<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (errno(error) === 'ENOENT') return undefined;
    throw error;
  }
}
