import { Fault } from '../domain/faults.js';
import { previousSnapshot } from '../domain/find-snapshot.js';
import type { Head } from '../domain/head.js';
import { countOf, parseNode } from '../domain/manifest-node.js';
import { graceMs } from '../domain/retention.js';
import type { RunId, SnapshotId } from '../domain/types.js';
import type { Origin } from '../origins/contract.js';
import { nodeLoader } from './base.js';

/** One snapshot that the head names, with everything that keeps it there. */
export interface SnapshotRow {
  readonly snapshot: SnapshotId;
  /** The commit that last put it where it is; null for one that only a pin still names. */
  readonly seq: number | null;
  readonly at: string;
  /** Null for one that only a pin still names. */
  readonly window: string | null;
  readonly run: RunId | null;
  readonly live: boolean;
  readonly previous: boolean;
  /** Rules that hold it; null when it is not staged. */
  readonly staged: readonly string[] | null;
  readonly pins: readonly string[];
  /** Retention let it go at `at`; from `until` on it may be collected. */
  readonly dropped: { readonly at: string; readonly until: string } | null;
  /** Null when its manifest cannot be read. */
  readonly assets: number | null;
}

/** Newest first. */
export async function listSnapshots(origin: Origin, head: Head): Promise<readonly SnapshotRow[]> {
  const rows = new Map<SnapshotId, SnapshotRow>();
  const { live, staged } = head.channels;
  const previous = previousSnapshot(head);
  for (const named of [...head.pins.map(pinnedOnly), ...(staged ? [staged] : []), ...head.retained]) {
    const { snapshot, seq, at, window, run } = named;
    const droppedAt = 'droppedAt' in named ? named.droppedAt : undefined;
    rows.set(snapshot, {
      ...{ snapshot, seq, at, window, run },
      live: snapshot === live?.snapshot,
      previous: snapshot === previous,
      staged: snapshot === staged?.snapshot ? staged.rules : null,
      pins: head.pins.flatMap((pin) => (pin.snapshot === snapshot ? [pin.name] : [])),
      dropped: droppedAt === undefined ? null : { at: droppedAt, until: afterGrace(droppedAt) },
      assets: null,
    });
  }
  const newestFirst = [...rows.values()].sort((a, b) => (b.seq ?? 0) - (a.seq ?? 0));
  return await Promise.all(
    newestFirst.map(async (row) => ({ ...row, assets: await countAssets(origin, row.snapshot) })),
  );
}

type Named = Pick<SnapshotRow, 'snapshot' | 'seq' | 'at' | 'window' | 'run'> & { readonly droppedAt?: string };

function pinnedOnly({ snapshot, at }: { readonly snapshot: SnapshotId; readonly at: string }): Named {
  return { snapshot, seq: null, at, window: null, run: null };
}

function afterGrace(droppedAt: string): string {
  return new Date(Date.parse(droppedAt) + graceMs).toISOString();
}

/** The root node says it, however large the snapshot is; null: it cannot be read. */
export async function countAssets(origin: Origin, snapshot: SnapshotId): Promise<number | null> {
  try {
    return countOf(parseNode(snapshot, await nodeLoader(origin)(snapshot)));
  } catch (error) {
    if (error instanceof Fault && error.code === 'origin-corrupt') return null; // shown as such; `verify` says more
    throw error;
  }
}
