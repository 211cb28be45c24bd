import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { AssetKey, Digest, ItemId, PartitionId } from './types.js';

/** sha256 of bytes or UTF-8 text. */
export function sha256(bytes: string | Uint8Array): Digest {
  return createHash('sha256').update(bytes).digest('hex') as Digest;
}

/** RFC 8785 JSON: one text for one value, whatever the order of its keys. Undefined members are left out. */
export function canonicalJson(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('a value without JSON form has no digest');
  return text;
}

export function digestOf(value: unknown): Digest {
  return sha256(canonicalJson(value));
}

export function itemId(recipe: string, key: AssetKey): ItemId {
  return sha256(`${recipe}\0${key}`) as string as ItemId;
}

export function partitionId(items: readonly ItemId[]): PartitionId {
  return sha256([...items].sort().join('\n')).slice(0, 12) as PartitionId;
}
