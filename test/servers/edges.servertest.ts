import { afterEach, describe, expect, test } from 'vitest';
import type { Result } from '../../src/domain/result.js';
import { age, aWorld, fill, type World } from '../support/world.js';
import { serveOrigin, startNginxCache, startVarnishCache } from './caches.js';

const token = 'only-the-publisher-knows';

const caches = [
  { name: 'Varnish, told by PURGE', start: startVarnishCache, more: '' },
  { name: 'nginx, told by PURGE', start: startNginxCache, more: '' },
  { name: 'nginx, told at its separate location', start: startNginxCache, more: "method: 'GET', prefix: '/purge', " },
];

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** A world whose readers come through a real cache, by another host than the one at which the cache is told. */
async function aWorldBehind({ start, more }: (typeof caches)[number]): Promise<{ world: World; base: string }> {
  const plain = await aWorld();
  ends.push(plain.end);
  const origin = await serveOrigin(plain.origin);
  ends.push(origin.end);
  const cache = await start(origin.port, token);
  ends.push(cache.end);
  const base = `http://localhost:${cache.port}`;
  const world = await aWorld({
    source: plain.source,
    origin: plain.origin,
    gate: `{ shrink: '50%' },
  edges: [{ type: 'http-purge', name: 'cache', urls: '${base}', servers: 'http://127.0.0.1:${cache.port}', ${more}tokenEnv: 'PURGE_TOKEN' }]`,
  });
  ends.push(world.end);
  await fill(world, { pictures: 0, texts: 3 });
  await age(world);
  return { world, base };
}

async function seqSeen(base: string): Promise<number> {
  const { seq } = (await (await fetch(`${base}/head.json`)).json()) as { seq: number };
  return seq;
}

const edgeOf = (result: Result | undefined) => result?.edges?.[0];

describe.each(caches)('$name', (cache) => {
  test('keeps a stale head until it is told, then serves the new one, and --wait measures when', async () => {
    const { world, base } = await aWorldBehind(cache);
    const told = { env: { PURGE_TOKEN: token } };
    // What the cache does not keep yet is told like everything else.
    const first = await world.run(['--now', '--wait=60s'], told);
    expect([first.code, edgeOf(first.result)?.told]).toEqual([0, true]);
    expect(await seqSeen(base)).toBe(1);

    await world.write('texts/new.txt', 'news');
    const refused = await world.run(['--now'], { env: { PURGE_TOKEN: 'wrong' } });
    expect([refused.code, refused.result?.live?.seq, edgeOf(refused.result)?.told]).toEqual([0, 2, false]);
    expect(edgeOf(refused.result)?.error).toContain('answered 403');
    expect(await seqSeen(base)).toBe(1);
    const late = await world.run(['--wait=1s'], { env: { PURGE_TOKEN: 'wrong' } });
    expect([late.code, edgeOf(late.result)?.error]).toEqual([
      7,
      expect.stringMatching(/serves seq 1 after \d+ s, expected seq 2$/),
    ]);

    const idle = await world.run(['--wait=60s'], told);
    expect([idle.code, idle.result?.run, edgeOf(idle.result)?.told, idle.result?.findings]).toEqual([
      0,
      null,
      true,
      [],
    ]);
    expect(await seqSeen(base)).toBe(2);
    expect(edgeOf(idle.result)?.servedAfterMs).toEqual(expect.any(Number));

    const back = await world.run(['--yes', '--wait=60s'], { ...told, verb: 'rollback' });
    expect([back.code, await seqSeen(base)]).toEqual([0, 3]);
  });
});
