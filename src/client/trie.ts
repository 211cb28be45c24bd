import { isInnerNode, isLeaf, isLeafNode, type Node } from '../domain/manifest-shape.js';
import type { AssetKey, Digest, Entry } from '../domain/types.js';
import { sha256 } from './digest.js';
import { ReadError } from './errors.js';

/** The node of that name, checked. */
export type OpenNode = (digest: Digest) => Promise<Node>;

/** Follows the hex digits of the sha256 of the key (UTF-8) from the root: one node a digit, down to a leaf. */
export async function findEntry(open: OpenNode, root: Digest, key: AssetKey): Promise<Entry | undefined> {
  const path = await sha256(new TextEncoder().encode(key));
  let node = await open(root);
  for (const digit of path) {
    if (isLeaf(node)) break;
    const child = node.children[Number.parseInt(digit, 16)] as Digest | null; // read from an origin: a name, never a node
    if (child === null) return undefined;
    node = await open(child);
  }
  return isLeaf(node) ? node.entries.find((entry) => entry.key === key) : undefined;
}

/** Every entry, in the order of the trie. */
export async function* allEntries(open: OpenNode, root: Digest): AsyncGenerator<Entry> {
  const node = await open(root);
  if (isLeaf(node)) return yield* node.entries;
  for (const child of node.children) if (child !== null) yield* allEntries(open, child as Digest);
}

/** Throws `corrupt` unless the bytes are those of this name, and a node. */
export async function checkedNode(digest: Digest, bytes: Uint8Array): Promise<Node> {
  const actual = await sha256(bytes);
  if (actual !== digest) throw new ReadError('corrupt', `manifest node ${digest} has bytes of sha256 ${actual}`);
  const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
  if (isLeafNode(value) || isInnerNode(value)) return value;
  throw new ReadError('corrupt', `manifest node ${digest} is neither a leaf nor an inner node of format 1`);
}

/** Nodes kept in memory, each read once at a time; the one longest not asked for goes first. */
export function remembering(open: OpenNode, most: number): OpenNode {
  const nodes = new Map<Digest, Promise<Node>>();
  return (digest) => {
    const node = nodes.get(digest) ?? open(digest);
    nodes.delete(digest);
    nodes.set(digest, node);
    node.catch(() => nodes.delete(digest)); // tried again by whoever asks next; the caller sees this failure
    const [oldest] = nodes.keys();
    if (nodes.size > most && oldest) nodes.delete(oldest);
    return node;
  };
}
