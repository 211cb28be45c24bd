import { type Answer, type Asked, escapeXml, md5, Refusal, textsOf, xml } from './asked.js';
import type { Bucket, StoredObject } from './bucket.js';
import { type Conditions, checkRead, checkWrite } from './conditions.js';

/** What answers need to know of the server. */
export interface Rules extends Conditions {
  readonly clock: () => number;
  readonly versions: boolean;
  readonly pageSize: number;
  /** So long before a write its conditions are looked at, as by a store that looks and then writes. */
  readonly racyMs: number;
  /** Bytes that are not the signed ones are stored all the same. */
  readonly storesAnyBytes: boolean;
}

const kept =
  /^(content-type|cache-control|content-disposition|content-encoding|content-language|expires|x-amz-meta-.+)$/;

export function keptHeaders(headers: Asked['headers']): Readonly<Record<string, string>> {
  const pairs = Object.entries(headers).filter(([name]) => kept.test(name));
  return Object.fromEntries(pairs.map(([name, value]) => [name, String(value)]));
}

export function putObject(asked: Asked, body: Buffer, bucket: Bucket, rules: Rules): Answer {
  if (asked.headers['content-encoding']?.includes('aws-chunked')) throw new Refusal(501, 'NotImplemented');
  checkWrite(asked, bucket.get(asked.key), rules);
  const stored = bucket.put(asked.key, { body, headers: keptHeaders(asked.headers), at: rules.clock() });
  return { status: 200, headers: { etag: stored.etag, ...versionOf(stored, rules) } };
}

export function getObject(asked: Asked, bucket: Bucket, rules: Rules, stale: boolean): Answer {
  const version = asked.query.get('versionId');
  const stored = stale
    ? bucket.before(asked.key)
    : version === null
      ? bucket.get(asked.key)
      : bucket.version(asked.key, version);
  if (!stored) throw new Refusal(404, version === null ? 'NoSuchKey' : 'NoSuchVersion');
  checkRead(asked, stored);
  const headers = { ...stored.headers, ...stamps(stored, rules), 'accept-ranges': 'bytes' };
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(asked.headers.range ?? '') ?? [];
  if (from === undefined) return { status: 200, headers, body: stored.body };
  const last = Math.min(to ? Number(to) : stored.body.length - 1, stored.body.length - 1);
  if (Number(from) > last) throw new Refusal(416, 'InvalidRange');
  const range = `bytes ${from}-${last}/${stored.body.length}`;
  return {
    status: 206,
    headers: { ...headers, 'content-range': range },
    body: stored.body.subarray(Number(from), last + 1),
  };
}

export function deleteObject(asked: Asked, bucket: Bucket, rules: Rules): Answer {
  checkWrite(asked, bucket.get(asked.key), rules);
  bucket.delete(asked.key);
  return { status: 204 };
}

export function deleteMany({ headers }: Asked, body: Buffer, bucket: Bucket, { quirks }: Rules): Answer {
  const given = headers['content-md5'];
  if (given === undefined && quirks.includes('wants Content-MD5')) throw new Refusal(400, 'InvalidRequest');
  if (given !== undefined && given !== md5(body).toString('base64')) throw new Refusal(400, 'BadDigest');
  const keys = textsOf(body.toString(), 'Key');
  if (keys.length > 1000) throw new Refusal(400, 'MalformedXML');
  for (const key of keys) bucket.delete(key);
  return xml(
    200,
    `<DeleteResult>${keys.map((key) => `<Deleted><Key>${escapeXml(key)}</Key></Deleted>`).join('')}</DeleteResult>`,
  );
}

function stamps(stored: StoredObject, rules: Rules): Readonly<Record<string, string>> {
  return { etag: stored.etag, 'last-modified': new Date(stored.at).toUTCString(), ...versionOf(stored, rules) };
}

function versionOf({ version }: StoredObject, { versions }: Rules): Readonly<Record<string, string>> {
  return versions ? { 'x-amz-version-id': version } : {};
}
