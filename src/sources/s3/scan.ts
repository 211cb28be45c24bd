import type { AssetKey, Finding, Inventory, ListedAsset } from '../../domain/types.js';
import { isSettled } from '../keys.js';
import { nameOf, notUtf8 } from '../names.js';
import type { ListedObject, Objects } from '../objects.js';
import { Tally } from '../tally.js';

export async function scanBucket(objects: Objects, prefix: string, now: number): Promise<Inventory> {
  const assets: ListedAsset[] = [];
  const tally = new Tally();
  let listed = 0;
  for await (const page of objects.pages(prefix)) {
    listed += page.length;
    for (const object of page) {
      const asset = takeObject(object, { prefix, now, tally });
      if (asset) assets.push(asset);
    }
  }
  if (listed === 0) tally.add(empty(objects.where, prefix));
  return { assets: eachOnce(assets), findings: tally.all(), unreadable: [] };
}

/** Sorted. A bucket that changes while it is listed may name an object twice; it is looked at again before its bytes are taken. */
function eachOnce(assets: ListedAsset[]): readonly ListedAsset[] {
  assets.sort((a, b) => (a.key === b.key ? 0 : a.key < b.key ? -1 : 1));
  return assets.filter(({ key }, at) => key !== assets[at + 1]?.key);
}

interface Taking {
  readonly prefix: string;
  readonly now: number;
  readonly tally: Tally;
}

function takeObject(object: ListedObject, { prefix, now, tally }: Taking): ListedAsset | undefined {
  const { name, bytes } = object;
  if (name === undefined) tally.add(notUtf8(object.written));
  if (name === undefined || name === prefix) return undefined; // a marker of the prefix itself says nothing
  const named = nameOf(name.slice(prefix.length), bytes);
  if (named.kind === 'refused') tally.add(named.finding);
  return named.kind === 'key' ? assetOf(named.key, object, now) : undefined;
}

export function assetOf(key: AssetKey, { bytes, modifiedAt, etag }: ListedObject, now: number): ListedAsset {
  const listing = [etag, bytes, modifiedAt].join(' '); // flat: a template would keep its parts, and with them the page
  return { key, bytes, modifiedAt, listing, settled: isSettled(modifiedAt, now) };
}

function empty(where: string, prefix: string): Finding {
  const message = `${where} holds nothing${prefix === '' ? '' : ` below ${JSON.stringify(prefix)}`}: is it the right place?`;
  return { code: 'source-empty', severity: 'notice', message };
}
