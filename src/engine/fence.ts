import { randomUUID } from 'node:crypto';
import { Fault } from '../domain/faults.js';
import { fence as fenced, firstHead, type Head, landed } from '../domain/head.js';
import type { HeadRead } from '../origins/contract.js';
import type { State } from '../state/contract.js';
import { mendEntrances } from './entrances.js';
import { wayProved } from './fitness.js';
import type { HeadParts } from './move-head.js';
import type { Night } from './night.js';

/*
 * A swap whose answer never came is in the head, or may still get there at an origin with `lateSwaps`: its condition
 * holds for as long as the head is the one it was based on. So whoever goes on looks first, and where it is not there
 * yet makes a commit of the same channels. Of the two exactly one lands, and then it is known which.
 */
const maxSwaps = 5;

/** The swap that is not known to have landed or not. */
export interface Unsettled {
  readonly txn: string;
  readonly seq: number;
}

/** Before a run looks at the origin: afterwards a swap that the last one left open is in the head, or never will be. */
export async function fenceOpenSwap(night: Night): Promise<void> {
  const open = night.state.openSwap();
  if (!open || !night.origin.lateSwaps) return;
  const before = (await night.origin.readHead())?.head;
  const remembered = night.state.origin();
  if (before && remembered && before.origin !== remembered.origin) return; // it was never sent there
  const head = await fence(night, open, wayProved(night));
  if (head === undefined || head.seq === before?.seq) return;
  const message = landed(head, open.txn)
    ? `seq ${open.seq} landed after all`
    : `seq ${open.seq} never landed: a commit of what is live took its place, so that it cannot any more`;
  night.emit({ type: 'finding', finding: { code: 'swap-settled', severity: 'notice', message } });
}

/** The head in which `open` is, or can never be. Undefined: there is none, and `open` expects one. `way`: of a first commit. */
export async function fence(parts: HeadParts, open: Unsettled, way: Head['commitsBy']): Promise<Head | undefined> {
  for (let attempt = 1; attempt <= maxSwaps; attempt++) {
    const read = await parts.origin.readHead();
    if ((read?.head.seq ?? 0) !== open.seq - 1) return read?.head;
    const next = await commitFence(parts, read, way);
    if (next) return next;
  }
  throw new Fault('swap-unknown', `whether seq ${open.seq} of '${parts.job.name}' landed cannot be settled now`, {
    hint: resolveCommand,
  });
}

export const resolveCommand = 'nightpress publish {job} --resolve';

async function commitFence(
  { origin, clock, job }: HeadParts,
  read: HeadRead | undefined,
  commitsBy: Head['commitsBy'],
): Promise<Head | undefined> {
  const now = clock();
  const ground = read?.head ?? firstHead({ origin: randomUUID(), job: job.name, now, commitsBy });
  const next = fenced(ground, { txn: randomUUID(), now });
  return (await origin.swapHead(next, read?.version)) === 'landed' ? next : undefined;
}

/** What became of swaps whose answer never came. */
export interface Resolved {
  readonly head: Head;
  /** Of the run's swap that this state left open; undefined: it left none. */
  readonly landed?: boolean;
}

type ResolvingState = Pick<State, 'openSwap' | 'storeProvedAt'>;

/**
 * Settles by hand what is open: when it returns, nothing sent before can move the head any more. Writes nothing to the
 * state, which follows with the next run. Without an open swap of a run it was a person's commit: then the head as it is
 * now is fenced.
 */
export async function resolveSwap(parts: HeadParts, state: ResolvingState | undefined): Promise<Resolved> {
  const open = state?.openSwap();
  const now = (await parts.origin.readHead())?.head;
  const isLate = parts.origin.lateSwaps ?? false;
  const unsettled = open ?? (now && { txn: '', seq: now.seq + 1 });
  const way = state && wayProved({ origin: parts.origin, state });
  const head = isLate && unsettled ? await fence(parts, unsettled, way) : now;
  if (!head) {
    const hint = 'nightpress run {job}';
    throw new Fault('snapshot-unknown', `nothing was ever published for '${parts.job.name}'`, { hint });
  }
  await mendEntrances(parts.origin);
  return { head, ...(open && { landed: landed(head, open.txn) }) };
}
