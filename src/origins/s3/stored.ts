import { DeleteObjectsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { Fault } from '../../domain/faults.js';
import { parseKey } from '../../domain/origin-keys.js';
import type { Stored } from '../contract.js';
import { withMd5 } from './signed.js';
import type { Store } from './store.js';
import { atStore } from './trouble.js';

/** Blobs and manifest nodes, page by page; other objects that somebody put between them are not ours and not listed. */
export async function* listStored(store: Store): AsyncGenerator<Stored> {
  for (const kind of ['b/', 'm/']) {
    const list = { Bucket: store.bucket, Prefix: `${store.prefix}${kind}` };
    let token: string | undefined;
    do {
      const command = new ListObjectsV2Command({ ...list, ContinuationToken: token });
      const page = await atStore(store.place, () => store.data.send(command));
      for (const { Key = '', Size = 0, LastModified } of page.Contents ?? []) {
        const key = Key.slice(store.prefix.length);
        const named = parseKey(key);
        if (named) yield { ...named, key, bytes: Size, at: LastModified?.getTime() ?? 0 };
      }
      token = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }
}

/** As many as one request may name. */
const batch = 1000;

/** Throws on a key that is none before anything is deleted. */
export async function remove(store: Store, keys: readonly string[]): Promise<void> {
  const strange = keys.find((key) => !parseKey(key));
  if (strange !== undefined) throw new TypeError(`'${strange}' is no key of a blob or manifest: nothing was deleted`);
  for (let at = 0; at < keys.length; at += batch) {
    const Objects = keys.slice(at, at + batch).map((key) => ({ Key: store.at(key).Key }));
    const command = new DeleteObjectsCommand({ Bucket: store.bucket, Delete: { Objects, Quiet: true } });
    const answer = await store.data.send(withMd5(command));
    const [first] = answer.Errors ?? [];
    if (first) {
      const message = `origin ${store.place} did not delete ${first.Key} (${first.Code}: ${first.Message})`;
      throw new Fault('origin-unreachable', message);
    }
  }
}
