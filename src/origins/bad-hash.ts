import type { Digest } from '../domain/types.js';

/** An error of code `EBADHASH`, as the contract promises. */
export function badHash(what: string, found: Digest): Error {
  return Object.assign(new Error(`the bytes given for ${what} have sha256 ${found}: not stored`), { code: 'EBADHASH' });
}
