import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Origin } from '../../../src/origins/contract.js';
import { usualLimits } from '../../../src/origins/s3/client.js';
import { openStore } from '../../../src/origins/s3/index.js';
import { next, type S3d, startS3d, testCredentials } from '../../support/s3d/index.js';
import { publisher } from './publisher.js';

/** Commits by the log where keys are taken away or put there by others; `s3-nights` has what a network does to them. */
let s3d: S3d;
let scratch: string;

beforeEach(async () => {
  s3d = await startS3d({ tier: 'B' });
  scratch = await mkdtemp(path.join(tmpdir(), 'nightpress-s3-'));
  vi.stubEnv('AWS_ACCESS_KEY_ID', testCredentials.accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', testCredentials.secretAccessKey);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(scratch, { recursive: true, force: true });
  await s3d.close();
});

function open(more: object = {}): Origin {
  const config = { type: 's3', bucket: 'media', endpoint: s3d.endpoint, region: 'eu-central-1', ...more };
  return openStore(config, {}, { ...usualLimits, attempts: 1 });
}

const byLog = (origin = open()) => publisher(origin, scratch, 'log');
const key = (seq: number) => `log/${String(seq).padStart(12, '0')}.json`;
const textOf = (at: string) => s3d.bucket().get(at)?.body.toString();
const headText = () => textOf('head.json');

test('a commit is won by exactly one of 32, and costs the winner five requests', async () => {
  const { publish, next: nextHead } = byLog();
  await publish('one');
  const rivals = await Promise.all(Array.from({ length: 32 }, (_, n) => nextHead(`rival ${n}`)));
  const swaps = await Promise.all(rivals.map(({ head, base }) => open().swapHead(head, base)));
  expect(swaps.filter((swap) => swap === 'landed')).toHaveLength(1);
  expect(swaps.filter((swap) => swap === 'lost')).toHaveLength(31);
  const { head, base } = await nextHead('alone');
  s3d.log.length = 0;
  expect(await open().swapHead(head, base)).toBe('landed');
  expect(s3d.log).toHaveLength(5);
});

test('who wakes so late that its key was deleted and can be created again has lost, and shows nothing', async () => {
  const { publish, next: nextHead } = byLog();
  await publish('one');
  const late = await nextHead('late');
  for (const night of ['two', 'three']) await publish(night);
  for (const seq of [1, 2]) s3d.bucket().delete(key(seq));
  const before = headText();
  expect(await open().swapHead(late.head, late.base)).toBe('lost');
  expect(headText()).toBe(before);
  expect((await open().readHead())?.head.seq).toBe(3);
  expect(await publish('four')).toBe('landed');
});

test('a first commit by the log beside a head that is swapped has lost', async () => {
  const late = await byLog().next('late');
  s3d.rules = { ...s3d.rules, tier: 'A' };
  await publisher(open(), scratch).publish('swapped');
  const before = headText();
  expect(await open().swapHead(late.head, late.base)).toBe('lost');
  expect(headText()).toBe(before);
});

test('an entry of another origin, or under the wrong number, is not followed', async () => {
  const origin = byLog();
  await origin.publish('one');
  const { head } = (await open().readHead()) ?? {};
  const strays = [
    { ...head, seq: 2, origin: 'another', commits: [{ seq: 2, txn: 'x', kind: 'publish' }] },
    { ...head, seq: 3, commits: [{ seq: 3, txn: 'x', kind: 'publish' }] },
    { ...head, seq: 2, commitsBy: undefined, commits: [{ seq: 2, txn: 'x', kind: 'publish' }] },
  ];
  for (const stray of strays) {
    s3d.bucket().put(key(2), { body: Buffer.from(JSON.stringify(stray)), headers: {}, at: 0 });
    await expect(open().readHead()).rejects.toMatchObject({ code: 'origin-corrupt' });
  }
});

test('a refused commit creates nothing; credentials that are refused once it is there leave it unknown', async () => {
  const { publish } = byLog();
  const refused = { kind: 'answer', status: 403, code: 'AccessDenied' } as const;
  s3d.hooks.push(next(({ kind, key: at }) => kind === 'put' && at === key(1), refused));
  await expect(publish('one')).rejects.toMatchObject({ code: 'credentials-refused' });
  expect([...s3d.bucket().keys()].filter((at) => at.startsWith('log/'))).toEqual([]);
  s3d.hooks.push(next(({ kind, key: at }) => kind === 'put' && at === 'head.json', refused));
  expect(await publish('one')).toBe('unknown');
  const origin = open();
  expect((await origin.readHead())?.head.seq).toBe(1);
  expect([await origin.entrances?.lost(), headText()]).toEqual([['head.json'], undefined]);
  await origin.entrances?.mend();
  expect([await origin.entrances?.lost(), headText()]).toEqual([[], textOf(key(1))]);
});

test('a single writer goes on with a log where nothing keeps conditions', async () => {
  await byLog().publish('one');
  s3d.hooks.push(({ headers }) =>
    headers['if-none-match'] ? { kind: 'answer', status: 501, code: 'NotImplemented' } : undefined,
  );
  await expect(byLog().publish('two')).rejects.toMatchObject({ code: 'origin-unfit' });
  const alone = byLog(open({ singleWriter: true }));
  const stale = await alone.next('stale');
  expect(await alone.publish('two')).toBe('landed');
  expect(await open({ singleWriter: true }).swapHead(stale.head, stale.base)).toBe('lost');
});
