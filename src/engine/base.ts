import { Fault } from '../domain/faults.js';
import type { Head } from '../domain/head.js';
import { landed } from '../domain/head.js';
import { diffManifests, type EntryChange, entries, type LoadNode, readableEntries } from '../domain/manifest.js';
import type { Digest, Entry, SnapshotId } from '../domain/types.js';
import type { Origin } from '../origins/contract.js';
import type { RememberedOrigin, Settlement } from '../state/contract.js';
import type { Night } from './night.js';
import { createPool } from './pool.js';

/** The origin as a run finds it: the truth that the local state is measured against. */
export interface Base {
  /** Undefined: nothing was ever published here. */
  readonly head: Head | undefined;
  /** What a plan is measured against: the live snapshot, or what can still be read of it. */
  readonly snapshot: SnapshotId | undefined;
  /** The live snapshot when its manifest is damaged and a run goes on from what can still be read: see `salvage.ts`. */
  readonly damaged?: SnapshotId;
  /** A swap that the last process did not live to confirm had landed. */
  readonly landedRun?: string;
}

/** Manifest nodes read at a time: a bucket far away is waited for, not worked for. */
const readsAtOnce = 16;

/** Reads manifest nodes from an origin; a node that a manifest names and nobody has is a corrupt origin. */
export function nodeLoader(origin: Origin): LoadNode {
  const reads = createPool(readsAtOnce);
  return async (digest: Digest) => {
    const bytes = await reads(() => origin.readManifest(digest));
    if (!bytes) throw new Fault('origin-corrupt', `manifest m/${digest}.json is missing at the origin`);
    return bytes;
  };
}

/** The same for what a night stands on: when the live manifest is damaged, it says how to go on. */
export function liveLoader(origin: Origin): LoadNode {
  const load = nodeLoader(origin);
  return async (digest) => {
    try {
      return await load(digest);
    } catch (error) {
      if (!isCorrupt(error)) throw error;
      const message = `${error.message}: --adopt goes on from what can still be read, and makes the rest again`;
      throw new Fault('origin-corrupt', message, { cause: error, hint: 'nightpress run {job} --adopt' });
    }
  };
}

/** Throws when the first node of the live manifest, without which nobody finds anything, is lost or damaged. */
export async function lookAtLive(
  origin: Origin,
  { snapshot, damaged }: Pick<Base, 'snapshot' | 'damaged'>,
): Promise<void> {
  if (snapshot && !damaged) await liveLoader(origin)(snapshot);
}

function isCorrupt(error: unknown): error is Fault {
  return error instanceof Fault && error.code === 'origin-corrupt';
}

/** Undefined for a node that is not there or damaged. */
export function loadIfWhole(origin: Origin): (digest: Digest) => Promise<Buffer | undefined> {
  return (digest) => unlessLost(origin.readManifest(digest));
}

/**
 * Compares the origin with what the state remembers and makes the state follow (the origin is the truth):
 * adopts a live snapshot the state never saw, settles a swap left open, and marks what others changed meanwhile.
 * `adopt` accepts an origin that is not the one remembered, and once for all that of a job of another name.
 */
export async function meetOrigin(night: Night, adopt: boolean): Promise<Base> {
  const read = await night.origin.readHead();
  const head = read?.head;
  const remembered = night.state.origin();
  if (remembered && !adopt) refuseStranger(remembered, head, night.job.name);
  if (head && head.job !== night.job.name && !remembered && !adopt)
    throw foreign(`belongs to job '${head.job}', this is '${night.job.name}'`);
  const landedRun = settleSwap(night, head);
  const snapshot = head?.channels.live?.snapshot;
  if (head && snapshot) await followLive(night, { head, live: snapshot, remembered, adopt });
  else if (remembered?.snapshot) night.state.unsettle('all'); // what was live is gone: nothing of it may count as published
  return { head, snapshot, landedRun };
}

function foreign(what: string): Fault {
  return new Fault('origin-foreign', `the origin ${what}`);
}

/** Nothing lies where something was published: no origin that never was. */
export function originGone(job: string, seq: number): Fault {
  const message = `the origin of '${job}' is gone: it was seq ${seq}, and now there is no head; is its volume mounted?`;
  return new Fault('origin-rewound', message);
}

/** Throws unless this is the origin that the state remembers, at least as far on. */
export function refuseStranger(remembered: RememberedOrigin, head: Head | undefined, job: string): void {
  if (!head) throw originGone(job, remembered.seq);
  if (head.origin !== remembered.origin) throw foreign(`is ${head.origin}, the state remembers ${remembered.origin}`);
  if (head.seq < remembered.seq) {
    throw new Fault(
      'origin-rewound',
      `the origin is at seq ${head.seq}, but seq ${remembered.seq} was seen there: was it restored from an old copy?`,
    );
  }
}

/** A swap left open cannot land any more (see `fence.ts`): it is in the head now, or it never will be. */
function settleSwap(night: Night, head: Head | undefined): string | undefined {
  const open = night.state.openSwap();
  if (!open) return undefined;
  night.state.endSwap(open.txn);
  return head && landed(head, open.txn) ? open.run : undefined;
}

interface Found {
  readonly head: Head;
  readonly live: SnapshotId;
  readonly remembered: RememberedOrigin | undefined;
  /** A manifest of which something is lost is taken as it is. */
  readonly adopt: boolean;
}

async function followLive(night: Night, { head, live, remembered, adopt }: Found): Promise<void> {
  const now: RememberedOrigin = { origin: head.origin, seq: head.seq, snapshot: live };
  const sameOrigin = remembered?.origin === head.origin;
  if (sameOrigin && remembered.snapshot === live) {
    if (remembered.seq !== head.seq) night.state.rememberOrigin(now);
    return;
  }
  const before = sameOrigin ? remembered.snapshot : undefined;
  const load = liveLoader(night.origin);
  const known = before && (await unlessLost(assetsOf(night, differences(diffManifests(load, before, live)))));
  const all = adopt ? readableEntries(loadIfWhole(night.origin), live, []) : entries(load, live);
  const settlement = known ?? (await assetsOf(night, all));
  if (!known) night.state.unsettle('all');
  night.state.settle({ origin: now, removed: [], at: night.clock(), ...settlement });
  if (!remembered) night.emit({ type: 'adopted', snapshot: live, assets: settlement.upserts.length });
}

/** Undefined: a manifest of the past was collected or lost, and everything has to be looked at. */
async function unlessLost<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isCorrupt(error)) return undefined;
    throw error;
  }
}

/** Of an asset that is in the live snapshot no more, its last entry. */
async function* differences(changes: AsyncIterable<EntryChange>): AsyncGenerator<Entry> {
  for await (const { before, after } of changes) {
    const entry = after ?? before;
    if (entry) yield entry;
  }
}

/** Rows for assets whose live entry is not the one the state settled: known by content, their listing not trusted. */
async function assetsOf(night: Night, live: AsyncIterable<Entry>): Promise<Pick<Settlement, 'upserts'>> {
  const upserts: Settlement['upserts'][number][] = [];
  for await (const { key, source } of live) {
    const row = night.state.asset(key);
    upserts.push({
      key,
      bytes: row?.bytes ?? source.bytes,
      modifiedAt: row?.modifiedAt ?? 0,
      listing: row?.listing,
      sha256: row?.listing ? row.sha256 : source.sha256,
      recipes: row?.recipes ?? 0,
      settled: undefined,
    });
  }
  return { upserts };
}
