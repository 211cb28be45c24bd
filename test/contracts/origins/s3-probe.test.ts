import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Observation, type StoreCheck, tierOf } from '../../../src/domain/store-tier.js';
import type { ProbeOptions } from '../../../src/origins/contract.js';
import { usualLimits } from '../../../src/origins/s3/client.js';
import { openStore } from '../../../src/origins/s3/index.js';
import { type Asked, next, type S3d, startS3d, testCredentials } from '../../support/s3d/index.js';

/** Stores that keep their promises and stores that do not: what is found out by trying, whatever they are called. */
let s3d: S3d;

beforeEach(async () => {
  s3d = await startS3d();
  vi.stubEnv('AWS_ACCESS_KEY_ID', testCredentials.accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', testCredentials.secretAccessKey);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await s3d.close();
});

const all: ProbeOptions = { extent: 'all', racers: 32, rounds: 1, clock: Date.now };

async function look(options: Partial<ProbeOptions> = {}): Promise<readonly Observation[]> {
  const config = { type: 's3', bucket: 'media', prefix: 'site', endpoint: s3d.endpoint, region: 'eu-central-1' };
  const { probe } = openStore(config, {}, { ...usualLimits, attempts: 1 });
  if (!probe) throw new Error('a store can be tried');
  return await probe.look({ ...all, ...options });
}

/** What was not kept, and how. */
function bad(observations: readonly Observation[]): Partial<Record<StoreCheck, Observation['seen']>> {
  return Object.fromEntries(observations.filter((one) => one.seen !== 'kept').map((one) => [one.check, one.seen]));
}

function detail(observations: readonly Observation[], check: StoreCheck): string | undefined {
  return observations.find((one) => one.check === check)?.detail;
}

const isSwap = ({ headers }: Asked) => headers['if-match'] !== undefined;
const isConditional = (asked: Asked) => isSwap(asked) || asked.headers['if-none-match'] !== undefined;

test('a store that keeps every promise is of tier A, and nothing of ours is left in it', async () => {
  s3d.bucket().put('site/head.json', { body: Buffer.from('ours'), headers: {}, at: 0 });
  const seen = await look({ rounds: 3 });
  expect([tierOf(seen), bad(seen), seen.length]).toEqual(['A', {}, 14]);
  expect(detail(seen, 'swap')).toBe('If-Match takes the ETag as shown and without quotes');
  expect(detail(seen, 'swap race')).toBe('one of 32 at once wins (others: 412 PreconditionFailed), 3 of 3 times');
  expect(s3d.bucket().keys()).toEqual(['site/head.json']);
  const touched = s3d.log.filter(({ kind, key }) => kind !== 'list' && !key.startsWith('site/tmp/probe/'));
  expect(touched).toEqual([]);
});

test('a store that takes ETags only without quotes compares and swaps, too', async () => {
  s3d.rules = { ...s3d.rules, etagForm: 'unquoted' };
  const seen = await look();
  expect([tierOf(seen), detail(seen, 'swap')]).toEqual(['A', 'If-Match takes the ETag without quotes']);
});

test('before a first commit a few requests tell as much', async () => {
  const seen = await look({ extent: 'commits', racers: 8, rounds: 1 });
  expect([tierOf(seen), seen.length]).toEqual(['A', 7]);
  expect(s3d.count('list')).toBe(0);
  expect(s3d.bucket().keys()).toEqual([]);
});

test('one that ignores If-Match is of tier B: success where refusal is due', async () => {
  s3d.rules = { ...s3d.rules, tier: 'B' };
  const seen = await look();
  const expected = { 'swap stale': 'broken', 'swap missing': 'broken', 'swap race': 'broken' };
  expect([tierOf(seen), bad(seen)]).toEqual(['B', expected]);
  expect(detail(seen, 'swap race')).toBe('32 of 32 at once were answered with success');
});

test('one that ignores both is of tier C', async () => {
  s3d.rules = { ...s3d.rules, tier: 'C' };
  const seen = await look();
  expect([tierOf(seen), bad(seen)]).toMatchObject(['C', { 'create again': 'broken', 'create race': 'broken' }]);
});

test('one that knows no conditions says so, and is of tier C', async () => {
  s3d.hooks.push((asked) =>
    isConditional(asked) ? { kind: 'answer', status: 501, code: 'NotImplemented' } : undefined,
  );
  const seen = await look();
  expect([tierOf(seen), bad(seen)]).toEqual(['C', { create: 'refused', swap: 'refused' }]);
  expect(detail(seen, 'create')).toBe('If-None-Match: * was answered with 501 NotImplemented');
});

test('one that creates once and refuses If-Match is of tier B', async () => {
  s3d.hooks.push((asked) => (isSwap(asked) ? { kind: 'answer', status: 501, code: 'NotImplemented' } : undefined));
  const seen = await look();
  expect([tierOf(seen), bad(seen)]).toEqual(['B', { swap: 'refused' }]);
});

test('one that looks and then writes is found out by racing alone', async () => {
  s3d.rules = { ...s3d.rules, racyMs: 250 }; // on a busy machine, too, somebody else comes in that time
  const seen = await look();
  expect([tierOf(seen), bad(seen)]).toEqual(['C', { 'create race': 'broken', 'swap race': 'broken' }]);
});

test('one that says no and does it all the same is found out by reading', async () => {
  let puts = 0;
  s3d.rules = { ...s3d.rules, tier: 'B' };
  s3d.hooks.push((asked) =>
    isSwap(asked) && ++puts > 2 ? { kind: 'answer-after', status: 412, code: 'PreconditionFailed' } : undefined,
  );
  const seen = await look();
  expect(bad(seen)).toMatchObject({ 'swap stale': 'broken', 'swap missing': 'broken' });
  expect(detail(seen, 'swap stale')).toBe('answered with 412 PreconditionFailed, and done all the same');
});

test('losers of a race may be told so by an error of the server, as by older Ceph', async () => {
  const isLate = new Set<string>();
  s3d.hooks.push(({ kind, key }) => {
    if (kind !== 'put' || !/\/(create|swap)-\d$/.test(key) || !isLate.has(key)) {
      if (kind === 'put' && s3d.bucket().get(key)) isLate.add(key);
      return undefined;
    }
    return s3d.bucket().get(key)?.body.toString().startsWith('racer') ? { kind: 'answer', status: 500 } : undefined;
  });
  const seen = await look();
  expect([tierOf(seen), bad(seen)]).toEqual(['A', {}]);
  expect(detail(seen, 'swap race')).toContain('500');
});

describe('what is published anyhow', () => {
  test('headers that get lost are told', async () => {
    s3d.hooks.push(({ headers }) => {
      delete headers['cache-control'];
      return undefined;
    });
    const seen = await look();
    expect([tierOf(seen), bad(seen)]).toEqual(['A', { headers: 'broken' }]);
    expect(detail(seen, 'headers')).toMatch(/^image\/avif, no cache-control; expected/);
  });

  test('bytes that are not the signed ones must be refused', async () => {
    s3d.rules = { ...s3d.rules, storesAnyBytes: true };
    expect(bad(await look())).toEqual({ 'payload hash': 'broken' });
  });

  test('a clock that is wrong is told with its distance', async () => {
    s3d.rules = { ...s3d.rules, clock: () => Date.now() - 600_000 };
    const seen = await look();
    expect([tierOf(seen), bad(seen)]).toEqual(['A', { clock: 'broken' }]);
    expect(detail(seen, 'clock')).toMatch(/^60\d s behind this machine$/);
  });

  test('an old version that is read after a new one was stored is told', async () => {
    let gets = 0;
    s3d.hooks.push(({ kind, key }) =>
      kind === 'get' && key.endsWith('/content') && ++gets === 4 ? { kind: 'stale' } : undefined,
    );
    const seen = await look();
    expect(bad(seen)).toEqual({ overwrite: 'broken' });
    expect(detail(seen, 'overwrite')).toBe("read 'version 2' after 'version 3' was stored");
  });

  test('a listing that is late is told, and so is a deletion that is none', async () => {
    const hide = ({ kind }: Asked) => {
      const listed = s3d
        .bucket()
        .keys()
        .find((key) => key.endsWith('/listed'));
      if (kind === 'list' && listed !== undefined) s3d.bucket().delete(listed);
      return undefined;
    };
    s3d.hooks.push(hide);
    expect(bad(await look())).toEqual({ listing: 'broken' });
    const isListed = ({ kind, key }: Asked) => kind === 'delete' && key.endsWith('/listed');
    s3d.hooks.splice(0, 1, next(isListed, { kind: 'answer', status: 204 }));
    expect(bad(await look())).toEqual({ listing: 'broken', deletion: 'broken' });
  });
});

describe('trouble that may pass proves nothing', () => {
  test.each([
    [503, 'SlowDown', 'origin-unreachable'],
    [500, 'InternalError', 'origin-unreachable'],
    [400, 'RequestTimeout', 'origin-unreachable'],
    [403, 'AccessDenied', 'credentials-refused'],
    [400, 'ExpiredToken', 'credentials-refused'],
  ])('%i %s is %s, thrown, and what was written until then is removed', async (status, code, fault) => {
    s3d.hooks.push((asked) => (isSwap(asked) ? { kind: 'answer', status, code } : undefined));
    await expect(look()).rejects.toMatchObject({ code: fault });
    expect(s3d.bucket().keys()).toEqual([]);
  });

  test('no answer in a race is thrown, too', async () => {
    s3d.hooks.push(next(({ key }) => key.endsWith('/create-1'), { kind: 'drop' }));
    await expect(look()).rejects.toMatchObject({ code: 'origin-unreachable' });
    expect(s3d.bucket().keys()).toEqual([]);
  });

  test('a bucket that is not there is no store without conditions', async () => {
    s3d.buckets.clear();
    await expect(look({ extent: 'commits' })).rejects.toMatchObject({ code: 'origin-unreachable' });
  });
});
