import { type Answer, type Asked, escapeXml, xml } from './asked.js';
import type { Bucket } from './bucket.js';
import type { Rules } from './objects.js';

/** ListObjectsV2: prefix, delimiter, start-after, pages, and keys that are URL-encoded when asked for. */
export function listObjects({ query }: Asked, bucket: Bucket, { pageSize }: Rules): Answer {
  const isEncoded = query.get('encoding-type') === 'url';
  const shown = isEncoded ? urlEncoded : escapeXml;
  const limit = Math.min(pageSize, Number(query.get('max-keys') ?? 1000));
  const { rows, token } = pageOf(query, bucket, limit);
  const next = token === undefined ? '' : `<NextContinuationToken>${token}</NextContinuationToken>`;
  const facts = `<KeyCount>${rows.size}</KeyCount><MaxKeys>${limit}</MaxKeys><IsTruncated>${token !== undefined}</IsTruncated>`;
  const encoding = isEncoded ? '<EncodingType>url</EncodingType>' : '';
  const list = [...rows].map(([name, isGroup]) =>
    isGroup ? `<CommonPrefixes><Prefix>${shown(name)}</Prefix></CommonPrefixes>` : contents(bucket, name, shown),
  );
  const prefix = shown(query.get('prefix') ?? '');
  return xml(
    200,
    `<ListBucketResult><Prefix>${prefix}</Prefix>${encoding}${facts}${next}${list.join('')}</ListBucketResult>`,
  );
}

interface Page {
  /** Keys and common prefixes in order, and whether it is a common prefix. */
  readonly rows: ReadonlyMap<string, boolean>;
  /** Of the next page, if there is one. */
  readonly token?: string;
}

function pageOf(query: URLSearchParams, bucket: Bucket, limit: number): Page {
  const [prefix, delimiter] = [query.get('prefix') ?? '', query.get('delimiter') ?? ''];
  const token = query.get('continuation-token');
  const after = token === null ? (query.get('start-after') ?? '') : Buffer.from(token, 'base64url').toString();
  const rows = new Map<string, boolean>();
  let last = after;
  for (const key of keysAfter(bucket.keys(), after)) {
    if (!key.startsWith(prefix)) continue;
    const name = nameOf(key, prefix, delimiter);
    const isShown = rows.has(name) || (token !== null && name !== key && after.startsWith(name));
    if (!isShown && rows.size === limit) return { rows, token: Buffer.from(last).toString('base64url') };
    if (!isShown) rows.set(name, name !== key);
    last = key;
  }
  return { rows };
}

/** The key, or its part up to the delimiter: then it is a common prefix. */
function nameOf(key: string, prefix: string, delimiter: string): string {
  const end = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
  return end < 0 ? key : key.slice(0, end + delimiter.length);
}

/** The keys after one, found by halves: a hundred thousand keys are listed in a hundred pages. */
function keysAfter(keys: readonly string[], after: string): readonly string[] {
  const edge = Buffer.from(after);
  let [low, high] = [0, keys.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (Buffer.compare(Buffer.from(keys[middle] ?? ''), edge) <= 0) low = middle + 1;
    else high = middle;
  }
  return keys.slice(low);
}

function contents(bucket: Bucket, key: string, shown: (key: string) => string): string {
  const object = bucket.get(key);
  if (!object) throw new Error(`${key} is listed, but not there`);
  const at = new Date(object.at).toISOString();
  const facts = `<LastModified>${at}</LastModified><ETag>${escapeXml(object.etag)}</ETag><Size>${object.body.length}</Size>`;
  return `<Contents><Key>${shown(key)}</Key>${facts}<StorageClass>STANDARD</StorageClass></Contents>`;
}

function urlEncoded(key: string): string {
  return key.split('/').map(encodeURIComponent).join('/');
}
