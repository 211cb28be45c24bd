import type { Digest } from '../domain/types.js';
import { ReadError } from './errors.js';

/** sha256 by WebCrypto, which browsers offer to secure pages only. */
export async function sha256(bytes: Uint8Array): Promise<Digest> {
  const subtle = globalThis.crypto?.subtle;
  if (!subtle) {
    throw new ReadError(
      'no-crypto',
      'WebCrypto is not here, expected a page over https or Node 20: nothing is checked',
    );
  }
  const digest = await subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('') as Digest;
}
