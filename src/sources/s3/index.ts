import { z } from 'zod';
import { problemsOf, withoutSecret } from '../../domain/problems.js';
import type { ListedAsset } from '../../domain/types.js';
import { type BucketInput, bucketFields } from '../buckets.js';
import type { Source, SourceCheck, SourceKind, Staged } from '../contract.js';
import { changed, refused, vanished } from '../findings.js';
import { isKey } from '../keys.js';
import type { Objects } from '../objects.js';
import { assetOf, scanBucket } from './scan.js';

/**
 * A bucket of an S3-compatible store as a source, or what lies below a prefix of it. One paged listing tells everything:
 * no request is made for an object that did not change. What it holds and how that becomes the inventory:
 *
 *   object                 an asset; its key is what follows the prefix. Listing fingerprint: etag, size, last modified
 *   `name/` of 0 bytes     marks a folder in consoles (`folder-marker`, notice): no asset
 *   key with empty, `.`    no file could be called so (`key-illegal`, error): someone expects it on the site
 *   or `..` segments, NUL
 *   key that is not UTF-8  `name-not-utf8`, error
 *   `.git`, `.nightpress`, at any level skipped without a word, as below a folder
 *   `lost+found`
 *
 * Before an object's bytes are taken it is listed once more, alone, and asked for by that listing's etag: so the bytes are
 * those of their listing, and an object that was replaced since the scan is taken as it is now. (The answer to a GET tells
 * etag and time too, but not in every store with the digits of its listing; then all would seem changed every night.)
 */
export const s3: SourceKind = { check, open };

/** What a job file says of this source. */
export interface S3SourceInput extends BucketInput {
  readonly type: 's3';
}

const shape = z.strictObject({ type: z.literal('s3'), ...bucketFields });

function check(config: unknown): SourceCheck {
  const parsed = shape.safeParse(config);
  return parsed.success
    ? { ok: true, config: parsed.data }
    : { ok: false, problems: problemsOf(parsed.error, config, [], [shape]).map(withoutSecret) };
}

function open(config: Readonly<Record<string, unknown>>, clock: () => number, answerMs?: number): Source {
  const given = shape.parse(config);
  const prefix = given.prefix ?? '';
  let opened: Promise<Objects> | undefined;
  const bucket = async () => {
    opened ??= import('../objects.js').then(({ openObjects }) => openObjects(given, { answerMs })); // the SDK, loaded when it is needed
    return await opened;
  };
  return {
    scan: async () => await scanBucket(await bucket(), prefix, clock()),
    list: async (key) => (await find(await bucket(), { prefix, key, now: clock() }))?.asset,
    stage: async (key, file, leave) => await stage(await bucket(), { prefix, key, file, clock, leave }),
  };
}

interface Wanted {
  readonly prefix: string;
  readonly key: string;
  readonly now: number;
}

/** A key comes before everything that begins with it, so it is the first of its own prefix. */
async function find(
  objects: Objects,
  { prefix, key, now }: Wanted,
): Promise<{ readonly asset: ListedAsset; readonly etag: string } | undefined> {
  const name = isKey(key) ? prefix + key : undefined;
  for await (const [first] of objects.pages(name ?? prefix, 1)) {
    if (first && first.name === name) return { asset: assetOf(key, first, now), etag: first.etag };
  }
  return undefined;
}

interface Order {
  readonly prefix: string;
  readonly key: string;
  readonly file: string;
  readonly clock: () => number;
  readonly leave: AbortSignal | undefined;
}

/** An object that is replaced again and again while it is read is somebody's work in progress. */
const mostRounds = 3;

async function stage(objects: Objects, { prefix, key, file, clock, leave }: Order): Promise<Staged> {
  const { stageObject } = await import('../stage-object.js');
  if (!isKey(key)) return { ok: false, finding: refused(key, 'unreadable', 'input', 'no key of this source') };
  for (let round = 1; round <= mostRounds; round++) {
    const found = await find(objects, { prefix, key, now: clock() });
    if (!found) return { ok: false, finding: vanished(key) };
    const others = () => names(objects, prefix);
    const { etag, asset } = found;
    const order = { objects, name: prefix + key, key, file, etag, bytes: asset.bytes, others, leave };
    const staged = await stageObject(order);
    if (staged.ok) return { ok: true, sha256: staged.sha256, bytes: staged.bytes, asset };
    if (!staged.changed) return { ok: false, finding: staged.finding };
  }
  return { ok: false, finding: changed(key, 'it was replaced each time it was asked for') };
}

async function* names(objects: Objects, prefix: string): AsyncGenerator<string> {
  for await (const page of objects.pages(prefix, 20)) {
    for (const { name } of page) if (name !== undefined) yield name;
  }
}
