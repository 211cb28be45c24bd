import { Fault } from '../domain/faults.js';
import { entries } from '../domain/manifest.js';
import { nearestNames } from '../domain/nearest.js';
import { blobKey } from '../domain/origin-keys.js';
import type { AssetKey, Entry } from '../domain/types.js';
import { pathOfUrl } from '../domain/urls.js';
import { nodeLoader } from './base.js';
import type { Night } from './night.js';

type Parts = Pick<Night, 'job' | 'state' | 'source' | 'origin'>;

/** What a text may stand for when it is read as the path of a file. */
export interface Meanings {
  /** Of the source. */
  readonly keys: readonly AssetKey[];
  /** Paths below the origin's folder. */
  readonly shown: readonly string[];
}

/**
 * The asset a person means: by key, or by a public path, URL or blob of the live snapshot, also as the path of a file.
 * Throws `asset-unknown` with the names most like it.
 */
export async function findAsset(parts: Parts, text: string, { keys, shown }: Meanings): Promise<AssetKey> {
  const candidates = [text, ...keys];
  for (const key of candidates) if (await isRemembered(parts, key)) return key;
  const names = new Set<AssetKey>(parts.state.assetKeys());
  const paths = [text, ...shown].map((one) => pathOfUrl(one, parts.job.origin.baseUrl));
  for await (const entry of liveEntries(parts)) {
    if (candidates.includes(entry.key) || shows(entry, paths)) return entry.key;
    names.add(entry.key);
  }
  for (const key of await listedKeys(parts)) names.add(key);
  const nearest = nearestNames(text, names, 3);
  const expected =
    nearest.length > 0 ? `the nearest are ${nearest.map((name) => `'${name}'`).join(', ')}` : 'none is known';
  throw new Fault('asset-unknown', `no asset '${text}' of '${parts.job.name}': ${expected}`);
}

async function isRemembered({ state, source }: Parts, key: AssetKey): Promise<boolean> {
  if (state.asset(key) || state.history(key).length > 0) return true;
  return (await orNothing(() => source.list(key))) !== undefined;
}

async function* liveEntries({ origin }: Parts): AsyncGenerator<Entry> {
  const head = (await orNothing(() => origin.readHead()))?.head;
  const live = head?.channels.live?.snapshot;
  if (live) yield* entries(nodeLoader(origin), live);
}

/** Whether one of these public paths, or keys of blobs, is of this asset. */
export function shows({ items }: Entry, paths: readonly string[]): boolean {
  return Object.values(items).some(({ derivatives }) =>
    derivatives.some((derivative) => paths.includes(derivative.path) || paths.includes(blobKey(derivative))),
  );
}

async function listedKeys({ source }: Parts): Promise<readonly AssetKey[]> {
  return (await orNothing(() => source.scan()))?.assets.map(({ key }) => key) ?? [];
}

/** Where one place cannot be asked the others still can; the story itself tells what is wrong with it. */
async function orNothing<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof Fault) return undefined;
    throw error;
  }
}
