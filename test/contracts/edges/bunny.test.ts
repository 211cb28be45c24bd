import { bunny } from '../../../src/edges/bunny/index.js';
import { type EdgeHarness, edgeSuite } from './suite.js';

const harness: EdgeHarness = {
  kind: bunny,
  config: (base) => ({ type: 'bunny', endpoint: base }),
  env: { BUNNY_API_KEY: 'bunny-secret-77a' },
  accepted: '',
  head: [
    {
      method: 'POST',
      url: '/purge?url=https%3A%2F%2Fcdn.example.com%2Fcatalog%2Fhead.json&async=false',
      headers: { accesskey: 'bunny-secret-77a' },
      body: '',
    },
  ],
};

edgeSuite('bunny', harness);
