import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fastly } from '../../../src/edges/fastly/index.js';
import { requests } from '../../../src/edges/fastly/request.js';
import { aRecorder, type Recorder, says } from '../../support/recorder.js';
import { type EdgeHarness, type Expected, edgeSuite } from './suite.js';

const once: Expected = {
  method: 'POST',
  url: '/purge/cdn.example.com/catalog/head.json',
  headers: { 'fastly-key': 'fastly-secret-1c9', accept: 'application/json', 'fastly-soft-purge': undefined },
  body: '',
};

const harness: EdgeHarness = {
  kind: fastly,
  config: (base) => ({ type: 'fastly', endpoint: base }),
  env: { FASTLY_TOKEN: 'fastly-secret-1c9' },
  accepted: '{"status":"ok","id":"108-1391560174-974124"}',
  head: [once, once],
  pauses: [5000],
};

edgeSuite('fastly', harness);

const urls = ['https://cdn.example.com/head.json', 'https://cdn.example.com/b/ab/abc.webp'];
const call = { token: 't', endpoint: 'https://api.fastly.com', soft: false };

test('a soft purge of the head says so in its header; what is withdrawn is removed at once', () => {
  const soft = requests({ ...call, soft: true }, urls);
  expect(soft.map(({ headers }) => headers['fastly-soft-purge'])).toEqual(['1', undefined]);
});

test('a head with a surrogate key is purged by it, once for all URLs; other keys by their URLs', () => {
  const tag = { service: 'SU1Z0isxPaozGVKXdv0eY', surrogateKey: 'catalog-head' };
  expect(requests({ ...call, tag }, [...urls, 'https://www.example.com/head.json']).map(({ url }) => url)).toEqual([
    'https://api.fastly.com/service/SU1Z0isxPaozGVKXdv0eY/purge/catalog-head',
    'https://api.fastly.com/purge/cdn.example.com/b/ab/abc.webp',
  ]);
});

describe('the second purge', () => {
  let api: Recorder;
  let asked: AbortController;

  beforeEach(async () => {
    api = await aRecorder(says(200, harness.accepted));
    asked = new AbortController();
  });
  afterEach(() => api.close());

  async function purge(pause: () => void): Promise<string> {
    const checked = fastly.check({ ...harness.config(api.base), urls: 'https://cdn.example.com' }, {});
    if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
    const edge = fastly.open(checked.config, {
      secret: (name) => harness.env[name],
      clock: () => 0,
      pause: async () => pause(),
      random: () => 0,
      tryMs: 5000,
    });
    const stale = { keys: ['head.json', 'b/1'], reference: 'r' };
    const stop = { asked: asked.signal, now: new AbortController().signal };
    return await edge.purge(stale, stop).then(
      () => 'told',
      (error: Error) => error.message,
    );
  }

  const paths = () => api.calls.map(({ url }) => url.slice('/purge/cdn.example.com'.length));

  test('comes after all that is stale was purged once, and purges all of it again', async () => {
    const before: number[] = [];
    expect(await purge(() => before.push(api.calls.length))).toBe('told');
    expect([paths(), before]).toEqual([['/head.json', '/b/1', '/head.json', '/b/1'], [2]]);
  });

  test('is not made by who is stopped before it, which counts as not told: the next call makes both', async () => {
    expect(await purge(() => asked.abort())).toBe('stopped before it was purged a second time');
    expect(paths()).toEqual(['/head.json', '/b/1']);
  });

  test('that is refused counts as not told', async () => {
    expect(await purge(() => api.usually(says(400, 'no')))).toMatch(/answered 400: no$/);
  });
});
