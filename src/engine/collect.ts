import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import {
  type CollectAt,
  collectable,
  type KeptReason,
  type Root,
  reachableFrom,
  rootsOf,
  rootsReaching,
  whyKept,
} from '../domain/collect.js';
import { Fault } from '../domain/faults.js';
import { type Head, type Retained, retainOnly } from '../domain/head.js';
import { retain } from '../domain/retention.js';
import type { Digest, KeepSpec } from '../domain/types.js';
import { withdrawnBlobs } from '../domain/withdraw.js';
import type { Origin, Stored } from '../origins/contract.js';
import type { State } from '../state/contract.js';
import { nodeLoader } from './base.js';
import type { Night } from './night.js';
import { graceMs } from './publish.js';
import { pruneTrees } from './tree.js';
import { erase } from './withdraw.js';

export interface Collection {
  /** What is, or with `remove` was, deleted. */
  readonly objects: readonly Stored[];
  readonly bytes: number;
  /** Snapshots whose grace is over: the head no longer names them. */
  readonly forgotten: number;
  /** Snapshots that retention lets go now: their grace begins. */
  readonly letGo: number;
  /** The head with this collection's commit; undefined: there was nothing to commit. */
  readonly head?: Head;
}

export interface CollectParts {
  readonly origin: Origin;
  readonly job: { readonly name: string; readonly keep: KeepSpec };
  readonly clock: () => number;
  /** Its checkpoints are roots. Without one, only their age protects blobs that a run has not published yet. */
  readonly state?: Pick<State, 'madeDigests'>;
}

/**
 * Deletes what no snapshot needs; without `remove` it only looks, and keeps nobody from publishing. With it, under the
 * origin's lock from the first look to the last deletion, and ended by a commit of its own: a publisher that looked before
 * the deletion loses its swap and looks again.
 * Blobs of a run that has not published yet are safe three ways: by this state's checkpoints, by their age, by that swap.
 */
export async function collect(parts: CollectParts, options: { readonly remove: boolean }): Promise<Collection> {
  if (options.remove) await erase(parts); // what was withdrawn goes whatever its age
  const look = async (swapHead?: Origin['swapHead']): Promise<Collection> => {
    const read = await parts.origin.readHead();
    if (!read) return { objects: [], bytes: 0, forgotten: 0, letGo: 0 };
    const now = parts.clock();
    const { retained } = read.head;
    const { kept } = retain(retained, parts.job.keep, { head: read.head, now, graceMs });
    const stored = await everything(parts.origin);
    const objects = collectable({
      stored,
      reachable: await reachable(parts, { ...read.head, retained: kept }),
      olderThan: now - graceMs,
      withdrawn: withdrawnBlobs(read.head),
    });
    const letGo = droppedIn(kept).filter(
      ({ snapshot }) => !droppedIn(retained).some((one) => one.snapshot === snapshot),
    );
    const collection = {
      objects,
      bytes: sizeOf(objects),
      forgotten: retained.length - kept.length,
      letGo: letGo.length,
    };
    if (!swapHead || (objects.length === 0 && isDeepStrictEqual(kept, retained))) return collection;
    await parts.origin.remove(objects.map((object) => object.key));
    const next = retainOnly(read.head, { retained: kept, txn: randomUUID(), now });
    if ((await swapHead(next, read.version)) !== 'landed')
      throw new Fault('swap-lost', 'the head moved although it was locked');
    return { ...collection, head: next };
  };
  if (!options.remove) return await look();
  const { exclusively } = parts.origin;
  if (exclusively) return await exclusively(look);
  throw new Fault('usage', 'nothing can be deleted at this origin yet: it cannot keep publishers out meanwhile', {
    hint: 'nightpress gc {job} shows what no snapshot needs',
  });
}

function droppedIn(retained: readonly Retained[]): readonly Retained[] {
  return retained.filter(({ droppedAt }) => droppedAt !== undefined);
}

/** After a publish: only when a snapshot's grace is over, because marking reads the whole live manifest. */
export async function collectDropped(night: Night): Promise<void> {
  const head = (await night.origin.readHead())?.head;
  if (!head) return;
  await pruneTrees(night.origin, head);
  if (!night.origin.exclusively) return;
  const due = retain(head.retained, night.job.keep, { head, now: night.clock(), graceMs }).collectable.length > 0;
  if (!due) return;
  const { objects, bytes, head: next } = await collect(night, { remove: true });
  if (next)
    night.state.rememberOrigin({ origin: next.origin, seq: next.seq, snapshot: night.state.origin()?.snapshot });
  night.emit({ type: 'collected', objects: objects.length, bytes });
}

/** Why one stored object stays; empty: the next collection deletes it. Undefined: no such object. */
export async function whyStored(parts: CollectParts, key: string): Promise<readonly KeptReason[] | undefined> {
  const object = (await everything(parts.origin)).find((stored) => stored.key === key);
  if (!object) return undefined;
  const at = { now: parts.clock(), graceMs };
  const reaching = await rootsReaching(nodeLoader(parts.origin), await roots(parts, at), object.sha256);
  return whyKept(object, { ...at, reaching, checkpoints: new Set(parts.state?.madeDigests()) });
}

/** As the next collection will see them. */
async function roots({ origin, job }: CollectParts, at: CollectAt): Promise<readonly Root[]> {
  const head = (await origin.readHead())?.head;
  if (!head) return [];
  const { kept } = retain(head.retained, job.keep, { head, ...at });
  return rootsOf({ ...head, retained: kept }, at);
}

async function everything(origin: Origin): Promise<readonly Stored[]> {
  const stored: Stored[] = [];
  for await (const object of origin.listStored()) stored.push(object);
  return stored;
}

async function reachable(parts: CollectParts, head: Head): Promise<ReadonlySet<Digest>> {
  const named = rootsOf(head, { now: parts.clock(), graceMs });
  const digests = await reachableFrom(
    nodeLoader(parts.origin),
    named.map((root) => root.snapshot),
  );
  const withdrawn = withdrawnBlobs(head);
  for (const digest of parts.state?.madeDigests() ?? []) if (!withdrawn.has(digest)) digests.add(digest);
  return digests;
}

function sizeOf(objects: readonly Stored[]): number {
  return objects.reduce((sum, object) => sum + object.bytes, 0);
}
