import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type OutgoingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { sha256 } from '../../../src/domain/digest.js';
import { blobKey } from '../../../src/domain/origin-keys.js';
import type { Origin, Stored } from '../../../src/origins/contract.js';
import { usualLimits } from '../../../src/origins/s3/client.js';
import { openStore } from '../../../src/origins/s3/index.js';
import { endBucket, originAt, startBucket } from '../../support/bucket-nights.js';
import { type Asked, next, type S3d } from '../../support/s3d/index.js';
import { publisher } from './publisher.js';

/** Stores, and what stands before them, that do not keep to the protocol, or to the time of this machine. */
let s3d: S3d;
let scratch: string;

beforeEach(async () => {
  s3d = await startBucket();
  scratch = await mkdtemp(path.join(tmpdir(), 'nightpress-s3-'));
});

afterEach(async () => {
  await rm(scratch, { recursive: true, force: true });
  await endBucket(s3d);
});

const open = (endpoint = s3d.endpoint): Origin =>
  openStore(originAt(endpoint), { uploads: undefined }, { ...usualLimits, attempts: 2 });

test('a machine whose clock is an hour behind commits by the clock of the store', async () => {
  s3d.rules = { ...s3d.rules, clock: () => Date.now() + 3_600_000 };
  s3d.hooks.push((asked) =>
    Math.abs(signedAt(asked) - s3d.rules.clock()) > 900_000
      ? { kind: 'answer', status: 403, code: 'RequestTimeTooSkewed' }
      : undefined,
  );
  const origin = open();
  const probed = await origin.probe?.look({ extent: 'commits', racers: 2, rounds: 1, clock: Date.now });
  expect(probed?.every(({ seen }) => seen === 'kept')).toBe(true);
  expect(await publisher(origin, scratch).publish('a page')).toBe('landed');
});

test('a store that refuses the ETag it shows is told as such, and not as other publishers', async () => {
  const origin = open();
  const { publish } = publisher(origin, scratch);
  expect(await publish('a page')).toBe('landed');
  s3d.hooks.push(({ kind, key }) =>
    kind === 'put' && key === 'site/head.json'
      ? { kind: 'answer', status: 412, code: 'PreconditionFailed' }
      : undefined,
  );
  expect([await publish('another'), await publish('another')]).toEqual(['lost', 'lost']);
  const message = expect.stringContaining('does something on the way change ETags');
  await expect(publish('another')).rejects.toMatchObject({ code: 'origin-unfit', message });
});

/** By the clock of whoever asks. */
function signedAt({ headers }: Asked): number {
  const [, ...parts] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(String(headers['x-amz-date'])) ?? [];
  const [year = 0, month = 1, ...others] = parts.map(Number);
  return Date.UTC(year, month - 1, ...others);
}

test.each([
  ['<html><body>sign in</body></html>', 'answers with something that is no list'],
  ['', 'answers with something that is no list'],
  ['<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>', 'says that its list goes on, but not where'],
  [
    '<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>x</NextContinuationToken></ListBucketResult>',
    'goes round in circles when it is listed',
  ],
])('what answers a listing with %j is neither an empty origin nor one without end', async (body, problem) => {
  await answering(body, async (origin) => {
    await expect(listedAt(origin)).rejects.toMatchObject({
      code: 'origin-unreachable',
      message: expect.stringContaining(problem),
    });
  });
});

test.each(['m', 'b'])('who says yes to what is stored in %s/ and tells no ETag has stored nothing', async (folder) => {
  const origin = open();
  await origin.readHead();
  s3d.hooks.push(({ key }) => (key.startsWith(`site/${folder}/`) ? { kind: 'answer', status: 204 } : undefined));
  const published = publisher(origin, scratch).publish('a page');
  await expect(published).rejects.toMatchObject({
    code: 'origin-unreachable',
    message: expect.stringContaining('ETag'),
  });
});

test('a commit that is answered without an ETag is unknown, or has landed when it is in the head', async () => {
  const { publish } = publisher(open(), scratch);
  const isHead = ({ kind, key }: Asked) => kind === 'put' && key === 'site/head.json';
  s3d.hooks.push(next(isHead, { kind: 'answer', status: 204 }));
  expect(await publish('a page')).toBe('unknown');
  s3d.hooks.push(next(isHead, { kind: 'answer-after', status: 204 }));
  expect(await publish('a page')).toBe('landed');
});

test('a head of gigabytes is damaged, and not read', async () => {
  const bytes = 5 * 2 ** 30;
  const read = answering('{', async (origin) => await origin.readHead(), { 'content-length': bytes, etag: '"e"' });
  const message = expect.stringContaining(`head.json in `);
  await expect(read).rejects.toMatchObject({ code: 'origin-corrupt', message });
  await expect(read).rejects.toThrow(`has ${bytes} bytes`);
});

test.each([
  ['AccessDenied', { code: 'credentials-refused', exit: 77 }],
  ['SlowDown', { code: 'origin-unreachable', passes: true }],
  ['InvalidRequest', { code: 'origin-unreachable', passes: false }],
])('%s of one key among many that are deleted is told as of a request', async (code, fault) => {
  const body = `<DeleteResult><Error><Key>k</Key><Code>${code}</Code><Message>no</Message></Error></DeleteResult>`;
  await answering(body, async (origin) => {
    const key = blobKey({ sha256: sha256('a'), ext: 'txt' });
    await expect(origin.remove([key])).rejects.toMatchObject(fault);
  });
});

test.each([
  [{ AWS_USE_DUALSTACK_ENDPOINT: 'true' }, { code: 'origin-unreachable', passes: false }],
  [{ AWS_SESSION_TOKEN: 'of\ntwo lines' }, { code: 'credentials-refused' }],
])('%j in the environment is a fault, and nothing to wait for', async (variables, fault) => {
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  await expect(open().readHead()).rejects.toMatchObject(fault);
});

/** With whatever answers each request with this. */
async function answering<T>(body: string, call: (origin: Origin) => Promise<T>, headers: OutgoingHttpHeaders = {}) {
  const other = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/xml', ...headers });
    if (headers['content-length'] === undefined) response.end(body);
    else response.write(body);
  });
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as { port: number };
  try {
    return await call(open(`http://127.0.0.1:${port}`));
  } finally {
    other.closeAllConnections();
    await new Promise((resolve) => other.close(resolve));
  }
}

async function listedAt(origin: Origin): Promise<readonly Stored[]> {
  const stored: Stored[] = [];
  for await (const object of origin.listStored()) stored.push(object);
  return stored;
}
