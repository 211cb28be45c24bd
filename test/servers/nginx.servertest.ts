import { askHttp } from '../support/ask-http.js';
import { edgeSuite, twoJobsSuite } from '../support/edge-suite.js';
import { startNginx } from './nginx.js';

edgeSuite({
  name: 'nginx with what export edge nginx writes',
  validators: true,
  start: async (table) => {
    const { port, end } = await startNginx(table);
    return { end, ask: (place, headers, method) => askHttp(port, place, headers, method) };
  },
});

twoJobsSuite('nginx', startNginx);
