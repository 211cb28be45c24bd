import { randomUUID } from 'node:crypto';
import { collectable, type KeptReason, reachableFrom, rootsOf, rootsReaching, whyKept } from '../domain/collect.js';
import { Fault } from '../domain/faults.js';
import { type Head, retainOnly } from '../domain/head.js';
import { retain } from '../domain/retention.js';
import type { Digest } from '../domain/types.js';
import type { Stored } from '../origins/contract.js';
import { nodeLoader } from './base.js';
import type { Night } from './night.js';
import { graceMs } from './publish.js';

export interface Collection {
  /** What is, or with `remove` was, deleted. */
  readonly objects: readonly Stored[];
  readonly bytes: number;
  /** Snapshots that the head no longer names. */
  readonly dropped: number;
}

type Parts = Pick<Night, 'origin' | 'state' | 'job' | 'clock'>;

/**
 * Deletes what no snapshot needs. Under the origin's lock from the first look to the last deletion, and ended by a
 * commit of its own: a publisher that looked before the deletion loses its swap and looks again.
 * Blobs of a run that has not published yet are safe three ways: by this state's checkpoints, by their age, by that swap.
 */
export async function collect(night: Parts, options: { readonly remove: boolean }): Promise<Collection> {
  return await night.origin.exclusively(async (swapHead) => {
    const read = await night.origin.readHead();
    if (!read) return { objects: [], bytes: 0, dropped: 0 };
    const now = night.clock();
    const { kept } = retain(read.head.retained, night.job.keep, { head: read.head, now, graceMs });
    const head = { ...read.head, retained: kept };
    const stored = await everything(night);
    const objects = collectable({ stored, reachable: await reachable(night, head), olderThan: now - graceMs });
    const collection = { objects, bytes: sizeOf(objects), dropped: read.head.retained.length - kept.length };
    if (!options.remove || (objects.length === 0 && collection.dropped === 0)) return collection;
    await night.origin.remove(objects.map((object) => object.key));
    const next = retainOnly(read.head, { retained: kept, txn: randomUUID(), now });
    if ((await swapHead(next, read.version)) !== 'landed') throw new Fault('swap-lost', 'the head moved although it was locked');
    night.state.rememberOrigin({ origin: next.origin, seq: next.seq, snapshot: night.state.origin()?.snapshot });
    return collection;
  });
}

/** After a publish: only when a snapshot's grace is over, because marking reads the whole live manifest. */
export async function collectDropped(night: Night): Promise<void> {
  const head = (await night.origin.readHead())?.head;
  if (!head) return;
  await pruneTrees(night, head);
  const due = retain(head.retained, night.job.keep, { head, now: night.clock(), graceMs }).collectable.length > 0;
  if (!due) return;
  const { objects, bytes } = await collect(night, { remove: true });
  night.emit({ type: 'collected', objects: objects.length, bytes });
}

/** Plain web servers may still read the predecessor; older trees are gone, their blobs are not. */
export async function pruneTrees(night: Pick<Night, 'origin'>, head: Head): Promise<void> {
  const live = head.channels.live?.snapshot;
  const predecessor = head.retained.findLast(({ snapshot }) => snapshot !== live)?.snapshot;
  await night.origin.tree?.prune([live, predecessor].filter((snapshot) => snapshot !== undefined));
}

/** Why one stored object stays; empty: the next collection deletes it. Undefined: no such object. */
export async function whyStored(night: Parts, key: string): Promise<readonly KeptReason[] | undefined> {
  const object = (await everything(night)).find((stored) => stored.key === key);
  if (!object) return undefined;
  const head = (await night.origin.readHead())?.head;
  const at = { now: night.clock(), graceMs };
  const roots = head ? rootsOf(head, at) : [];
  const reaching = await rootsReaching(nodeLoader(night.origin), roots, object.sha256);
  return whyKept(object, { ...at, reaching, checkpoints: new Set(night.state.madeDigests()) });
}

async function everything(night: Parts): Promise<readonly Stored[]> {
  const stored: Stored[] = [];
  for await (const object of night.origin.listStored()) stored.push(object);
  return stored;
}

async function reachable(night: Parts, head: Head): Promise<ReadonlySet<Digest>> {
  const roots = rootsOf(head, { now: night.clock(), graceMs });
  const digests = await reachableFrom(nodeLoader(night.origin), roots.map((root) => root.snapshot));
  for (const digest of night.state.madeDigests()) digests.add(digest);
  return digests;
}

function sizeOf(objects: readonly Stored[]): number {
  return objects.reduce((sum, object) => sum + object.bytes, 0);
}
