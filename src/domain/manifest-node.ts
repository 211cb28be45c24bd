import { canonicalJson } from './digest.js';
import { Fault } from './faults.js';
import {
  fanOut,
  isEntry,
  isInnerNode,
  isLeafNode,
  isRecord,
  leafLimit,
  type Node,
  type SealedNode,
} from './manifest-shape.js';
import type { Digest } from './types.js';

export {
  countOf,
  emptyLeaf,
  fanOut,
  type Inner,
  isLeaf,
  type Leaf,
  leafLimit,
  type Node,
  type SealedNode,
  type Subtree,
} from './manifest-shape.js';

export function nodeBytes(node: SealedNode): Buffer {
  return Buffer.from(canonicalJson({ ...node, nightpress: 1 }));
}

/** Throws `origin-corrupt`, naming the node, unless the bytes are a node in every member that anyone reads. */
export function parseNode(digest: Digest, bytes: Buffer): Node {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw corrupt(digest, 'is not JSON', cause);
  }
  if (isLeafNode(value) || isInnerNode(value)) return value;
  throw corrupt(digest, whatIsWrong(value));
}

function corrupt(digest: Digest, what: string, cause?: unknown): Fault {
  return new Fault('origin-corrupt', `manifest m/${digest}.json ${what}`, { cause });
}

function whatIsWrong(value: unknown): string {
  const format = isRecord(value) ? value.nightpress : undefined;
  if (format !== 1) return `has format ${JSON.stringify(format)}, expected 1`;
  const entries = isRecord(value) && Array.isArray(value.entries) ? value.entries : [];
  const bad = entries.find((entry: unknown) => !isEntry(entry));
  if (bad !== undefined) return `holds a malformed entry: ${JSON.stringify(bad).slice(0, 200)}`;
  return `is neither a sorted leaf of at most ${leafLimit} entries nor an inner node of ${fanOut} children`;
}
