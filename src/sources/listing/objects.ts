import { unlink } from 'node:fs/promises';
import type { ListedAsset } from '../../domain/types.js';
import { changed } from '../findings.js';
import { isSettled } from '../keys.js';
import type { Objects, OpenObject } from '../objects.js';
import type { ListingConfig } from './config.js';
import { differs, notAsListed } from './files.js';
import type { Store } from './index.js';
import { type Told, told, toldBy } from './row.js';

/**
 * Objects of a bucket. An S3 Inventory is a day old or more, so an object may be newer than its row: it is whole all the
 * same, and is taken with the listing that the next inventory will give it. Needs nothing but `s3:GetObject`.
 */
export function objectsOf(config: ListingConfig, clock: () => number): Store {
  const { bucket = '', prefix = '', endpoint, region, forcePathStyle } = config;
  let opened: Promise<Objects> | undefined;
  const objects = async () => {
    opened ??= import('../objects.js').then((sdk) => sdk.openObjects({ bucket, endpoint, region, forcePathStyle })); // the SDK, loaded when it is needed
    return await opened;
  };
  const nameOf = ({ key, listing }: ListedAsset) => (listing && toldBy(listing).place) || prefix + key;
  return {
    check: () => undefined, // whether the bucket is there, the first object will tell
    stage: async (asset, file, { others, leave }) => {
      const { stageObject } = await import('../stage-object.js');
      const { key } = asset;
      const row = toldBy(asset.listing);
      const staged = await stageObject({
        objects: await objects(),
        name: nameOf(asset),
        key,
        file,
        leave,
        others: () => [...first(others(), 20)].map(nameOf),
      });
      if (!staged.ok) return { ok: false, finding: staged.changed ? changed(key, 'it was replaced') : staged.finding };
      const newer = newerThan(row, staged.object);
      const otherwise = newer ? undefined : differs(row, staged);
      if (otherwise === undefined) return { ...staged, asset: newer ? relisted(asset, newer, clock()) : asset };
      await unlink(file);
      return { ok: false, finding: notAsListed(asset, otherwise) };
    },
  };
}

function* first<T>(all: Iterable<T>, most: number): Generator<T> {
  let count = 0;
  for (const one of all) {
    if (count++ === most) return;
    yield one;
  }
}

/** What a row of the object as it was sent would say, of what this row says; undefined when it is the row's own. */
function newerThan(row: Told, sent: Omit<OpenObject, 'body'>): Told | undefined {
  if (isSame(row, sent)) return undefined;
  const { place } = row;
  return {
    bytes: sent.bytes ?? row.bytes,
    place,
    etag: row.etag && sent.etag,
    version: row.version && sent.version,
    modified: row.modified && sent.modifiedAt,
  };
}

/** By the strongest that both tell; where they tell nothing, length and sha256 must do. */
function isSame(row: Told, sent: Omit<OpenObject, 'body'>): boolean {
  if (row.etag !== undefined) return row.etag === sent.etag;
  if (row.version !== undefined && sent.version !== undefined) return row.version === sent.version;
  return row.modified === undefined || seconds(row.modified) === seconds(sent.modifiedAt);
}

/** HTTP tells whole seconds. */
function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}

function relisted({ key }: ListedAsset, row: Told, now: number): ListedAsset {
  const modifiedAt = row.modified ?? now;
  return { key, bytes: row.bytes, modifiedAt, listing: told(row), settled: isSettled(modifiedAt, now) };
}
