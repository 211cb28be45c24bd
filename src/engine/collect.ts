import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import {
  type CollectAt,
  isWhereItLies,
  type KeptReason,
  type Root,
  rootsOf,
  rootsReaching,
  whyKept,
} from '../domain/collect.js';
import { isBraked, listsInForce, usualMaxDelete } from '../domain/condemned.js';
import { Fault } from '../domain/faults.js';
import { type Head, retainOnly } from '../domain/head.js';
import { originalKey } from '../domain/origin-keys.js';
import { graceMs, retain } from '../domain/retention.js';
import type { Condemning, Origin, Stored } from '../origins/contract.js';
import { nodeLoader } from './base.js';
import { collectBeside, keysOn } from './condemn.js';
import { moveAlone } from './move-head.js';
import type { Night } from './night.js';
import { type CollectParts, everything, type Survey, survey } from './survey.js';
import { pruneTrees } from './tree.js';
import { erase } from './withdraw.js';

export type { CollectParts } from './survey.js';

export interface Collection {
  /** What is, or with `remove` was, deleted. */
  readonly objects: readonly Stored[];
  readonly bytes: number;
  /** Snapshots whose grace is over: the head no longer names them. */
  readonly forgotten: number;
  /** Snapshots that retention lets go now: their grace begins. */
  readonly letGo: number;
  /** All that is stored, when this collection would delete a larger share of it than it may: it deleted nothing. */
  readonly brakedOf?: number;
  /** The head with this collection's commit; undefined: there was nothing to commit. */
  readonly head?: Head;
}

export interface CollectOptions {
  readonly remove: boolean;
  /** Share of what is stored, 0 to 1; usually a tenth where others cannot be kept out meanwhile, else all of it. */
  readonly maxDelete?: number;
  /** Lists of condemned keys that cannot be read are forgotten, so that things can be stored again: for a person to say. */
  readonly forgetLost?: boolean;
}

/**
 * Deletes what no snapshot needs; without `remove` it only looks, and keeps nobody from publishing. With it, under the
 * origin's lock from the first look to the last deletion, and ended by a commit of its own: a publisher that looked before
 * the deletion loses its swap and looks again. Where there is no such lock, `condemn.ts` does the same in two steps.
 * Blobs of a run that has not published yet are safe three ways: by this state's checkpoints, by their age, by that swap.
 */
export async function collect(parts: CollectParts, options: CollectOptions): Promise<Collection> {
  const { exclusively, condemning } = parts.origin;
  if (!options.remove) return await rehearse(parts, options);
  await erase(parts); // what was withdrawn goes whatever its age
  if (exclusively) return await exclusively((swapHead) => collectAlone(parts, options, swapHead));
  if (condemning) return await collectInSteps({ ...parts, condemning }, options);
  throw new Fault('usage', 'nothing can be deleted here: a channel leaves that to runs of live', {
    hint: 'nightpress gc {job} shows what no snapshot needs',
  });
}

async function rehearse(parts: CollectParts, options: CollectOptions): Promise<Collection> {
  const read = await parts.origin.readHead();
  if (!read) return nothing;
  const stored = await everything(parts.origin);
  const now = read.at ?? parts.clock();
  const surveyed = await survey(parts, { head: read.head, stored, now });
  const condemned = await keysOn(parts.origin.condemning, listsInForce(read.head.gc?.lists ?? [], now));
  const fresh = surveyed.objects.filter(({ key }) => !condemned.has(key));
  const isBeyond = isBraked(fresh.length, stored.length, maxDeleteAt(parts.origin, options));
  return { ...collectionOf(surveyed), ...(isBeyond && { brakedOf: stored.length }) };
}

async function collectAlone(
  parts: CollectParts,
  options: CollectOptions,
  swapHead: Origin['swapHead'],
): Promise<Collection> {
  const read = await parts.origin.readHead();
  if (!read) return nothing;
  const stored = await everything(parts.origin);
  const now = read.at ?? parts.clock();
  const surveyed = await survey(parts, { head: read.head, stored, now });
  const { objects, kept } = surveyed;
  if (isBraked(objects.length, stored.length, maxDeleteAt(parts.origin, options)))
    return { ...collectionOf(surveyed), brakedOf: stored.length };
  if (objects.length === 0 && isDeepStrictEqual(kept, read.head.retained)) return collectionOf(surveyed);
  await parts.origin.remove(objects.map((object) => object.key));
  const next = retainOnly(read.head, { retained: kept, txn: randomUUID(), now });
  return { ...collectionOf(surveyed), head: await moveAlone(swapHead, next, read) };
}

