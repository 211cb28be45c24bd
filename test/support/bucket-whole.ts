import { sha256 } from '../../src/domain/digest.js';
import type { Head } from '../../src/domain/head.js';
import { parseHead } from '../../src/domain/head-text.js';
import { isLeaf, type Node, parseNode } from '../../src/domain/manifest-node.js';
import { keyOfBlob, keyOfNode } from '../../src/domain/moved.js';
import type { Digest } from '../../src/domain/types.js';
import type { S3d } from './s3d/index.js';

const prefix = 'site';

/** The origin below `site/` of the bucket `media`, seen past the server. */
export function originIn(s3d: S3d) {
  const at = (key: string) => s3d.bucket().get(`${prefix}/${key}`);
  const head = () => parseHead(at('head.json')?.body.toString() ?? '');
  return { at, head, hasHead: () => at('head.json') !== undefined, missing: () => missingOf(head(), at) };
}

/** Keys of nodes and blobs that a snapshot of this head has and the store has not, or with other bytes. */
function missingOf(head: Head, at: (key: string) => { readonly body: Buffer } | undefined): readonly string[] {
  const missing: string[] = [];
  const bytesOf = (key: string, digest: Digest): Buffer | undefined => {
    const body = at(key)?.body;
    if (body && sha256(body) === digest) return body;
    missing.push(key);
    return undefined;
  };
  const walk = (digest: Digest): void => {
    const bytes = bytesOf(keyOfNode(head.moved, digest), digest);
    if (bytes) below(parseNode(digest, bytes));
  };
  const below = (node: Node): void => {
    if (!isLeaf(node)) {
      for (const child of node.children) if (typeof child === 'string') walk(child);
      return;
    }
    const items = node.entries.flatMap((entry) => Object.values(entry.items));
    for (const blob of items.flatMap((item) => item.derivatives)) bytesOf(keyOfBlob(head.moved, blob), blob.sha256);
  };
  const named = [...Object.values(head.channels), ...head.retained, ...head.pins];
  for (const snapshot of new Set(named.flatMap((one) => one?.snapshot ?? []))) walk(snapshot);
  return missing;
}
