import { errno, Fault } from '../domain/faults.js';

/**
 * What SQLite or the file system says about `file`, in our words. Anything that is no storage trouble (a constraint, a
 * wrong statement) is a bug of ours and comes back as it is.
 */
export function storageFault(error: unknown, file: string): unknown {
  if (error instanceof Fault) return error;
  const code = errno(error) ?? '';
  const { message } = error as Error;
  const said = message.startsWith(code) ? message : `${code}: ${message}`;
  if (/^SQLITE_(CORRUPT|NOTADB|IOERR_CORRUPTFS)/.test(code) || isUnreadable(code, error)) {
    return corrupt(file, said, error);
  }
  if (/^SQLITE_(BUSY|PROTOCOL)/.test(code)) {
    return new Fault('run-locked', `${file} is locked by another process (${said}): expected it to be free soon`, {
      cause: error,
    });
  }
  if (/^SQLITE_(FULL|IOERR|READONLY|CANTOPEN|PERM|AUTH)|^E[A-Z0-9]+$/.test(code)) return unwritable(file, said, error);
  if (code === 'ERR_DLOPEN_FAILED') {
    const what = `better-sqlite3 was not built for Node ${process.version}: ${message.split('\n')[0]}`;
    return new Fault('tool-missing', what, { cause: error, hint: 'npm rebuild better-sqlite3' });
  }
  return error;
}

/** A schema format that no SQLite wrote (header byte 47), or JSON that we did not: told from a wrong statement by its words alone. */
function isUnreadable(code: string, error: unknown): boolean {
  return code === 'SQLITE_ERROR' && ['unsupported file format', 'malformed JSON'].includes((error as Error).message);
}

/** What `work` returns; what it throws, as `storageFault` tells it. */
export function orFault<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw storageFault(error, file);
  }
}

export function corrupt(file: string, what: string, cause?: unknown): Fault {
  return new Fault('state-corrupt', `${file} is damaged (${what}): expected a whole database written by nightpress`, {
    cause,
  });
}

function unwritable(file: string, said: string, cause: unknown): Fault {
  return new Fault('state-unwritable', `${file} cannot be used (${said}): expected free space and write access`, {
    cause,
  });
}
