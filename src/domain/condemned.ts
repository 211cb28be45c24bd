import { z } from 'zod';
import { type Moved, whereLies } from './moved.js';
import { keyInGeneration, parseKey } from './origin-keys.js';
import type { Digest } from './types.js';

/*
 * Collecting at an origin that cannot keep publishers out, where a collector may be stopped at any instruction and wake
 * at any time:
 *
 *   mark    lists what is stored, writes the keys that no root reaches and that are older than the grace as
 *           `g/<sha256>.json`, and commits a head that names this list. A publisher whose commit was based on the head
 *           before loses its swap, looks again and finds the list.
 *   kept    for 30 days the head names the list. Nobody uses a condemned key again: whoever needs those bytes writes them
 *           under a fresh key, and `moved` of the head says so.
 *   sweep   deletes what is listed, and reads the head before every batch: only lists it still names count.
 *
 * So what a collector deletes late was condemned before, and nothing that any head named since then lies there. Rejected:
 * leases (a stopped process does not know that its lease ran out); deleting by age alone (old bytes may be wanted again).
 */

const hourMs = 3_600_000;

/** How long a list is kept, and its keys are not used again: longer than anybody may sleep who read it. */
export const condemnedMs = 30 * 24 * hourMs;

/** Lists that no head names any more are deleted so much later: whoever read the head before may still ask for them. */
export const unnamedMs = condemnedMs;

/** One list of condemned keys, as the head names it. */
export interface CondemnedList {
  /** sha256 of its bytes. */
  readonly list: Digest;
  /** When it was made, by the origin's clock; RFC 3339 UTC. */
  readonly at: string;
  readonly objects: number;
}

export interface Placement {
  readonly moved: Moved | undefined;
  readonly condemned: ReadonlySet<string>;
}

/** The key under which the bytes named by `key` may lie and be stored: the first that nobody condemned. */
export function placeOf(key: string, { moved, condemned }: Placement): string {
  const lies = whereLies(moved, key);
  if (!condemned.has(lies)) return lies;
  for (let generation = 0; ; generation++) {
    const fresh = keyInGeneration(key, generation);
    if (!condemned.has(fresh)) return fresh;
  }
}

/** Those of `keys` that do not lie where their names say, or where `moved` has said until now. */
export function movesOf(keys: Iterable<string>, placement: Placement): Moved {
  const places = [...keys].map((key) => [key, placeOf(key, placement)] as const);
  return Object.fromEntries(places.filter(([key, place]) => place !== key || whereLies(placement.moved, key) !== key));
}

/** Every key under which the bytes named by `key` may lie, by what is known: those of all generations up to the last. */
export function placesOf(key: string, placement: Placement): readonly string[] {
  const known = [whereLies(placement.moved, key), placeOf(key, placement)];
  const last = Math.max(...known.map((place) => parseKey(place)?.generation ?? 0));
  return Array.from({ length: last + 1 }, (_, generation) => keyInGeneration(key, generation));
}

/** Lists whose time is not over: theirs are the keys that nobody may use. */
export function listsKept(lists: readonly CondemnedList[], now: number): readonly CondemnedList[] {
  return lists.filter(({ at }) => now - Date.parse(at) < condemnedMs);
}

/**
 * Lists by which keys may still be deleted. Half their time is left then: a request that is on its way, or a process that
 * sleeps before it sends one, has that long until somebody may use the key again. What an older list names and is still
 * there goes on a new one.
 */
export function listsInForce(lists: readonly CondemnedList[], now: number): readonly CondemnedList[] {
  return lists.filter(({ at }) => now - Date.parse(at) < condemnedMs / 2);
}

/** Share of what is stored, 0 to 1, that one collection may condemn unless told otherwise. */
export const usualMaxDelete = 0.1;

export function isBraked(count: number, stored: number, maxDelete: number): boolean {
  return count > stored * maxDelete;
}

export function listKey(list: Digest): string {
  return `g/${list}.json`;
}

/** `txn` is that of the commit that is to name it: no two marks make the same list, so that none is deleted for another. */
export function serializeList({ txn, keys }: { readonly txn: string; readonly keys: Iterable<string> }): Buffer {
  return Buffer.from(`${JSON.stringify({ nightpress: 1, txn, keys: [...keys].sort() })}\n`);
}

const shape = z.looseObject({
  nightpress: z.literal(1),
  keys: z.array(z.string().refine((key) => parseKey(key) !== undefined, 'expected a key of a blob or manifest node')),
});

/** Undefined: these bytes are no list. */
export function parseList(bytes: Buffer): readonly string[] | undefined {
  try {
    return shape.parse(JSON.parse(bytes.toString())).keys;
  } catch {
    return undefined; // whoever asks knows which list it was, and says what follows
  }
}
