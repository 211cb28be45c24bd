import { randomUUID } from 'node:crypto';
import { Fault } from '../domain/faults.js';
import { type Head, type Stamp, withMoved } from '../domain/head.js';
import { updateManifest } from '../domain/manifest.js';
import type { AssetKey, Digest, SnapshotId } from '../domain/types.js';
import { erased, liftFrom, toErase, whereTheyLie, withdrawFrom } from '../domain/withdraw.js';
import type { Origin } from '../origins/contract.js';
import { type Base, nodeLoader } from './base.js';
import { type HeadParts, moveHead } from './move-head.js';
import type { Night } from './night.js';
import { type Survey, survey } from './takedown.js';
import { prepareTree, pruneTrees } from './tree.js';
import { removeUnshown } from './unshown.js';
import { forgetMade } from './withheld.js';

export interface WithdrawOptions {
  readonly key: AssetKey;
  readonly reason: string;
}

/**
 * Takes the content of one asset out of every snapshot the head names and blocks it, in one commit; then deletes its blobs
 * and every tree that shows them. Who was interrupted says it again. Throws `asset-unknown` for what no snapshot shows.
 */
export async function withdraw(parts: HeadParts, { key, reason }: WithdrawOptions): Promise<Withdrawn> {
  let contents = await surveyed(parts.origin, await headAt(parts), key);
  if (contents.length > 0) {
    await moveHead(parts, async (head, stamp) => {
      const found = await survey(parts.origin, head, key);
      contents = found.contents;
      return await cleanedHead(parts.origin, head, found, { ...stamp, reason });
    });
  }
  return { head: (await erase(parts)) ?? (await headAt(parts)), contents };
}

export interface Withdrawn {
  readonly head: Head;
  /** Empty: an earlier call had done it, and this one only what was left to do. */
  readonly contents: Survey['contents'];
}

async function surveyed(origin: Origin, head: Head, key: AssetKey): Promise<Survey['contents']> {
  const { contents } = await survey(origin, head, key);
  if (contents.length > 0 || head.withdrawn?.some((one) => one.key === key)) return contents;
  throw new Fault('asset-unknown', `no snapshot kept for '${head.job}' shows an asset '${key}'`, {
    hint: 'nightpress diff {job} previous live',
  });
}

async function headAt({ origin, job }: HeadParts): Promise<Head> {
  const read = await origin.readHead();
  if (read) return read.head;
  throw new Fault('snapshot-unknown', `nothing was ever published for '${job.name}'`, { hint: 'nightpress run {job}' });
}

/** Lets the content be published again by the next run. */
export async function lift(parts: HeadParts, { key, reason }: WithdrawOptions): Promise<Head> {
  return await moveHead(parts, (head, stamp) => liftFrom(head, { ...stamp, key, reason }));
}

/** Manifests and tree first, as for every commit. */
async function cleanedHead(
  origin: Origin,
  head: Head,
  { contents, snapshots, unreadable }: Survey,
  stamp: Stamp & { readonly reason: string },
): Promise<Head> {
  const clean = new Map<SnapshotId, SnapshotId>();
  const fresh: Digest[] = [];
  for (const [snapshot, updates] of snapshots) {
    const { root, nodes } = await updateManifest(nodeLoader(origin), snapshot, updates);
    for (const [digest, bytes] of nodes) await origin.putManifest(digest, bytes);
    fresh.push(...nodes.keys());
    clean.set(snapshot, root);
  }
  const moves = await origin.moves?.({ blobs: [], nodes: fresh });
  const cleanHead = withdrawFrom(head, {
    ...stamp,
    contents: whereTheyLie(head, contents),
    cleaned: clean,
    unreadable,
  });
  const next = withMoved(cleanHead, { ...head.moved, ...moves });
  const live = next.channels.live?.snapshot;
  if (live && live !== head.channels.live?.snapshot) await prepareTree(origin, live);
  return next;
}

type EraseParts = Pick<HeadParts, 'origin' | 'clock' | 'job'>;

/**
 * Deletes what takedowns left to delete, and says so in the head: whoever looked at these blobs before then loses its swap.
 * Undefined: there was nothing to do. Repeating it is harmless.
 */
export async function erase(parts: EraseParts): Promise<Head | undefined> {
  const { origin } = parts;
  const head = (await origin.readHead())?.head;
  if (!head || toErase(head).length === 0) return undefined;
  await pruneTrees(origin, head);
  if (!origin.exclusively) {
    const due = toErase(head);
    await removeUnshown(
      parts,
      head,
      due.flatMap((one) => one.blobs),
    );
    return await moveHead(parts, (now, stamp) => erased(now, stamp, due));
  }
  return await origin.exclusively(async (swapHead) => {
    const read = await origin.readHead();
    if (!read || toErase(read.head).length === 0) return read?.head;
    const due = toErase(read.head);
    await removeUnshown(
      parts,
      read.head,
      due.flatMap((one) => one.blobs),
    );
    const next = erased(read.head, { txn: randomUUID(), now: parts.clock() }, due);
    if ((await swapHead(next, read.version)) === 'landed') return next;
    throw new Fault('swap-lost', 'the head moved although it was locked');
  });
}

/**
 * What a run does about takedowns that it finds in the head: ends those that were interrupted, and forgets what was made
 * of the content, here and at the origin, whoever made it since. The head may be a newer one afterwards.
 */
export async function endTakedowns(night: Night, base: Base): Promise<Base> {
  const { head } = base;
  if (!head?.withdrawn) return base;
  const items = head.withdrawn.flatMap((one) => one.items);
  await forgetMade(night, items);
  if (night.job.channel !== undefined) return base; // the nights of live do it
  const next = await erase(night);
  if (!next) return base;
  night.state.rememberOrigin({ origin: next.origin, seq: next.seq, snapshot: night.state.origin()?.snapshot });
  return { ...base, head: next };
}
