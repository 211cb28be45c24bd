import { Fault } from '../domain/faults.js';
import type { Head, Withdrawal } from '../domain/head.js';
import { type LoadNode, lookup, namedNodes } from '../domain/manifest.js';
import { isLeaf } from '../domain/manifest-node.js';
import { compareText } from '../domain/order.js';
import { blobKey } from '../domain/origin-keys.js';
import type { AssetKey, Digest, Entry, SnapshotId } from '../domain/types.js';
import { blobsOf, type Content, cleaned } from '../domain/withdraw.js';
import type { BlobName, Origin } from '../origins/contract.js';
import { liveLoader, nodeLoader } from './base.js';

/** What a takedown of one asset would do to an origin. */
export interface FoundContent {
  /** Every key and source that shows the content. Empty: no snapshot shows it. */
  readonly contents: readonly Omit<Withdrawal, 'reason' | 'at' | 'seq' | 'erasedAt'>[];
  /** Snapshots that show it, each with its cleaned entries: undefined, where nothing of an asset is left. */
  readonly snapshots: ReadonlyMap<SnapshotId, ReadonlyMap<AssetKey, Entry | undefined>>;
  /** Blobs that stay, because an asset with other content has the same bytes; and one such asset. */
  readonly shared: readonly { readonly blob: BlobName; readonly key: AssetKey }[];
  /** Snapshots that cannot be read and so not be cleaned; the live one is never among them. */
  readonly unreadable: ReadonlySet<SnapshotId>;
}

/**
 * Looks through every snapshot the head names for the content of one asset: whatever it shows in any of them, under
 * whatever key. Reads every manifest node twice and writes nothing. Throws `origin-corrupt` for a damaged live manifest.
 */
export async function findContent(origin: Origin, head: Head, key: AssetKey): Promise<FoundContent> {
  const named = namedAt(origin, head);
  const sources = new Set<Digest>();
  const unreadable = new Set<SnapshotId>();
  for (const one of named) {
    const isRead = await isWhole(one, async () => {
      const entry = (await lookup(one.load, one.snapshot, [key])).get(key);
      if (entry) sources.add(entry.source.sha256);
    });
    if (!isRead) unreadable.add(one.snapshot);
  }
  if (sources.size === 0) return { contents: [], snapshots: new Map(), shared: [], unreadable: new Set() };
  const readable = () => named.filter(({ snapshot }) => !unreadable.has(snapshot));
  const showing: Entry[] = [];
  const lost = await lookThrough(readable(), (entry) => {
    if (sources.has(entry.source.sha256)) showing.push(entry);
  });
  for (const snapshot of lost) unreadable.add(snapshot);
  const items = new Set(showing.flatMap((entry) => Object.values(entry.items).map(({ fingerprint }) => fingerprint)));
  const content = { sources, items };
  const whole = readable().map(({ snapshot }) => snapshot);
  const others = await lookAtOthers(origin, whole, { content, wanted: blobsOf(itemsOf(showing)) });
  const touched = new Set([...showing.map((entry) => entry.key), ...others.losing]);
  return {
    contents: contentsOf(showing, { kept: others.shared, withPaths: origin.tree !== undefined }),
    snapshots: await cleanedEntries(origin, whole, { touched, content }),
    shared: [...others.shared.values()],
    unreadable,
  };
}

/** Each once. */
export function namedSnapshots({ channels, retained, pins }: Head): readonly SnapshotId[] {
  return [...new Set([...Object.values(channels), ...retained, ...pins].flatMap((named) => named?.snapshot ?? []))];
}

/** A snapshot that the head names, and how its manifest is read. */
export interface Named {
  readonly snapshot: SnapshotId;
  readonly load: LoadNode;
  readonly isLive: boolean;
}

export function namedAt(origin: Origin, head: Head): readonly Named[] {
  return namedSnapshots(head).map((snapshot) => {
    const isLive = snapshot === head.channels.live?.snapshot;
    return { snapshot, load: isLive ? liveLoader(origin) : nodeLoader(origin), isLive };
  });
}

/** False: a manifest node of it is lost or damaged. What is live must be readable, or nobody knows what it shows. */
export async function isWhole({ isLive }: Pick<Named, 'isLive'>, look: () => Promise<void>): Promise<boolean> {
  try {
    await look();
    return true;
  } catch (error) {
    if (!isLive && error instanceof Fault && error.code === 'origin-corrupt') return false;
    throw error;
  }
}

