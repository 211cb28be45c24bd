import { expect, test } from 'vitest';
import { askHttp } from '../support/ask-http.js';
import { anEdgeWorld, edgeSuite } from '../support/edge-suite.js';
import { startNginx } from './nginx.js';

edgeSuite({
  name: 'nginx with what export edge nginx writes',
  validators: true,
  start: async (table) => {
    const { port, end } = await startNginx(table);
    return { end, ask: (place, headers, method) => askHttp(port, place, headers, method) };
  },
});

test('two jobs in one nginx answer each from its own snapshot, however alike their names', async () => {
  const world = await anEdgeWorld(0);
  const other = { ...world.table, job: 'cata.log', prefix: '/other', snapshots: [world.monday, world.tuesday] };
  const rows = world.table.rows.map(({ path, keys }) => ({ path, keys: [...keys].reverse() }));
  const server = await startNginx({ ...world.table, job: 'cata-log' }, { ...other, rows });
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
