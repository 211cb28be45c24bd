import { chmod, readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { askHttp } from '../support/ask-http.js';
import { edgeSuite, twoJobsSuite } from '../support/edge-suite.js';
import { aPublishedWorld } from '../support/project.js';
import { readHead } from '../support/published.js';
import { startNginx, startNginxWith } from './nginx.js';

edgeSuite({
  name: 'nginx with what export edge nginx writes',
  validators: true,
  start: async (table) => {
    const { port, end } = await startNginx(table);
    return { end, ask: (place, headers, method) => askHttp(port, place, headers, method) };
  },
});

twoJobsSuite('nginx', startNginx);

test('nginx before the folder, as the README writes it, serves what is live with the right headers and nothing else', async () => {
  const world = await aPublishedWorld();
  await chmod(world.folder, 0o755); // its workers are another user where root starts it
  const [, conf = ''] = /```nginx\n([\s\S]*?)```/.exec(await readFile('README.md', 'utf8')) ?? [];
  const text = conf.replaceAll('/srv/site/public', world.folder).replaceAll('/catalog/', '/public/');
  const { port, end } = await startNginxWith(text);
  try {
    const live = (await readHead(world.origin))?.channels.live?.snapshot;
    const cached = async (place: string) => {
      const { status, headers } = await askHttp(port, `/public/${place}`);
      return [status, headers['cache-control']];
    };
    const once = 'public, max-age=31536000, immutable';
    expect(await cached(`m/${live}.json`)).toEqual([200, once]);
    expect(await cached('live/texts/t0.txt')).toEqual([200, 'no-cache']);
    expect(await cached('head.json')).toEqual([200, 'public, max-age=0, s-maxage=5, stale-if-error=86400']);
    expect((await askHttp(port, '/public/head.json')).headers.etag).toBeUndefined();
    for (const hidden of ['now/head.json', 'heads/', '.lock.db', path.join('trees', live ?? '', 'texts/t0.txt')])
      expect((await cached(hidden))[0]).toBe(404);
    await world.write('texts/t0.txt', 'another and longer');
    expect((await world.run(['--now'])).code).toBe(0);
    expect((await askHttp(port, '/public/live/texts/t0.txt')).body).toBe('another and longer');
  } finally {
    await end();
    await world.end();
  }
});
