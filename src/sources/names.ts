import { isUtf8 } from 'node:buffer';
import type { Finding } from '../domain/types.js';
import { isSkipped, keyProblem } from './keys.js';

/** What a name in a bucket or an inventory is: an asset's key, nothing of ours, or something to object to. */
export type Named =
  | { readonly kind: 'key'; readonly key: string }
  | { readonly kind: 'skipped' }
  | { readonly kind: 'refused'; readonly finding: Finding };

/** `bytes`: 0 for what only stands for a folder, as consoles make them. */
export function nameOf(name: string, bytes: number | undefined, where = ''): Named {
  if (name.endsWith('/') && bytes === 0) return { kind: 'refused', finding: marker(name, where) };
  const expected = keyProblem(name);
  if (expected !== undefined) return { kind: 'refused', finding: illegal(name, expected, where) };
  return isSkipped(name) ? { kind: 'skipped' } : { kind: 'key', key: name };
}

function marker(name: string, where: string): Finding {
  const message = `${where}${JSON.stringify(name)} only marks a folder: it is no asset`;
  return { code: 'folder-marker', severity: 'notice', message };
}

function illegal(name: string, expected: string, where: string): Finding {
  const message = `${where}${JSON.stringify(name)} cannot be an asset: expected ${expected}`;
  return { code: 'key-illegal', severity: 'error', class: 'input', message };
}

export function notUtf8(encoded: string, where = ''): Finding {
  const message = `${where}the name ${JSON.stringify(encoded)} is not UTF-8: rename it`;
  return { code: 'name-not-utf8', severity: 'error', class: 'input', message };
}

/**
 * A URL-encoded name of a listing, as the characters it stands for; undefined when they are not UTF-8. AWS writes a space
 * as `+`, and everybody a plus as `%2B`. The answer shares no memory with `encoded`, which may be a slice of a whole page.
 */
export function decodedName(encoded: string): string | undefined {
  const bytes = Buffer.from(encoded);
  let length = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    const escaped = byte === percent ? hexPair(bytes, at + 1) : undefined;
    if (escaped !== undefined) at += 2;
    bytes[length++] = escaped ?? (byte === plus ? space : byte);
  }
  const name = bytes.subarray(0, length);
  return isUtf8(name) ? name.toString() : undefined;
}

const [percent, plus, space] = [0x25, 0x2b, 0x20];

function hexPair(bytes: Buffer, at: number): number | undefined {
  const pair = bytes.toString('latin1', at, at + 2);
  return /^[0-9a-f]{2}$/i.test(pair) ? Number.parseInt(pair, 16) : undefined;
}

/** `"abc"`, `W/"abc"` and `abc` are the same tag to servers that cannot agree on the quotes. */
export function unquoted(etag: string): string {
  return etag.replace(/^(?:W\/)?"(.*)"$/, '$1');
}
