import { listKey } from '../../domain/condemned.js';
import type { Moved } from '../../domain/moved.js';
import { blobKey, manifestKey } from '../../domain/origin-keys.js';
import type { Digest } from '../../domain/types.js';
import type { Condemning, Named } from '../contract.js';
import { movesAt, putList, readList } from './lists.js';
import { guarded, type Store } from './store.js';
import { listed, removeKeys } from './stored.js';

/** Collecting beside publishers that cannot be kept out: `domain/condemned.ts` says why this is safe. */
export function condemning(store: Store): Condemning {
  return {
    putList: guarded(store, putList),
    readList: guarded(store, readList),
    pruneLists: guarded(store, pruneLists),
  };
}

export async function moves(store: Store, { blobs, nodes }: Named): Promise<Moved> {
  return await movesAt(store, [...[...blobs].map(blobKey), ...[...nodes].map(manifestKey)]);
}

async function pruneLists(store: Store, keep: ReadonlySet<Digest>, olderThan: number): Promise<void> {
  const kept = new Set([...keep].map(listKey));
  const gone: string[] = [];
  for await (const { key, at } of listed(store, 'g/')) if (at < olderThan && !kept.has(key)) gone.push(key);
  await removeKeys(store, gone);
}
