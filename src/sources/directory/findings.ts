import { errno } from '../../domain/faults.js';
import type { AssetKey, FailureClass, Finding } from '../../domain/types.js';

/** Why the bytes of one asset could not be had, from the system error. Anything that is none, or tells of this process, is thrown. */
export function refusal(key: AssetKey, error: unknown): Finding {
  const code = errno(error);
  switch (code) {
    case undefined:
    case 'EMFILE':
    case 'ENFILE':
    case 'ENOMEM':
      throw error;
    case 'ENOENT':
    case 'ENOTDIR':
      return refused(key, 'vanished', 'transient', 'the file is gone since it was listed');
    case 'EACCES':
    case 'EPERM':
      return refused(
        key,
        'unreadable',
        'input',
        `the file may not be read (${code}): expected read permission for this user`,
      );
    case 'ELOOP':
      return changed(key, 'it became a link');
    default:
      return refused(key, 'unreadable', 'infrastructure', `the file cannot be read: ${code}`);
  }
}

export function changed(key: AssetKey, how: string): Finding {
  return refused(key, 'changed-while-read', 'transient', `the file changed while it was read: ${how}`);
}

export function refused(key: AssetKey, code: string, failure: FailureClass, message: string): Finding {
  return { code, severity: 'error', class: failure, key, message };
}
