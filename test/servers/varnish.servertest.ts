import { expect, test } from 'vitest';
import { askHttp } from '../support/ask-http.js';
import { anEdgeWorld, edgeSuite } from '../support/edge-suite.js';
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

test('two jobs in one Varnish answer each from its own snapshot, however alike their names', async () => {
  const world = await anEdgeWorld(0);
  const other = { ...world.table, job: 'cata.log', prefix: '/other', snapshots: [world.monday, world.tuesday] };
  const rows = world.table.rows.map(({ path, keys }) => ({ path, keys: [...keys].reverse() }));
  const server = await startVarnish({ ...world.table, job: 'cata-log' }, { ...other, rows });
  try {
    for (const [place, day] of Object.entries({ 'cata.log': 'tuesday', other: 'monday' } as const)) {
      const { body, headers } = await askHttp(server.port, `/${place}/hat.jpg/640w.webp`);
      expect(body).toBe(`hat.jpg/640w.webp of ${day}`);
      expect(headers['nightpress-snapshot']).toBe(world[day].slice(0, 12));
    }
  } finally {
    await server.end();
    await world.end();
  }
});
