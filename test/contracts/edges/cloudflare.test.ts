import { expect, test } from 'vitest';
import { cloudflare } from '../../../src/edges/cloudflare/index.js';
import { requests } from '../../../src/edges/cloudflare/request.js';
import { aRecorder, says } from '../../support/recorder.js';
import { type EdgeHarness, edgeSuite } from './suite.js';

const zone = '023e105f4ecef8ad9ca31a8372d0c353';

const harness: EdgeHarness = {
  kind: cloudflare,
  config: (base) => ({ type: 'cloudflare', zone, endpoint: base }),
  env: { CLOUDFLARE_TOKEN: 'cf-secret-8f2' },
  accepted: '{"success":true,"errors":[],"messages":[],"result":{"id":"x"}}',
  head: [
    {
      method: 'POST',
      url: `/zones/${zone}/purge_cache`,
      headers: { authorization: 'Bearer cf-secret-8f2', 'content-type': 'application/json' },
      body: '{"files":["https://cdn.example.com/catalog/head.json"]}',
    },
  ],
};

edgeSuite('cloudflare', harness);

test('a hundred URLs are one call, one more is a second', () => {
  const urls = Array.from({ length: 101 }, (_, n) => `https://cdn.example.com/b/${n}`);
  const calls = requests({ zone, token: 't', endpoint: 'https://api' }, urls);
  const files = calls.map(({ body = '' }) => (JSON.parse(body) as { files: string[] }).files);
  expect(files.map((batch) => batch.length)).toEqual([100, 1]);
  expect(files.flat()).toEqual(urls);
});

test('an answer of 200 that says it was no success is a refusal', async () => {
  const api = await aRecorder(
    says(200, '{"success":false,"errors":[{"code":1012,"message":"Request must contain…"}]}'),
  );
  const checked = cloudflare.check({ ...harness.config(api.base), urls: 'https://cdn.example.com' }, {});
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
  const services = {
    secret: () => 't',
    clock: Date.now,
    pause: async () => undefined,
    random: Math.random,
    tryMs: 5000,
  };
  const never = new AbortController().signal;
  const purging = cloudflare
    .open(checked.config, services)
    .purge({ keys: ['head.json'], reference: 'r' }, { asked: never, now: never });
  await expect(purging).rejects.toMatchObject({ code: 'edge-refused', message: expect.stringContaining('1012') });
  await api.close();
});
