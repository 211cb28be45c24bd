import { randomUUID } from 'node:crypto';
import { Fault } from '../domain/faults.js';
import { findSnapshot, pinNameProblem } from '../domain/find-snapshot.js';
import {
  addPin,
  channelOf,
  type Head,
  landed,
  type Publication,
  promoteFrom,
  publishTo,
  removePin,
  rollBackTo,
  type Staged,
  type Stamp,
  unfreeze,
  withRetained,
} from '../domain/head.js';
import { letGo } from '../domain/retention.js';
import type { KeepSpec, SnapshotId } from '../domain/types.js';
import type { HeadRead, Origin } from '../origins/contract.js';
import { mendEntrances } from './entrances.js';
import { holdsOnPromotion, type PromotionParts, refuseHeld } from './promotion.js';
import { prepareTree, pruneTrees } from './tree.js';
import { verify } from './verify.js';

/** What a person's change of the head needs: the origin and a clock. No state, no job lock: the swap is the guard. */
export interface HeadParts {
  readonly origin: Origin;
  readonly clock: () => number;
  readonly job: { readonly name: string; readonly keep: KeepSpec };
}

const maxSwaps = 5;

/**
 * Makes one commit on whatever the head is now. `change` moves nothing and is called again when somebody else's commit came
 * first, so it must refuse what no longer makes sense by throwing a `Fault`; given back as it is, the head stays. A commit
 * whose answer never came is made again on the head it was based on: only one of the two can land.
 */
export async function moveHead(
  parts: HeadParts,
  change: (head: Head, stamp: Stamp, read: HeadRead) => Head | Promise<Head>,
): Promise<Head> {
  const unanswered: string[] = [];
  for (let attempt = 1; attempt <= maxSwaps; attempt++) {
    const read = await orUnknown(parts, unanswered, parts.origin.readHead());
    await orUnknown(parts, unanswered, mendEntrances(parts.origin));
    if (read && unanswered.some((txn) => landed(read.head, txn))) return read.head;
    if (!read)
      throw new Fault('snapshot-unknown', `nothing was ever published for '${parts.job.name}'`, {
        hint: 'nightpress run {job}',
      });
    const txn = randomUUID();
    const changing = async () => await change(read.head, { txn, now: parts.clock() }, read);
    const next = await orUnknown(parts, unanswered, changing());
    if (next === read.head) return next;
    const swap = await orUnknown(parts, unanswered, parts.origin.swapHead(next, read.version));
    if (swap === 'landed') return next;
    if (swap === 'unknown') unanswered.push(txn);
  }
  if (unanswered.length > 0) throw unknown(parts);
  throw new Fault('swap-lost', `the head of '${parts.job.name}' was moved by others ${maxSwaps} times in a row`);
}

/** One commit inside `exclusively`, where nobody can come first. */
export async function moveAlone(swapHead: Origin['swapHead'], next: Head, { version }: HeadRead): Promise<Head> {
  if ((await swapHead(next, version)) === 'landed') return next;
  throw new Fault('swap-lost', 'the head moved although it was locked');
}

/** While an answer is missing, trouble on the way to the next look leaves the outcome open. */
async function orUnknown<T>(parts: HeadParts, unanswered: readonly string[], work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw unanswered.length > 0 ? unknown(parts, cause) : cause;
  }
}

function unknown(parts: HeadParts, cause?: unknown): Fault {
  const because = cause instanceof Error ? ` (${cause.message})` : '';
  const message = `whether the commit to '${parts.job.name}' landed is unknown: the origin did not say${because}`;
  return new Fault('swap-unknown', message, { cause, hint: 'nightpress publish {job} --resolve' });
}

/** The snapshot that a rollback leads to. Throws `usage` for the one that is live. */
export function olderSnapshot(head: Head, text: string): SnapshotId {
  const snapshot = findSnapshot(head, text);
  if (snapshot !== head.channels.live?.snapshot) return snapshot;
  throw alreadyLive(snapshot);
}

function alreadyLive(snapshot: SnapshotId | undefined): Fault {
  const message = `snapshot ${snapshot} is live already: expected another one`;
  return new Fault('usage', message, { hint: 'nightpress snapshots {job}' });
}

function frozenFault(head: Head, reason: string): Fault {
  return new Fault('usage', `'${head.job}' is frozen: ${reason}`, { hint: 'nightpress unfreeze {job}' });
}

/** Makes an older snapshot live again, whole: every node and blob of it is looked at before the head names it. */
export async function rollBack(
  parts: HeadParts,
  options: { readonly to: string; readonly freeze?: string; readonly reason?: string },
): Promise<Head> {
  const next = await moveHead(parts, async (head, stamp) => {
    const snapshot = olderSnapshot(head, options.to);
    await makeReady(parts, snapshot);
    return rollBackTo(head, { ...stamp, snapshot, freeze: options.freeze, reason: options.reason });
  });
  await tidyTrees(parts.origin, next);
  return next;
}

/** What a promotion makes live. Throws `usage` while frozen and for what is live already, `snapshot-unknown` for no channel. */
export function promotedSnapshot(head: Head, channel: string): SnapshotId {
  if (head.frozen) throw frozenFault(head, head.frozen.reason);
  const { snapshot } = channelOf(head, channel);
  if (snapshot === head.channels.live?.snapshot) throw alreadyLive(snapshot);
  return snapshot;
}

