import type { Head } from './head.js';
import { type LoadNode, namedNodes } from './manifest.js';
import { isLeaf, type Leaf, parseNode } from './manifest-node.js';
import { type Moved, whereLies } from './moved.js';
import { blobKey, manifestKey, originalKey } from './origin-keys.js';
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
  readonly key: string;
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
    else if (until >= now) roots.push({ snapshot, because: { kind: 'dropped', seq, until } });
  }
  return roots;
}

/**
 * The key of every manifest node and blob of these snapshots, as their names say: `moved` comes later. Throws when a node
 * cannot be read: then nothing may be deleted.
 */
export async function reachableFrom(load: LoadNode, snapshots: Iterable<SnapshotId>): Promise<Set<string>> {
  const nodes = new Set<Digest>();
  const keys = new Set<string>();
  for (const snapshot of snapshots) {
    for await (const { node } of namedNodes(load, snapshot, nodes)) {
      if (isLeaf(node)) for (const key of blobsOf(node)) keys.add(key);
    }
  }
  for (const node of nodes) keys.add(manifestKey(node));
  return keys;
}

/** The roots whose snapshot has this manifest node or blob, in the order given; `wanted` is a key as the name says. */
export async function rootsReaching(load: LoadNode, roots: readonly Root[], wanted: string): Promise<readonly Root[]> {
  const verdicts = new Map<Digest, boolean>();
  const reaches = async (digest: Digest): Promise<boolean> => {
    const verdict = verdicts.get(digest) ?? (manifestKey(digest) === wanted || (await holds(digest)));
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

/** What was stored before `olderThan`, or is withdrawn, and is reachable from nowhere and counted on by no checkpoint. */
export function collectable<T extends Storable>(mark: Mark<T>): T[] {
  const { stored, reachable, moved, checkpoints, withdrawn, olderThan } = mark;
  const isWithdrawn = ({ sha256 }: T) => withdrawn?.has(sha256) === true;
  const isNeeded = ({ key }: T) => isWhereItLies(key, moved) && reachable.has(originalKey(key));
  const isCountedOn = (object: T) => checkpoints.has(object.sha256) && !isWithdrawn(object);
  const mayGo = (object: T) => object.at < olderThan || isWithdrawn(object);
  return [...stored].filter((object) => mayGo(object) && !isNeeded(object) && !isCountedOn(object));
}

export interface Mark<T extends Storable> {
  readonly stored: Iterable<T>;
  /** From the head's roots: keys as names say. */
  readonly reachable: ReadonlySet<string>;
  readonly moved: Moved | undefined;
  readonly checkpoints: ReadonlySet<Digest>;
  readonly olderThan: number;
  /** Blobs that takedowns delete whatever their age. */
  readonly withdrawn?: ReadonlySet<Digest>;
}

/** Whether bytes of this name are looked for under this very key: those of another generation lie there for nobody. */
export function isWhereItLies(key: string, moved: Moved | undefined): boolean {
  return whereLies(moved, originalKey(key)) === key;
}

/** What `moved` has to go on saying: who is reachable no more needs no place. */
export function movedOf(moved: Moved, reachable: ReadonlySet<string>): Moved {
  return Object.fromEntries(Object.entries(moved).filter(([key]) => reachable.has(key)));
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

function blobsOf(leaf: Leaf): readonly string[] {
  const items = leaf.entries.flatMap((entry) => Object.values(entry.items));
  return items.flatMap((item) => item.derivatives.map(blobKey));
}
