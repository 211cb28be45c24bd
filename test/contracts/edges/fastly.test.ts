import { expect, test } from 'vitest';
import { fastly } from '../../../src/edges/fastly/index.js';
import { requests } from '../../../src/edges/fastly/request.js';
import { type EdgeHarness, edgeSuite } from './suite.js';

const harness: EdgeHarness = {
  kind: fastly,
  config: (base) => ({ type: 'fastly', endpoint: base }),
  env: { FASTLY_TOKEN: 'fastly-secret-1c9' },
  accepted: '{"status":"ok","id":"108-1391560174-974124"}',
  head: [
    {
      method: 'POST',
      url: '/purge/cdn.example.com/catalog/head.json',
      headers: { 'fastly-key': 'fastly-secret-1c9', accept: 'application/json', 'fastly-soft-purge': undefined },
      body: '',
    },
  ],
};

edgeSuite('fastly', harness);

const urls = ['https://cdn.example.com/head.json', 'https://cdn.example.com/b/ab/abc.webp'];
const call = { token: 't', endpoint: 'https://api.fastly.com', soft: false };

test('a soft purge says so in its header', () => {
  const soft = requests({ ...call, soft: true }, urls);
  expect(soft.map(({ headers }) => headers['fastly-soft-purge'])).toEqual(['1', '1']);
});

test('a head with a surrogate key is purged by it, once for all URLs; other keys by their URLs', () => {
  const tag = { service: 'SU1Z0isxPaozGVKXdv0eY', surrogateKey: 'catalog-head' };
  expect(requests({ ...call, tag }, [...urls, 'https://www.example.com/head.json']).map(({ url }) => url)).toEqual([
    'https://api.fastly.com/service/SU1Z0isxPaozGVKXdv0eY/purge/catalog-head',
    'https://api.fastly.com/purge/cdn.example.com/b/ab/abc.webp',
  ]);
});
