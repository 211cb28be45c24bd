import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type EdgeTable, rowsOf } from '../../src/cli/export/edge/table.js';
import { publishedIn } from '../../src/cli/export/published.js';
import { manifestKey } from '../../src/domain/origin-keys.js';
import type { Derivative, Digest, SnapshotId } from '../../src/domain/types.js';
import { encodePath } from '../../src/domain/urls.js';
import type { Origin } from '../../src/origins/contract.js';
import { type AnOrigin, anOrigin, aPicture, digestOf, entryOf } from './an-origin.js';
import { askHttp } from './ask-http.js';
import { type Served, serve } from './origin-server.js';
import { filesOf } from './static-files.js';

export interface Answered {
  readonly status: number;
  readonly body: string;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | undefined>>;
}

export interface Edge {
  ask(path: string, headers?: Readonly<Record<string, string>>, method?: string): Promise<Answered>;
  end(): Promise<void>;
}

export interface EdgeKind {
  readonly name: string;
  start(table: EdgeTable): Promise<Edge>;
  /** Who decides conditions and ranges: our code, or a platform that no test can start. */
  readonly validators: boolean;
}

const oddPaths = [
  "odd/a b;c$d 'e' {f} (g) [h].txt",
  'odd/"quoted" and \\back\\slash \\n.txt',
  'odd/§ Grüße 日本 🎩.txt',
  'odd/100% #1? a&b=c+d,e@f!g*h^i`j|k~l<m>.txt',
  `odd/$uri \${request_uri} %24 %2F.txt`,
  'odd/a\nline\tand a tab.txt',
  '~odd/.hidden/default',
  's/30125b8c990b/no pin.txt',
  'b/no blob.txt',
  `long/${'ä'.repeat(100)}/${'x'.repeat(200)}.txt`,
];

/** An origin with two snapshots, served over http, and the table of both: tuesday's is shown, monday's can be pinned. */
export interface EdgeWorld {
  readonly origin: AnOrigin;
  readonly server: Served;
  readonly table: EdgeTable;
  readonly monday: SnapshotId;
  readonly tuesday: SnapshotId;
  end(): Promise<void>;
}

