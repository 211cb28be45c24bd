import { Fault } from '../domain/faults.js';
import type { Head } from '../domain/head.js';
import { type LoadNode, lookup } from '../domain/manifest.js';
import { blobKey } from '../domain/origin-keys.js';
import type { AssetKey, Digest, Entry, SnapshotId } from '../domain/types.js';
import { pathOfUrl } from '../domain/urls.js';
import type { Origin } from '../origins/contract.js';
import { liveLoader, nodeLoader } from './base.js';
import { entriesOf, isWhole, namedSnapshots } from './content.js';
import { shows } from './find-asset.js';

export interface KeptParts {
  readonly origin: Origin;
  readonly job: { readonly name: string };
}

/**
 * The asset that a text names in any snapshot the head names, or in a takedown: by its key, or by a public path or blob of
 * it, also as a URL below one of `bases`. The text itself where none does. Throws `asset-unknown` for what assets of
 * different content show: which of them is meant must be said by key.
 */
export async function keptAsset(
  { origin, job }: KeptParts,
  head: Head,
  { text, bases }: { readonly text: string; readonly bases: readonly string[] },
): Promise<AssetKey> {
  const { withdrawn = [] } = head;
  const named = namedSnapshots(head).map((snapshot) => ({ snapshot, ...loaderOf(origin, head, snapshot) }));
  if (withdrawn.some(({ key }) => key === text)) return text;
  for (const one of named) if (await holdsKey(one, text)) return text;
  const paths = [undefined, ...bases].map((base) => pathOfUrl(text, base));
  const found = new Map<AssetKey, Digest>();
  let seen = new Set<Digest>();
  for (const { snapshot, load, isLive } of named) {
    const own = new Set(seen); // what a damaged snapshot skipped over must not count as seen by the next
    const look = async () => {
      for await (const entry of entriesOf(load, snapshot, own)) if (shows(entry, paths)) note(found, entry);
    };
    if (await isWhole(look, isLive)) seen = own;
  }
  const gone = withdrawn.find(
    (one) => one.paths?.some((path) => paths.includes(path)) || one.blobs.some((blob) => paths.includes(blobKey(blob))),
  );
  const [first = gone?.key ?? text, ...others] = found.keys();
  if (others.length === 0 || new Set(found.values()).size === 1) return first;
  const keys = [...found.keys()].map((key) => `'${key}'`).join(', ');
  throw new Fault(
    'asset-unknown',
    `several assets of '${job.name}' show '${text}': expected the key of one, of ${keys}`,
  );
}

function note(found: Map<AssetKey, Digest>, { key, source }: Entry): void {
  found.set(key, source.sha256);
}

interface Loader {
  readonly load: LoadNode;
  readonly isLive: boolean;
}

function loaderOf(origin: Origin, { channels }: Head, snapshot: SnapshotId): Loader {
  const isLive = snapshot === channels.live?.snapshot;
  return { load: isLive ? liveLoader(origin) : nodeLoader(origin), isLive };
}

async function holdsKey(
  { snapshot, load, isLive }: Loader & { snapshot: SnapshotId },
  key: AssetKey,
): Promise<boolean> {
  let held = false;
  await isWhole(async () => {
    held = (await lookup(load, snapshot, [key])).has(key);
  }, isLive);
  return held;
}
