import { sha256 } from '../../domain/digest.js';
import { Fault } from '../../domain/faults.js';
import { manifestKey } from '../../domain/origin-keys.js';
import type { Digest } from '../../domain/types.js';
import { badHash } from '../bad-hash.js';
import { freeFor, liesAt } from './lists.js';
import { askQuickly, put, readWhole, type Store } from './store.js';

export async function readManifest(store: Store, digest: Digest): Promise<Buffer | undefined> {
  const key = await liesAt(store, manifestKey(digest));
  const quick = (await askQuickly(store, { method: 'GET', key, headers: {} }))?.body;
  if (quick && sha256(quick) === digest) return quick;
  const bytes = await readWhole(store, key);
  if (!bytes) return undefined;
  const found = sha256(bytes);
  if (found === digest) return bytes;
  const message = `manifest ${key} in ${store.place} is damaged: its ${bytes.length} bytes have sha256 ${found}`;
  throw new Fault('origin-corrupt', message);
}

/** Written without a look: a node that is there gets the same bytes again, and a damaged one is mended in passing. */
export async function putManifest(store: Store, digest: Digest, bytes: Buffer): Promise<void> {
  const key = await freeFor(store, manifestKey(digest));
  const found = sha256(bytes);
  if (found !== digest) throw badHash(`manifest ${key}`, found);
  await put(store, key, { bytes, sha256: digest });
}