async function collectInSteps(
  parts: CollectParts & { readonly condemning: Condemning },
  options: CollectOptions,
): Promise<Collection> {
  if (!(await parts.origin.readHead())) return nothing;
  const limits = { maxDelete: maxDeleteAt(parts.origin, options), forgetLost: options.forgetLost ?? false };
  const { objects, surveyed, head, isMoved, brakedOf } = await collectBeside(parts, limits);
  const collection = { ...collectionOf({ ...surveyed, objects }), ...(isMoved && { head }) };
  return brakedOf === undefined ? collection : { ...collection, brakedOf };
}

function maxDeleteAt({ exclusively }: Origin, { maxDelete }: CollectOptions): number {
  return maxDelete ?? (exclusively ? 1 : usualMaxDelete);
}

const nothing: Collection = { objects: [], bytes: 0, forgotten: 0, letGo: 0 };

function collectionOf({ objects, forgotten, letGo }: Survey): Collection {
  return { objects, bytes: sizeOf(objects), forgotten, letGo };
}

/** After a publish: only when a snapshot's grace is over, because marking reads the whole live manifest. */
export async function collectDropped(night: Night): Promise<void> {
  const read = await night.origin.readHead();
  if (!read) return;
  const { head, at: now = night.clock() } = read;
  await pruneTrees(night.origin, head);
  if (!night.origin.exclusively && !night.origin.condemning) return;
  if (retain(head.retained, night.job.keep, { head, now, graceMs }).collectable.length === 0) return;
  const { objects, bytes, brakedOf, head: next } = await collect(night, { remove: true });
  if (next)
    night.state.rememberOrigin({ origin: next.origin, seq: next.seq, snapshot: night.state.origin()?.snapshot });
  if (brakedOf === undefined) night.emit({ type: 'collected', objects: objects.length, bytes });
  else {
    const command = `nightpress gc ${night.job.name} --yes --max-delete ${shareOf(objects.length, brakedOf)}%`;
    const message = `nothing was collected: ${brakedText(objects.length, brakedOf)}: ${command}`;
    night.emit({ type: 'finding', finding: { code: 'gc-braked', severity: 'notice', message } });
  }
}

/** In words that go on a sentence: how much a collection wanted to delete. */
export function brakedText(objects: number, stored: number): string {
  return `${objects} of ${stored} stored objects (${shareOf(objects, stored)} %) would go, which is more than may`;
}

/** In whole per cent, rounded up: so many are enough. */
export function shareOf(objects: number, stored: number): number {
  return Math.ceil((objects / stored) * 100);
}

/** Why one stored object stays; empty: the next collection deletes it. Undefined: no such object. */
export async function whyStored(parts: CollectParts, key: string): Promise<readonly KeptReason[] | undefined> {
  const object = (await everything(parts.origin)).find((stored) => stored.key === key);
  if (!object) return undefined;
  const read = await parts.origin.readHead();
  const at = { now: read?.at ?? parts.clock(), graceMs };
  if (read && (await keysOn(parts.origin.condemning, read.head.gc?.lists ?? [])).has(key)) return [];
  const isNeeded = isWhereItLies(key, read?.head.moved);
  const load = nodeLoader(parts.origin);
  const reaching = isNeeded ? await rootsReaching(load, rootsIn(parts, read?.head, at), originalKey(key)) : [];
  return whyKept(object, { ...at, reaching, checkpoints: new Set(parts.state?.madeDigests()) });
}

/** As the next collection will see them. */
function rootsIn({ job }: CollectParts, head: Head | undefined, at: CollectAt): readonly Root[] {
  if (!head) return [];
  const { kept } = retain(head.retained, job.keep, { head, ...at });
  return rootsOf({ ...head, retained: kept }, at);
}

function sizeOf(objects: readonly Stored[]): number {
  return objects.reduce((sum, object) => sum + object.bytes, 0);
}