export async function anEdgeWorld(more = 300): Promise<EdgeWorld> {
  const origin = await anOrigin();
  const text = async (name: string, content = `content of ${name}`) => {
    const derivative: Derivative = await origin.derivative({
      ...{ path: name, type: 'text/plain', ext: 'txt', variant: 'original', text: content },
    });
    return entryOf(name, 'text/plain', [derivative], 'rest');
  };
  const odd = await Promise.all(oddPaths.map((name) => text(name)));
  const many = await Promise.all(
    Array.from({ length: more }, (_, n) => text(`many/${n % 7}/t${n}.txt`, `number ${n}`)),
  );
  const common = [...odd, ...many];
  const days = {
    monday: [...common, await aPicture(origin, 'hat.jpg', 'of monday'), await text('gone.txt')],
    tuesday: [...common, await aPicture(origin, 'hat.jpg', 'of tuesday'), await text('new.txt')],
  };
  const monday = await origin.publish(days.monday);
  const tuesday = await origin.publish(days.tuesday);
  const head = await origin.head();
  const reads = async (digest: Digest) => await readFile(path.join(origin.folder, manifestKey(digest)));
  const place = { readManifest: reads } as Partial<Origin> as Origin;
  const published = await Promise.all([tuesday, monday].map((snapshot) => publishedIn(place, head, snapshot)));
  const files = filesOf(origin.folder);
  const server = await serve((request, response) => {
    request.url = (request.url ?? '').replace(/^\/inside\//, '/');
    return files(request, response);
  });
  const backend = new URL(`${server.url}/inside/`);
  const table = { job: 'catalog', snapshots: [tuesday, monday], rows: rowsOf(published), prefix: '/cata.log', backend };
  const end = async () => {
    await server.end();
    await origin.end();
  };
  return { origin, server, table, monday, tuesday, end };
}

/** The same path as differently written by clients. */
function spellings(name: string): readonly string[] {
  const canonical = encodePath(name);
  const shy = canonical.replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16)}`);
  const bold = encodeURI(name).replace(/[?#]/g, encodeURIComponent); // as browsers leave what may stay
  const small = canonical.replace(/%[0-9A-F]{2}/g, (byte) => byte.toLowerCase());
  const tilde = canonical.replaceAll('~', '%7E').replaceAll('_', '%5f').replaceAll('-', '%2D');
  return [...new Set([canonical, shy, bold, small, tilde])];
}

const immutable = 'public, max-age=31536000, immutable';

export function edgeSuite({ name, start, validators }: EdgeKind): void {
  describe(name, () => {
    let world: EdgeWorld;
    let edge: Edge;
    beforeAll(async () => {
      world = await anEdgeWorld();
      edge = await start(world.table);
    });
    afterAll(async () => {
      await edge?.end();
      await world?.end();
    });
    const ask: Edge['ask'] = (place, headers, method) => edge.ask(`/cata.log/${place}`, headers, method);
    const hat = 'hat.jpg/640w.webp';
    const hatOf = (day: string) => `${hat} of ${day}`;

    test('every public path is answered with its bytes, however a client writes it, to be asked for again', async () => {
      for (const { path: name, keys } of world.table.rows.filter(({ keys }) => keys[0])) {
        const expected = await readFile(path.join(world.origin.folder, keys[0] ?? ''), 'utf8');
        for (const spelling of spellings(name)) {
          const { status, body, headers } = await ask(spelling);
          expect([status, body], spelling).toEqual([200, expected]);
          expect(headers['cache-control'], spelling).toBe('no-cache');
          expect(headers['last-modified'], spelling).toBeUndefined();
        }
      }
      expect((await ask(`${hat}?v=1`)).body).toBe(hatOf('tuesday'));
      expect((await ask(hat)).headers['content-type']).toBe('image/webp');
    });

    test('a path pin answers from its snapshot alone, for ever', async () => {
      for (const [day, id] of Object.entries({ monday: world.monday, tuesday: world.tuesday })) {
        for (const pin of [id, id.slice(0, 12)]) {
          const { status, body, headers } = await ask(`s/${pin}/${hat}`);
          expect([status, body, headers['cache-control']]).toEqual([200, hatOf(day), immutable]);
          expect((await ask(`s/${pin}/${encodePath(oddPaths[0] ?? '')}`)).status).toBe(200);
        }
      }
      expect((await ask(`s/${world.monday}/gone.txt`)).status).toBe(200);
      for (const place of [
        `s/${world.tuesday}/gone.txt`,
        `s/${world.monday}/new.txt`,
        `s/${world.monday}/head.json`,
        `s/${world.monday.slice(0, 13)}/${hat}`,
        `s/${digestOf('unknown')}/${hat}`,
        `s/${world.monday}/`,
      ]) {
        expect((await ask(place)).status, place).toBe(404);
      }
    });

    test('a cookie keeps an old tab on its snapshot, and one that is not exported any more counts as none', async () => {
      const withCookie = async (cookie: string, place = hat) => await ask(place, { Cookie: cookie });
      for (const cookie of [world.monday, world.monday.slice(0, 12)]) {
        const { body, headers } = await withCookie(`a=b; nightpress=${cookie}; c=d`);
        expect([body, headers['cache-control']]).toEqual([hatOf('monday'), 'no-cache']);
      }
      expect((await withCookie(`nightpress=${world.monday}`, 'gone.txt')).status).toBe(200);
      expect((await withCookie(`nightpress=${world.monday}`, 'new.txt')).status).toBe(404);
      expect((await withCookie(`nightpress=${world.monday}`, `s/${world.tuesday}/${hat}`)).body).toBe(hatOf('tuesday'));
      for (const cookie of [
        `nightpress=${digestOf('x')}`,
        'nightpress=',
        'nightpress',
        `x${world.monday}`,
        '__proto__=1',
      ])
        expect((await withCookie(cookie)).body, cookie).toBe(hatOf('tuesday'));
    });

    test("what is no public path is not there, the origin's own objects are, and nothing is written", async () => {
      for (const place of [
        '',
        'hat.jpg',
        'hat.jpg/',
        `${hat}/x`,
        'many',
        'constructor',
        'm/',
        'b/../secret',
        'm/%2e%2e/head.json.x',
      ])
        expect((await ask(place)).status, place).toBe(404);
      expect([400, 404]).toContain((await ask('x%')).status);
      const { keys } = world.table.rows.find(({ path: name }) => name === hat) ?? { keys: [] };
      expect((await ask(keys[1] ?? '')).body).toBe(hatOf('monday'));
      expect((await ask(keys[1] ?? '')).headers['cache-control']).toBe(immutable);
      expect(JSON.parse((await ask('head.json')).body).seq).toBe(2);
      expect((await ask(manifestKey(world.monday))).status).toBe(200);
      expect((await ask(hat, {}, 'HEAD')).body).toBe('');
      if (validators) expect((await ask(hat, {}, 'POST')).status).toBeGreaterThanOrEqual(403);
    });

    if (!validators) return;

    test('validators are those of the bytes, whatever the origin says', async () => {
      const tag = `"${digestOf(hatOf('tuesday'))}"`;
      const other = `"${digestOf(hatOf('monday'))}"`;
      const date = new Date(Date.now() + 86_400_000).toUTCString();
      expect((await ask(hat)).headers.etag).toBe(tag);
      for (const known of [tag, `W/${tag}`, `${other}, ${tag}`]) {
        const { status, headers, body } = await ask(hat, { 'If-None-Match': known });
        expect([status, body, headers.etag, headers['cache-control']], known).toEqual([304, '', tag, 'no-cache']);
      }
      for (const known of [other, '"the-servers-own"']) {
        expect((await ask(hat, { 'If-None-Match': known })).body, known).toBe(hatOf('tuesday'));
      }
      expect((await ask(hat, { 'If-Modified-Since': date })).status).toBe(200);
      expect((await ask(hat, { 'If-None-Match': tag, Cookie: `nightpress=${world.monday}` })).body).toBe(
        hatOf('monday'),
      );
    });

    test('a part is of the snapshot that its client has begun with, otherwise the whole is sent', async () => {
      const part = { Range: 'bytes=0-6' };
      const tag = `"${digestOf(hatOf('tuesday'))}"`;
      for (const headers of [part, { ...part, 'If-Range': tag }]) {
        expect(await ask(hat, headers)).toMatchObject({ status: 206, body: 'hat.jpg' });
      }
      const changed = { ...part, 'If-Range': `"${digestOf(hatOf('monday'))}"` };
      expect(await ask(hat, changed)).toMatchObject({ status: 200, body: hatOf('tuesday') });
    });
  });
}

/** A server that may serve several jobs at once. */
export function twoJobsSuite(
  name: string,
  start: (...tables: readonly [EdgeTable, ...EdgeTable[]]) => Promise<{ readonly port: number; end(): Promise<void> }>,
): void {
  test(`two jobs in one ${name} answer each from its own snapshot, however alike their names`, async () => {
    const world = await anEdgeWorld(0);
    const other = { ...world.table, job: 'cata.log', prefix: '/other', snapshots: [world.monday, world.tuesday] };
    const rows = world.table.rows.map(({ path, keys }) => ({ path, keys: [...keys].reverse() }));
    const server = await start({ ...world.table, job: 'cata-log' }, { ...other, rows });
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
}