/** Every entry of these, one that several have in the same node once. Returns those that cannot be read to their end. */
export async function lookThrough(
  named: readonly Named[],
  note: (entry: Entry) => void,
): Promise<ReadonlySet<SnapshotId>> {
  const unreadable = new Set<SnapshotId>();
  let seen = new Set<Digest>();
  for (const one of named) {
    const own = new Set(seen); // what a damaged snapshot skipped over must not count as seen by the next
    const isRead = await isWhole(one, async () => {
      for await (const entry of entriesOf(one.load, one.snapshot, own)) note(entry);
    });
    if (isRead) seen = own;
    else unreadable.add(one.snapshot);
  }
  return unreadable;
}

/** Entries of nodes that are not in `seen`, which grows by them. */
async function* entriesOf(load: LoadNode, snapshot: SnapshotId, seen: Set<Digest>): AsyncGenerator<Entry> {
  for await (const { node } of namedNodes(load, snapshot, seen)) if (isLeaf(node)) yield* node.entries;
}

interface Sought {
  readonly content: Content;
  readonly wanted: readonly BlobName[];
}

interface Others {
  /** Assets of other content that show derivatives of it, carried: they lose those items, and perhaps nothing else. */
  readonly losing: readonly AssetKey[];
  /** By key, blobs of the content that other content shows, too. */
  readonly shared: ReadonlyMap<string, { readonly blob: BlobName; readonly key: AssetKey }>;
}

async function lookAtOthers(origin: Origin, snapshots: readonly SnapshotId[], sought: Sought): Promise<Others> {
  const { content } = sought;
  const wanted = new Map(sought.wanted.map((blob) => [blobKey(blob), blob]));
  const shared = new Map<string, { readonly blob: BlobName; readonly key: AssetKey }>();
  const losing = new Set<AssetKey>();
  for await (const entry of everyEntry(origin, snapshots)) {
    const left = cleaned(entry, content);
    if (left !== entry && !content.sources.has(entry.source.sha256)) losing.add(entry.key);
    for (const name of left ? blobsOf(itemsOf([left])) : []) {
      const blob = wanted.get(blobKey(name));
      if (blob) shared.set(blobKey(blob), { blob, key: entry.key });
    }
  }
  return { losing: [...losing], shared };
}

/** Of all these snapshots; one that several have in the same node comes once. */
export async function* everyEntry(origin: Origin, snapshots: Iterable<SnapshotId>): AsyncGenerator<Entry> {
  const seen = new Set<Digest>();
  for (const snapshot of snapshots) yield* entriesOf(nodeLoader(origin), snapshot, seen);
}

async function cleanedEntries(
  origin: Origin,
  snapshots: readonly SnapshotId[],
  { touched, content }: { readonly touched: ReadonlySet<AssetKey>; readonly content: Content },
): Promise<FoundContent['snapshots']> {
  const changed = new Map<SnapshotId, ReadonlyMap<AssetKey, Entry | undefined>>();
  for (const snapshot of snapshots) {
    const entries = await lookup(nodeLoader(origin), snapshot, touched);
    const updates = [...entries].flatMap(([key, entry]) => {
      const left = cleaned(entry, content);
      return left === entry ? [] : [[key, left] as const];
    });
    if (updates.length > 0) changed.set(snapshot, new Map(updates));
  }
  return changed;
}

/** One for every key and source, whatever snapshot shows it. */
function contentsOf(
  showing: readonly Entry[],
  { kept, withPaths }: { readonly kept: Others['shared']; readonly withPaths: boolean },
): FoundContent['contents'] {
  const groups = new Map<string, Entry[]>();
  for (const entry of showing) {
    const name = JSON.stringify([entry.key, entry.source.sha256]);
    groups.set(name, [...(groups.get(name) ?? []), entry]);
  }
  const contents = [...groups.values()].flatMap((entries) => {
    const [first] = entries;
    if (!first) return [];
    const items = itemsOf(entries);
    const paths = items.flatMap(({ derivatives }) => derivatives.map(({ path }) => path));
    return {
      key: first.key,
      source: first.source.sha256,
      items: [...new Set(items.map(({ fingerprint }) => fingerprint))],
      blobs: blobsOf(items).filter((blob) => !kept.has(blobKey(blob))),
      ...(withPaths && { paths: [...new Set(paths)] }),
    };
  });
  return contents.sort((a, b) => compareText(a.key, b.key) || compareText(a.source, b.source));
}

function itemsOf(entries: readonly Entry[]) {
  return entries.flatMap((entry) => Object.values(entry.items));
}
