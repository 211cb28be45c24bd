import type { Head } from './head.js';
import { type LoadNode, namedNodes } from './manifest.js';
import { isLeaf, type Leaf, parseNode } from './manifest-node.js';
import type { Digest, SnapshotId } from './types.js';

/**
 * What may be deleted at an origin. A blob or manifest node is kept when a root reaches it, when a checkpoint of this
 * state counts on it, or when it is too young: another state's run may have stored it and not published yet.
 * Everything else was left behind and is collectable. Roots come from the head alone, never from a listing.
 */
export interface Root {
  readonly snapshot: SnapshotId;
  readonly because: RootReason;
}

export type RootReason =
  | { readonly kind: 'live' }
  | { readonly kind: 'staged' }
  | { readonly kind: 'channel'; readonly name: string }
  | { readonly kind: 'pin'; readonly name: string }
  | { readonly kind: 'retained'; readonly seq: number }
  /** Retention let it go; until then readers and open pages may still follow it. */
  | { readonly kind: 'dropped'; readonly seq: number; readonly until: number };

/** One reason why a stored object stays. */
export type KeptReason =
  | RootReason
  /** Made by this state's runs, and perhaps not published yet. */
  | { readonly kind: 'checkpoint' }
  | { readonly kind: 'young'; readonly until: number };

export interface CollectAt {
  readonly now: number;
  /** How long what nobody names any more lives on. */
  readonly graceMs: number;
}

/** The part of a stored object that decides about it. */
interface Storable {
  readonly sha256: Digest;
  /** When it was stored. */
  readonly at: number;
}

/** Every snapshot that must stay whole, with the reason; one snapshot may have several. */
export function rootsOf(head: Head, { now, graceMs }: CollectAt): readonly Root[] {
  const { live, staged, ...others } = head.channels;
  const roots: Root[] = [];
  if (live) roots.push({ snapshot: live.snapshot, because: { kind: 'live' } });
  if (staged) roots.push({ snapshot: staged.snapshot, because: { kind: 'staged' } });
  for (const [name, channel] of Object.entries(others))
    if (channel) roots.push({ snapshot: channel.snapshot, because: { kind: 'channel', name } });
  for (const { name, snapshot } of head.pins) roots.push({ snapshot, because: { kind: 'pin', name } });
  for (const { snapshot, seq, droppedAt } of head.retained) {
    const until = droppedAt === undefined ? undefined : Date.parse(droppedAt) + graceMs;
    if (until === undefined) roots.push({ snapshot, because: { kind: 'retained', seq } });
    else if (until > now) roots.push({ snapshot, because: { kind: 'dropped', seq, until } });
  }
  return roots;
}

/** Every manifest node and blob of these snapshots. Throws when a node cannot be read: then nothing may be deleted. */
export async function reachableFrom(load: LoadNode, snapshots: Iterable<SnapshotId>): Promise<Set<Digest>> {
  const nodes = new Set<Digest>();
  const blobs = new Set<Digest>();
  for (const snapshot of snapshots) {
    for await (const { node } of namedNodes(load, snapshot, nodes)) {
      if (isLeaf(node)) for (const blob of blobsOf(node)) blobs.add(blob);
    }
  }
  for (const node of nodes) blobs.add(node);
  return blobs;
}

/** The roots whose snapshot has this manifest node or blob, in the order given. */
export async function rootsReaching(load: LoadNode, roots: readonly Root[], wanted: Digest): Promise<readonly Root[]> {
  const verdicts = new Map<Digest, boolean>();
  const reaches = async (digest: Digest): Promise<boolean> => {
    const verdict = verdicts.get(digest) ?? (digest === wanted || (await holds(digest)));
    verdicts.set(digest, verdict);
    return verdict;
  };
  const holds = async (digest: Digest): Promise<boolean> => {
    const node = parseNode(digest, await load(digest));
    if (isLeaf(node)) return blobsOf(node).includes(wanted);
    for (const child of node.children) if (typeof child === 'string' && (await reaches(child))) return true;
    return false;
  };
  const reaching: Root[] = [];
  for (const root of roots) if (await reaches(root.snapshot)) reaching.push(root);
  return reaching;
}

/** What was stored before `olderThan`, or is withdrawn, and is reachable from nowhere. */
export function collectable<T extends Storable>({ stored, reachable, olderThan, withdrawn }: Mark<T>): T[] {
  const mayGo = ({ at, sha256 }: T) => at < olderThan || withdrawn?.has(sha256) === true;
  return [...stored].filter((object) => mayGo(object) && !reachable.has(object.sha256));
}

export interface Mark<T extends Storable> {
  readonly stored: Iterable<T>;
  /** From the head's roots and this state's checkpoints. */
  readonly reachable: ReadonlySet<Digest>;
  readonly olderThan: number;
  /** Blobs that takedowns delete whatever their age. */
  readonly withdrawn?: ReadonlySet<Digest>;
}

/** Every reason why this object stays, strongest first; empty: `collectable` lets it go at the same instant. */
export function whyKept(object: Storable, { reaching, checkpoints, now, graceMs }: Why): readonly KeptReason[] {
  const reasons: KeptReason[] = reaching.map((root) => root.because);
  if (checkpoints.has(object.sha256)) reasons.push({ kind: 'checkpoint' });
  const until = object.at + graceMs;
  if (until >= now) reasons.push({ kind: 'young', until });
  return reasons;
}

export interface Why extends CollectAt {
  /** What `rootsReaching` found for the object. */
  readonly reaching: readonly Root[];
  readonly checkpoints: ReadonlySet<Digest>;
}

function blobsOf(leaf: Leaf): readonly Digest[] {
  const items = leaf.entries.flatMap((entry) => Object.values(entry.items));
  return items.flatMap((item) => item.derivatives.map((derivative) => derivative.sha256));
}
