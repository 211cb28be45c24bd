import { randomUUID } from 'node:crypto';
import { Fault } from '../domain/faults.js';
import { type Head, landed, publishTo, rollBackTo, type Stamp, unfreeze, withRetained } from '../domain/head.js';
import { nodeDigests } from '../domain/manifest.js';
import { retain } from '../domain/retention.js';
import type { KeepSpec, SnapshotId } from '../domain/types.js';
import type { Origin } from '../origins/contract.js';
import { nodeLoader } from './base.js';
import { pruneTrees } from './collect.js';
import { graceMs, prepareTree } from './publish.js';

/** What a person's change of the head needs: the origin and a clock. No state, no job lock: the swap is the guard. */
export interface HeadParts {
  readonly origin: Origin;
  readonly clock: () => number;
  readonly job: { readonly name: string; readonly keep: KeepSpec };
}

const maxSwaps = 5;

/**
 * Makes one commit on whatever the head is now. `change` is pure and called again when somebody else's commit came
 * first, so it must refuse what no longer makes sense by throwing a `Fault`.
 */
export async function moveHead(parts: HeadParts, change: (head: Head, stamp: Stamp) => Head | Promise<Head>): Promise<Head> {
  for (let attempt = 1; attempt <= maxSwaps; attempt++) {
    const read = await parts.origin.readHead();
    if (!read) throw new Fault('snapshot-unknown', `nothing was ever published for '${parts.job.name}'`, { hint: 'nightpress run {job}' });
    const txn = randomUUID();
    const next = await change(read.head, { txn, now: parts.clock() });
    const swap = await parts.origin.swapHead(next, read.version);
    if (swap === 'landed') return next;
    if (swap === 'unknown' && (await isLanded(parts, txn))) return next;
  }
  throw new Fault('swap-lost', `the head of '${parts.job.name}' was moved by others ${maxSwaps} times in a row`);
}

async function isLanded(parts: HeadParts, txn: string): Promise<boolean> {
  const head = (await parts.origin.readHead())?.head;
  return head !== undefined && landed(head, txn);
}

/** Finds the one snapshot the head knows by this text: a prefix of its id, a pin's name, `seq N`'s number, or `previous`. */
export function findSnapshot(head: Head, text: string): SnapshotId {
  const { live, staged } = head.channels;
  const known = new Set([...head.retained, ...(staged ? [staged] : [])].map((one) => one.snapshot));
  const pin = head.pins.find(({ name }) => name === text)?.snapshot;
  const bySeq = /^\d{1,9}$/.test(text) ? head.retained.findLast(({ seq }) => seq === Number(text))?.snapshot : undefined;
  const previous = text === 'previous' ? head.retained.findLast(({ snapshot }) => snapshot !== live?.snapshot)?.snapshot : undefined;
  const byPrefix = text.length >= 6 ? [...known].filter((snapshot) => snapshot.startsWith(text)) : [];
  const found = pin ?? previous ?? bySeq ?? (byPrefix.length === 1 ? byPrefix[0] : undefined);
  if (found) return found;
  const what = byPrefix.length > 1 ? `names ${byPrefix.length} snapshots` : 'names no snapshot held at the origin';
  throw new Fault('snapshot-unknown', `'${text}' ${what}: expected 6 or more digits of an id, a seq, a pin, or 'previous'`);
}

/** Makes an older snapshot live again, whole: its manifest is read to the last node before the head names it. */
export async function rollBack(parts: HeadParts, options: { readonly to: string; readonly freeze?: string }): Promise<Head> {
  const next = await moveHead(parts, async (head, stamp) => {
    const snapshot = findSnapshot(head, options.to);
    await makeReady(parts, snapshot);
    return rollBackTo(head, { ...stamp, snapshot, freeze: options.freeze });
  });
  await pruneTrees(parts, next);
  return next;
}

/** Lets runs publish again; what was staged only because of the freeze goes live with the same command. */
export async function thaw(parts: HeadParts): Promise<Head> {
  const next = await moveHead(parts, (head, stamp) => {
    if (!head.frozen) throw new Fault('usage', `'${parts.job.name}' is not frozen`, { hint: 'nightpress snapshots {job}' });
    return unfreeze(head, stamp);
  });
  return next.channels.staged?.rules.length === 0 ? await publishStaged(parts, []) : next;
}

/** Publishes what is staged. Every rule that holds it must be named; a freeze is lifted by `unfreeze` only. */
export async function publishStaged(parts: HeadParts, overridden: readonly string[]): Promise<Head> {
  const next = await moveHead(parts, async (head, stamp) => {
    const { staged } = head.channels;
    if (!staged) throw new Fault('usage', `nothing is staged for '${parts.job.name}'`, { hint: 'nightpress status {job}' });
    if (head.frozen) throw new Fault('usage', `'${parts.job.name}' is frozen: ${head.frozen.reason}`, { hint: 'nightpress unfreeze {job}' });
    const open = staged.rules.filter((rule) => !overridden.includes(rule));
    if (open.length > 0) throw new Fault('usage', `the staged snapshot is also held by ${open.join(', ')}: expected --override for each`);
    await makeReady(parts, staged.snapshot);
    const { snapshot, window, run } = staged;
    const published = publishTo(head, { ...stamp, snapshot, window, run });
    const { kept } = retain(published.retained, parts.job.keep, { head: published, now: stamp.now, graceMs });
    return withRetained(published, kept);
  });
  await pruneTrees(parts, next);
  return next;
}

async function makeReady(parts: HeadParts, snapshot: SnapshotId): Promise<void> {
  for await (const _node of nodeDigests(nodeLoader(parts.origin), snapshot)); // a missing node throws here, not at a reader
  await prepareTree(parts, snapshot);
}
