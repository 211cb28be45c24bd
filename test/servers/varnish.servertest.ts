import { expect, test } from 'vitest';
import { askHttp } from '../support/ask-http.js';
import { anEdgeWorld, edgeSuite, twoJobsSuite } from '../support/edge-suite.js';
import { startVarnish } from './varnish.js';

edgeSuite({
  name: 'Varnish with what export edge varnish writes',
  validators: true,
  start: async (table) => {
    const { port, end } = await startVarnish(table);
    return { end, ask: (place, headers, method) => askHttp(port, place, headers, method) };
  },
});

test('Varnish asks the origin once for a blob, whichever path, pin or cookie leads to it', async () => {
  const world = await anEdgeWorld(0);
  const varnish = await startVarnish(world.table);
  try {
    const tuesday = world.tuesday.slice(0, 12);
    for (const place of ['new.txt', `s/${tuesday}/new.txt`, 'new.txt?v=2'])
      expect((await askHttp(varnish.port, `/cata.log/${place}`, { Cookie: `nightpress=${tuesday}` })).status).toBe(200);
    expect(world.server.asked.filter((key) => key.startsWith('/inside/b/'))).toHaveLength(1);
    expect((await askHttp(varnish.port, '/elsewhere')).status).toBe(418);
  } finally {
    await varnish.end();
    await world.end();
  }
});

twoJobsSuite('Varnish', startVarnish);
