import { describe, expect, test } from 'vitest';
import { httpPurge } from '../../../src/edges/http-purge/index.js';
import { requests } from '../../../src/edges/http-purge/request.js';
import { type EdgeHarness, edgeSuite } from './suite.js';

const harness: EdgeHarness = {
  kind: httpPurge,
  config: (base) => ({
    type: 'http-purge',
    servers: [base],
    tokenEnv: 'PURGE_TOKEN',
    headers: { 'X-Purge-Method': 'soft' },
  }),
  env: { PURGE_TOKEN: 'purge-secret-e41' },
  accepted: '<html>200 Purged</html>',
  head: [
    {
      method: 'PURGE',
      url: '/catalog/head.json',
      headers: { host: 'cdn.example.com', 'x-purge-token': 'purge-secret-e41', 'x-purge-method': 'soft' },
      body: '',
    },
  ],
};

edgeSuite('http-purge', harness);

describe('http-purge calls', () => {
  const urls = ['https://cdn.example.com:8443/catalog/head.json'];
  const call = { method: 'PURGE', servers: [], prefix: '', headers: {} };

  test('go to the URLs themselves when no servers are named', () => {
    const [one] = requests(call, urls);
    expect([one?.url, one?.headers.host]).toEqual([
      'https://cdn.example.com:8443/catalog/head.json',
      'cdn.example.com:8443',
    ]);
  });

  test('go to every server, as the host that readers ask for, with the method and the path that it wants', () => {
    const servers = ['http://10.0.0.1:6081/', 'http://10.0.0.2:6081'];
    const made = requests({ ...call, servers, method: 'GET', prefix: '/purge' }, urls);
    expect(made.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'GET http://10.0.0.1:6081/purge/catalog/head.json',
      'GET http://10.0.0.2:6081/purge/catalog/head.json',
    ]);
    expect(made.map(({ headers }) => headers.host)).toEqual(['cdn.example.com:8443', 'cdn.example.com:8443']);
  });

  test('are content with a cache that keeps no such thing', () => {
    expect(requests(call, urls)[0]?.fine).toEqual([404, 412]);
  });
});
