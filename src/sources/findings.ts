import { errno } from '../domain/faults.js';
import type { AssetKey, FailureClass, Finding } from '../domain/types.js';

/** A finding about one asset whose bytes cannot be had. */
export type Refusal = Finding & { readonly key: AssetKey };

/** Why the bytes of one asset could not be had, from the system error. Anything that is none, or tells of this process, is thrown. */
export function refusal(key: AssetKey, error: unknown): Refusal {
  const code = errno(error);
  switch (code) {
    case undefined:
    case 'EMFILE':
    case 'ENFILE':
    case 'ENOMEM':
      throw error;
    case 'ENOENT':
    case 'ENOTDIR':
      return vanished(key);
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

export function vanished(key: AssetKey): Refusal {
  return refused(key, 'vanished', 'transient', 'the file is gone since it was listed');
}

export function changed(key: AssetKey, how: string): Refusal {
  return refused(key, 'changed-while-read', 'transient', `the file changed while it was read: ${how}`);
}

export function refused(key: AssetKey, code: string, failure: FailureClass, message: string): Refusal {
  return { code, severity: 'error', class: failure, key, message };
}
