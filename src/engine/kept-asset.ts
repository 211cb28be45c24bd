import { Fault } from '../domain/faults.js';
import type { Head } from '../domain/head.js';
import { lookup } from '../domain/manifest.js';
import { blobKey } from '../domain/origin-keys.js';
import type { AssetKey, Digest } from '../domain/types.js';
import { pathOfUrl } from '../domain/urls.js';
import type { Origin } from '../origins/contract.js';
import { isWhole, lookThrough, type Named, namedAt } from './content.js';
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
  const named = namedAt(origin, head);
  if (withdrawn.some(({ key }) => key === text)) return text;
  for (const one of named) if (await holdsKey(one, text)) return text;
  const paths = [undefined, ...bases].map((base) => pathOfUrl(text, base));
  const found = new Map<AssetKey, Digest>();
  await lookThrough(named, (entry) => {
    if (shows(entry, paths)) found.set(entry.key, entry.source.sha256);
  });
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

async function holdsKey(one: Named, key: AssetKey): Promise<boolean> {
  let held = false;
  await isWhole(one, async () => {
    held = (await lookup(one.load, one.snapshot, [key])).has(key);
  });
  return held;
}