/** Makes the snapshot of another channel live, whole, in one commit, unless the gate holds it by a rule that is not named. */
export async function promote(
  parts: HeadParts & PromotionParts,
  options: { readonly channel: string; readonly overridden?: readonly string[]; readonly reason?: string },
): Promise<Head> {
  const { channel, overridden = [], reason } = options;
  const next = await moveHead(parts, async (head, stamp, { at: now = stamp.now }) => {
    const snapshot = promotedSnapshot(head, channel);
    const holds = await holdsOnPromotion(parts, { snapshot, live: head.channels.live?.snapshot });
    refuseHeld(parts.job.name, channel, { holds, overridden });
    await makeReady(parts, snapshot);
    return retaining(parts, promoteFrom(head, { ...stamp, channel, reason }), now);
  });
  await tidyTrees(parts.origin, next);
  return next;
}

/** Lets runs publish again; what was staged only because of the freeze goes live in the same commit, if it is whole. */
export async function thaw(parts: HeadParts): Promise<Head> {
  const next = await moveHead(parts, async (head, stamp, read) => {
    const hint = 'nightpress snapshots {job}';
    if (!head.frozen) throw new Fault('usage', `'${parts.job.name}' is not frozen`, { hint });
    const { staged } = head.channels;
    const isHeld = staged?.rules.some((rule) => rule !== 'frozen') ?? true;
    if (!staged || isHeld) return unfreeze(head, stamp);
    const { frozen: _, ...thawed } = head;
    try {
      return await publishing(parts, { head: thawed, at: read.at }, { ...stamp, ...staged });
    } catch (error) {
      if (!(error instanceof Fault) || !notWhole.includes(error.code)) throw error;
      return unfreeze(head, stamp); // a staged snapshot that cannot go live must not keep runs from publishing
    }
  });
  await tidyTrees(parts.origin, next);
  return next;
}

/** Why a snapshot cannot be shown: something of it is missing, or two of its paths are one. */
const notWhole: readonly string[] = ['origin-corrupt', 'run-failed'];

async function publishing(
  parts: HeadParts,
  { head, at }: Pick<HeadRead, 'head' | 'at'>,
  { snapshot, window, run, ...stamp }: Publication,
): Promise<Head> {
  await makeReady(parts, snapshot);
  const { txn, now, reason } = stamp;
  return retaining(parts, publishTo(head, { snapshot, window, run, txn, now, reason }), at ?? now);
}

function retaining({ job }: HeadParts, head: Head, now: number): Head {
  return withRetained(head, letGo(head.retained, job.keep, { head, now }));
}

/** The commit has landed and must be told as such. A tree that stays costs disk, and the next publish removes it. */
async function tidyTrees(origin: Origin, head: Head): Promise<void> {
  try {
    await pruneTrees(origin, head);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
  }
}

/** Publishes what is staged. Every rule that holds it must be named; a freeze is lifted by `unfreeze` only. */
export async function publishStaged(
  parts: HeadParts,
  options: { readonly overridden: readonly string[]; readonly reason?: string },
): Promise<Head> {
  const next = await moveHead(parts, async (head, stamp, { at }) => {
    const { snapshot, window, run } = publishable(head, options.overridden);
    return await publishing(parts, { head, at }, { ...stamp, snapshot, window, run, reason: options.reason });
  });
  await tidyTrees(parts.origin, next);
  return next;
}

function publishable(head: Head, overridden: readonly string[]): Staged {
  const { staged } = head.channels;
  const refuse = (message: string, hint: string) => new Fault('usage', message, { hint });
  if (!staged) throw refuse(`nothing is staged for '${head.job}'`, 'nightpress status {job}');
  if (head.frozen) throw frozenFault(head, head.frozen.reason);
  const open = staged.rules.filter((rule) => !overridden.includes(rule));
  const strange = overridden.filter((rule) => !staged.rules.includes(rule));
  if (open.length === 0 && strange.length === 0) return staged;
  const held = `the staged snapshot is held by ${staged.rules.join(' and ') || 'no rule'}`;
  const given = overridden.length > 0 ? `--override ${overridden.join(' --override ')}` : 'no --override';
  throw refuse(`${held}: expected --override for exactly these, got ${given}`, publishCommand('{job}', staged.rules));
}

/** The command that publishes what these rules hold. */
export function publishCommand(job: string, rules: readonly string[]): string {
  const flags = rules.map((rule) => `--override ${rule} `).join('');
  return `nightpress publish ${job}${flags && ` ${flags}--reason TEXT`}`;
}

/** Names a snapshot so that it stays until the pin is removed. */
export async function pinSnapshot(
  parts: HeadParts,
  pin: { readonly to: string; readonly name: string },
): Promise<Head> {
  const problem = pinNameProblem(pin.name);
  if (problem)
    throw new Fault('usage', `pin name '${pin.name}': expected ${problem}`, { hint: 'nightpress pin --help' });
  return await moveHead(parts, (head, stamp) =>
    addPin(head, { ...stamp, name: pin.name, snapshot: findSnapshot(head, pin.to) }),
  );
}

export async function unpinSnapshot(parts: HeadParts, name: string): Promise<Head> {
  return await moveHead(parts, (head, stamp) => removePin(head, { ...stamp, name }));
}

/** Readers must find all of it: what is missing is said here, not to them. */
async function makeReady({ origin }: HeadParts, snapshot: SnapshotId): Promise<void> {
  const { findings } = await verify(origin, snapshot, { deep: false });
  const [first] = findings;
  if (first) {
    const message = `snapshot ${snapshot} is not whole and cannot go live: ${first.message}`;
    const problems = findings.slice(1, 10).map((finding) => finding.message);
    throw new Fault('origin-corrupt', message, { problems, hint: 'nightpress snapshots {job}' });
  }
  await prepareTree(origin, snapshot);
}
