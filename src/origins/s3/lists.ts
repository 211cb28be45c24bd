import { listKey, movesOf, type Placement, parseList, placeOf, serializeList } from '../../domain/condemned.js';
import { sha256 } from '../../domain/digest.js';
import { Fault } from '../../domain/faults.js';
import type { Moved } from '../../domain/moved.js';
import type { Digest } from '../../domain/types.js';
import { readHead } from './commit.js';
import { put, readWhole, type Store } from './store.js';

/** Where the bytes that `key` names may be stored, and be named by the next head. */
export async function freeFor(store: Store, key: string): Promise<string> {
  return placeOf(key, await placement(store));
}

/** Those of these keys that do not lie where they say. */
export async function movesAt(store: Store, keys: Iterable<string>): Promise<Moved> {
  return movesOf(keys, await placement(store));
}

/** Where the bytes that `key` names are looked for. */
export async function liesAt(store: Store, key: string): Promise<string> {
  if (!store.places.isKnown) await readHead(store);
  return store.places.lies(key);
}

async function placement(store: Store): Promise<Placement> {
  if (!store.places.isKnown) await readHead(store);
  return await store.places.placement((list) => knownList(store, list));
}

async function knownList(store: Store, list: Digest): Promise<readonly string[]> {
  const keys = await readList(store, list);
  if (keys) return keys;
  const message = `${listKey(list)}, which the head of ${store.place} names, is missing or damaged: without it nobody knows what may be used`;
  throw new Fault('origin-corrupt', message, { hint: 'nightpress gc {job} --yes' });
}

export async function putList(store: Store, given: Parameters<typeof serializeList>[0]): Promise<Digest> {
  const bytes = serializeList(given);
  const list = sha256(bytes);
  await put(store, listKey(list), { bytes, sha256: list });
  return list;
}

/** Undefined: it is missing or damaged. */
export async function readList(store: Store, list: Digest): Promise<readonly string[] | undefined> {
  const bytes = await readWhole(store, listKey(list));
  return bytes && sha256(bytes) === list ? parseList(bytes) : undefined;
}
