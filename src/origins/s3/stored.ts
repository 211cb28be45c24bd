import { type _Error as DeletedError, DeleteObjectsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { afterPage } from '../../domain/bucket-pages.js';
import { Fault } from '../../domain/faults.js';
import { parseKey } from '../../domain/origin-keys.js';
import type { Stored } from '../contract.js';
import { withMd5 } from './signed.js';
import type { Store } from './store.js';
import { atStore, isDenied } from './trouble.js';

/** Blobs and manifest nodes; other objects that somebody put between them are not ours and not listed. */
export async function* listStored(store: Store): AsyncGenerator<Stored> {
  for (const folder of ['b/', 'm/']) {
    for await (const object of listed(store, folder)) {
      const named = parseKey(object.key);
      if (named) yield { kind: named.kind, sha256: named.sha256, ...object };
    }
  }
}

/** Every object in a folder of the origin, page by page; `at` by the store's clock. */
export async function* listed(store: Store, folder: string): AsyncGenerator<Pick<Stored, 'key' | 'bytes' | 'at'>> {
  const list = { Bucket: store.bucket, Prefix: `${store.prefix}${folder}` };
  const seen = new Set<string>();
  let token: string | undefined;
  do {
    const command = new ListObjectsV2Command({ ...list, ContinuationToken: token });
    const page = await atStore(store.place, () => store.data.send(command));
    const after = afterPage(page, seen);
    if ('problem' in after) throw new Fault('origin-unreachable', `origin ${store.place} ${after.problem}`);
    for (const { Key = '', Size = 0, LastModified } of page.Contents ?? []) {
      yield { key: Key.slice(store.prefix.length), bytes: Size, at: LastModified?.getTime() ?? 0 };
    }
    ({ token } = after);
  } while (token !== undefined);
}

/** Throws on a key that is none before anything is deleted. */
export async function remove(store: Store, keys: readonly string[]): Promise<void> {
  const strange = keys.find((key) => !parseKey(key));
  if (strange !== undefined) throw new TypeError(`'${strange}' is no key of a blob or manifest: nothing was deleted`);
  await removeKeys(store, keys);
}

/** As many as one request may name. */
const batch = 1000;

export async function removeKeys(store: Store, keys: readonly string[]): Promise<void> {
  for (let at = 0; at < keys.length; at += batch) {
    const Objects = keys.slice(at, at + batch).map((key) => ({ Key: store.at(key).Key }));
    const command = new DeleteObjectsCommand({ Bucket: store.bucket, Delete: { Objects, Quiet: true } });
    const answer = await store.data.send(withMd5(command));
    const [first] = answer.Errors ?? [];
    if (first) throw notDeleted(store, first);
  }
}

/** Of a request that deletes many, each key has an answer of its own. */
function notDeleted({ place }: Store, { Key, Code = '', Message }: DeletedError): Fault {
  const message = `origin ${place} did not delete ${Key} (${Code}: ${Message})`;
  if (isDenied({ name: Code })) return new Fault('credentials-refused', message);
  return new Fault('origin-unreachable', message, { passes: passingNames.has(Code) });
}

const passingNames = new Set(['InternalError', 'ServiceUnavailable', 'SlowDown']);
