import { randomUUID } from 'node:crypto';
import { Fault } from '../domain/faults.js';
import { alsoMoved, type Head, type Stamp, type Withdrawal } from '../domain/head.js';
import { updateManifest } from '../domain/manifest-update.js';
import type { AssetKey, Digest, SnapshotId } from '../domain/types.js';
import { erased, liftFrom, toErase, whereTheyLie, withdrawFrom } from '../domain/withdraw.js';
import type { BlobName, Origin } from '../origins/contract.js';
import { type Base, nodeLoader } from './base.js';
import { type FoundContent, findContent } from './content.js';
import { type HeadParts, moveAlone, moveHead } from './move-head.js';
import type { Night } from './night.js';
import { prepareTree, pruneTrees } from './tree.js';
import { removeAlone, removeUnshown } from './unshown.js';
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
  const before = await headAt(parts);
  let found = await findContent(parts.origin, before, key);
  await moveHead(parts, async (head, stamp) => {
    if (head.seq !== before.seq) found = await findContent(parts.origin, head, key); // somebody came first
    if (found.contents.length > 0) return await cleanedHead(parts.origin, head, found, { ...stamp, reason });
    mustBeWithdrawn(head, key);
    return head;
  });
  const { contents } = found;
  try {
    return { head: (await erase(parts)) ?? (await headAt(parts)), contents };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { head: await headAt(parts), contents, unerased: error };
  }
}

export interface Withdrawn {
  readonly head: Head;
  /** Empty: an earlier call had done it, and this one only what was left to do. */
  readonly contents: FoundContent['contents'];
  /** Why its blobs are still there, although it is taken down. */
  readonly unerased?: Fault;
}

/** Throws `asset-unknown` when nothing of this asset is withdrawn. */
export function mustBeWithdrawn({ job, withdrawn }: Head, key: AssetKey): void {
  if (withdrawn?.some((one) => one.key === key)) return;
  const message = `no snapshot kept for '${job}' shows an asset '${key}', and nothing of it is withdrawn: expected its key, a public path or a URL of it`;
  throw new Fault('asset-unknown', message, { hint: 'nightpress explain {job} KEY' });
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
  { contents, snapshots, unreadable }: FoundContent,
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
  const next = alsoMoved(cleanHead, moves);
  const live = next.channels.live?.snapshot;
  if (live && live !== head.channels.live?.snapshot) await prepareTree(origin, live);
  return next;
}

/**
 * Deletes what takedowns left to delete, and says so in the head: whoever looked at these blobs before then loses its swap.
 * Undefined: there was nothing to do. Repeating it is harmless.
 */
export async function erase(parts: HeadParts): Promise<Head | undefined> {
  const { origin } = parts;
  const head = (await origin.readHead())?.head;
  if (!head || toErase(head).length === 0) return undefined;
  await pruneTrees(origin, head);
  if (!origin.exclusively) {
    const due = toErase(head);
    await removeUnshown(parts, blobsIn(due));
    return await moveHead(parts, (now, stamp) => erased(now, stamp, due));
  }
  return await origin.exclusively(async (swapHead) => {
    const read = await origin.readHead();
    if (!read || toErase(read.head).length === 0) return read?.head;
    const due = toErase(read.head);
    await removeAlone(origin, blobsIn(due));
    const next = erased(read.head, { txn: randomUUID(), now: parts.clock() }, due);
    return await moveAlone(swapHead, next, read);
  });
}

function blobsIn(takedowns: readonly Withdrawal[]): readonly BlobName[] {
  return takedowns.flatMap(({ blobs }) => blobs);
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
