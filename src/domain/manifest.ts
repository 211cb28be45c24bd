import { isDeepStrictEqual } from 'node:util';
import { sha256 } from './digest.js';
import { emptyLeaf, fanOut, isLeaf, type Leaf, type Node, parseNode, type Subtree } from './manifest-node.js';
import type { AssetKey, Digest, Entry, SnapshotId } from './types.js';

/** Reads one node by name: exactly the bytes whose sha256 it is. Called for many at once; it may let some of them wait. */
export type LoadNode = (digest: Digest) => Promise<Buffer>;

/** One asset whose entry differs between two manifests. `before` and `after` are never both absent. */
export interface EntryChange {
  readonly key: AssetKey;
  readonly before?: Entry;
  readonly after?: Entry;
}

export type Open = (tree: Subtree | null) => Promise<Node>;
/** The entries of these keys; a key that the manifest does not have is absent from the result. */
export async function lookup(
  load: LoadNode,
  root: SnapshotId,
  keys: Iterable<AssetKey>,
): Promise<ReadonlyMap<AssetKey, Entry>> {
  const found = new Map<AssetKey, Entry>();
  const open = opener(load);
  const seek = async (tree: Subtree | null, wanted: ReadonlySet<AssetKey>, depth: number): Promise<void> => {
    const node = await open(tree);
    if (isLeaf(node)) {
      for (const entry of node.entries) if (wanted.has(entry.key)) found.set(entry.key, entry);
      return;
    }
    const below = [...byDigit([...wanted], depth, (key) => key)];
    await Promise.all(below.map(([digit, keys]) => seek(node.children[digit] ?? null, new Set(keys), depth + 1)));
  };
  const wanted = new Set(keys);
  if (wanted.size > 0) await seek(root, wanted, 0);
  return found;
}

/** Every entry, in the order of the trie: the same for the same manifest, but of no use to people. */
export async function* entries(load: LoadNode, root: SnapshotId): AsyncGenerator<Entry> {
  const open = opener(load);
  yield* entriesBelow(open, await open(root));
}

/**
 * Every entry that can be read. `load` resolves to undefined for a node that is not there or not whole: its name is added
 * to `lost`, and what lies below it is left out.
 */
export async function* readableEntries(
  load: (digest: Digest) => Promise<Buffer | undefined>,
  root: SnapshotId,
  lost: Digest[],
): AsyncGenerator<Entry> {
  const bytes = await load(root);
  if (!bytes) return void lost.push(root);
  const node = parseNode(root, bytes);
  if (isLeaf(node)) return yield* node.entries;
  for (const child of node.children) if (typeof child === 'string') yield* readableEntries(load, child, lost);
}

/** Entries that differ, reading only subtrees that differ. An undefined side is an empty manifest. */
export async function* diffManifests(
  load: LoadNode,
  before: SnapshotId | undefined,
  after: SnapshotId | undefined,
): AsyncGenerator<EntryChange> {
  if (before === after) return;
  const open = opener(load);
  const [was, is] = ahead(open, [before ?? null, after ?? null]);
  yield* diffBelow(open, { before: was, after: is, depth: 0 });
}

/** Every node with its name, the root first. Nodes in `seen` are skipped with all below them; what is yielded is added. */
export async function* namedNodes(
  load: LoadNode,
  root: SnapshotId,
  seen: Set<Digest>,
): AsyncGenerator<{ readonly digest: Digest; readonly node: Node }> {
  yield* namedBelow(opener(load), [root], seen);
}

/** Opens subtrees; the names of those that had to be read are added to `known`. */
export function opener(load: LoadNode, known?: Set<Digest>): Open {
  return async (tree) => {
    if (tree === null) return emptyLeaf;
    if (typeof tree !== 'string') return tree;
    const node = parseNode(tree, await load(tree));
    known?.add(tree);
    return node;
  };
}

/** Begins to read all these, so that who goes through them one after another waits for the first only. */
function ahead(open: Open, trees: readonly (Subtree | null)[]): Promise<Node>[] {
  return trees.map((tree) => {
    const node = open(tree);
    node.catch(() => {}); // an earlier one may have failed before: whoever awaits this one still sees its failure
    return node;
  });
}

export function split(leaf: Leaf, depth: number): (Leaf | null)[] {
  const children = new Array<Leaf | null>(fanOut).fill(null);
  for (const [digit, below] of byDigit(leaf.entries, depth, (entry) => entry.key)) children[digit] = { entries: below };
  return children;
}

export function byDigit<T>(things: readonly T[], depth: number, keyOf: (thing: T) => AssetKey): Map<number, T[]> {
  const groups = new Map<number, T[]>();
  for (const thing of things) {
    const digit = Number.parseInt(sha256(keyOf(thing)).charAt(depth), fanOut);
    const group = groups.get(digit);
    if (group) group.push(thing);
    else groups.set(digit, [thing]);
  }
  return groups;
}

export async function* entriesBelow(open: Open, node: Node): AsyncGenerator<Entry> {
  if (isLeaf(node)) return yield* node.entries;
  for (const child of ahead(open, node.children)) yield* entriesBelow(open, await child);
}

async function* namedBelow(
  open: Open,
  children: readonly (Subtree | null)[],
  seen: Set<Digest>,
): ReturnType<typeof namedNodes> {
  const names = children.filter((child) => typeof child === 'string').filter((child) => !seen.has(child));
  for (const name of names) seen.add(name);
  const nodes = ahead(open, names);
  for (const [at, digest] of names.entries()) {
    const node = (await nodes[at]) as Node;
    yield { digest, node };
    if (!isLeaf(node)) yield* namedBelow(open, node.children, seen);
  }
}

interface Pair {
  readonly before: Promise<Node> | undefined;
  readonly after: Promise<Node> | undefined;
  readonly depth: number;
}

async function* diffBelow(open: Open, { before, after, depth }: Pair): AsyncGenerator<EntryChange> {
  const was = (await before) ?? emptyLeaf;
  const is = (await after) ?? emptyLeaf;
  if (isLeaf(was) && isLeaf(is)) return yield* diffLeaves(was, is);
  const [left, right] = [was, is].map((node) => (isLeaf(node) ? split(node, depth) : node.children));
  const differing = Array.from({ length: fanOut }, (_, digit) => [left?.[digit] ?? null, right?.[digit] ?? null]);
  const begun = differing.filter(([old, fresh]) => old !== fresh).map((pair) => ahead(open, pair));
  for (const [old, fresh] of begun) yield* diffBelow(open, { before: old, after: fresh, depth: depth + 1 });
}

function* diffLeaves(was: Leaf, is: Leaf): Generator<EntryChange> {
  const old = new Map(was.entries.map((entry) => [entry.key, entry]));
  for (const after of is.entries) {
    const before = old.get(after.key);
    old.delete(after.key);
    if (!before) yield { key: after.key, after };
    else if (!isDeepStrictEqual(before, after)) yield { key: after.key, before, after };
  }
  for (const before of old.values()) yield { key: before.key, before };
}
