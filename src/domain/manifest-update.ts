import { sha256 } from './digest.js';
import { byDigit, entriesBelow, type LoadNode, type Open, opener, split } from './manifest.js';
import { countOf, isLeaf, type Leaf, leafLimit, type Node, nodeBytes, type Subtree } from './manifest-node.js';
import type { AssetKey, Digest, Entry, SnapshotId } from './types.js';

export interface UpdatedManifest {
  /** The same as the one given when nothing changed. */
  readonly root: SnapshotId;
  /** Nodes that the given manifest does not have, children before their parents. */
  readonly nodes: ReadonlyMap<Digest, Buffer>;
  /** Entries in the whole manifest. */
  readonly count: number;
}

type Change = readonly [AssetKey, Entry | undefined];

/**
 * The manifest after `updates`; an undefined entry removes its key. Reads only the nodes on the way to what changed.
 * Without a root it is built from nothing; the empty manifest is a manifest too.
 */
export async function updateManifest(
  load: LoadNode,
  root: SnapshotId | undefined,
  updates: ReadonlyMap<AssetKey, Entry | undefined>,
): Promise<UpdatedManifest> {
  const known = new Set<Digest>();
  const open = opener(load, known);
  const grown = await graft(open, await open(root ?? null), [...updates], 0);
  const nodes = new Map<Digest, Buffer>();
  return { root: seal(grown, known, nodes), nodes, count: countOf(grown) };
}

async function graft(open: Open, node: Node, changes: readonly Change[], depth: number): Promise<Node> {
  if (isLeaf(node)) return planted(merged(node, changes), depth);
  const children = [...node.children];
  let count = node.count;
  const growing = [...byDigit(changes, depth, ([key]) => key)].map(async ([digit, below]) => {
    const before = await open(children[digit] ?? null);
    const after = await graft(open, before, below, depth + 1);
    count += countOf(after) - countOf(before);
    children[digit] = countOf(after) === 0 ? null : after;
  });
  await Promise.all(growing);
  const grown = { count, children };
  return count > leafLimit ? grown : await collapsed(open, grown);
}

function merged(leaf: Leaf, changes: readonly Change[]): Leaf {
  const byKey = new Map<AssetKey, Entry | undefined>(leaf.entries.map((entry) => [entry.key, entry]));
  for (const [key, entry] of changes) byKey.set(key, entry);
  return sorted([...byKey.values()].filter((entry) => entry !== undefined));
}

function sorted(unsorted: readonly Entry[]): Leaf {
  return { entries: unsorted.toSorted((a, b) => (a.key < b.key ? -1 : 1)) };
}

/** What a subtree of these entries has to look like. */
function planted(leaf: Leaf, depth: number): Node {
  if (leaf.entries.length <= leafLimit) return leaf;
  const children = split(leaf, depth).map((child) => child && planted(child, depth + 1));
  return { count: leaf.entries.length, children };
}

async function collapsed(open: Open, node: Node): Promise<Leaf> {
  const below: Entry[] = [];
  for await (const entry of entriesBelow(open, node)) below.push(entry);
  return sorted(below);
}

/** Names a subtree, and writes those of its nodes that are new. */
function seal(tree: Subtree, known: ReadonlySet<Digest>, nodes: Map<Digest, Buffer>): Digest {
  if (typeof tree === 'string') return tree;
  const bytes = nodeBytes(
    isLeaf(tree)
      ? tree
      : { count: tree.count, children: tree.children.map((child) => child && seal(child, known, nodes)) },
  );
  const digest = sha256(bytes);
  if (!known.has(digest)) nodes.set(digest, bytes);
  return digest;
}
