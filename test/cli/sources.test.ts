import { createHash } from 'node:crypto';
import { readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startDripping } from '../support/dripping.js';
import { csv, type InventoryRow, ndjson } from '../support/inventory.js';
import { say } from '../support/project.js';
import { bucketAt, credentialsInEnvironment, oneS3d, putObject } from '../support/s3-source.js';
import { Bucket } from '../support/s3d/index.js';
import { aWorld, type Ended, fill, type World } from '../support/world.js';

/** Whole nights of the real command over the same files: in a folder, told by an inventory, and in a bucket. */
const server = oneS3d();
const worlds: World[] = [];

beforeEach(() => {
  server().buckets.set('media', new Bucket());
  server().log.length = 0;
});

afterEach(async () => {
  for (const world of worlds.splice(0)) await world.end();
});

interface Kind {
  readonly name: string;
  /** Text of the job's `source`. */
  source(world: World): string;
  /** After files of the world's folder were changed. */
  told(world: World): Promise<void>;
}

const directory: Kind = {
  name: 'directory',
  source: (world) => `{ type: 'directory', path: ${JSON.stringify(world.source)} }`,
  told: async () => undefined,
};

const listing = (file: string, text: (rows: readonly InventoryRow[]) => string): Kind => ({
  name: `listing ${file}`,
  source: () => `{ type: 'listing', file: '${file}', root: 'media' }`,
  told: async (world) => await writeFile(path.join(world.folder, file), text(await rowsOf(world))),
});

const s3: Kind = {
  name: 's3',
  source: () => JSON.stringify({ type: 's3', ...bucketAt(server()), prefix: 'library/' }),
  told: async (world) => {
    const bucket = server().bucket();
    for (const key of bucket.keys()) if (!(await keysOf(world)).includes(key.slice(8))) bucket.delete(key);
    for (const { key, etag, modified } of await rowsOf(world)) {
      if (bucket.get(`library/${key}`)?.etag === `"${etag}"`) continue;
      putObject(server(), `library/${key}`, await readFile(path.join(world.source, key)), Date.parse(modified));
    }
  },
};

const objects: Kind = {
  name: 'listing of objects',
  source: () => JSON.stringify({ type: 'listing', file: 'objects.ndjson', ...bucketAt(server()), prefix: 'library/' }),
  told: async (world) => {
    await s3.told(world);
    const rows = (await rowsOf(world)).map((row) => ({ ...row, key: `library/${row.key}` }));
    await writeFile(path.join(world.folder, 'objects.ndjson'), ndjson(rows));
  },
};

const ofNdjson = listing('inventory.ndjson', ndjson);
const kinds = [ofNdjson, listing('inventory.csv', csv), s3, objects];

async function keysOf(world: World): Promise<readonly string[]> {
  const entries = await readdir(world.source, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map((entry) => path.relative(world.source, path.join(entry.parentPath ?? entry.path, entry.name)));
}

async function rowsOf(world: World): Promise<readonly InventoryRow[]> {
  const rowOf = async (key: string) => {
    const file = path.join(world.source, key);
    const bytes = await readFile(file);
    const etag = createHash('md5').update(bytes).digest('hex');
    return { key, bytes: bytes.length, etag, modified: (await stat(file)).mtime.toISOString() };
  };
  return await Promise.all((await keysOf(world)).map(rowOf));
}

async function aWorldOf(kind: Kind): Promise<World> {
  const world = await aWorld({ gate: `{ shrink: '50%' }` });
  worlds.push(world);
  await fill(world, { pictures: 1, texts: 3 });
  await withSource(world, kind.source(world));
  return world;
}

async function withSource(world: World, source: string): Promise<void> {
  const file = path.join(world.folder, 'jobs', 'night.ts');
  const text = await readFile(file, 'utf8');
  await writeFile(
    file,
    text.replace(/source: .*,\n/, () => `source: ${source},\n`),
  );
}

/** The same in every night: only bytes tell of a change. */
const longAgo = new Date('2026-01-01T00:00:00Z');

async function night(world: World, kind: Kind): Promise<Ended> {
  for (const key of await keysOf(world)) await utimes(path.join(world.source, key), longAgo, longAgo);
  await kind.told(world);
  return await world.run(['--now'], { env: credentialsInEnvironment });
}

const worked = ({ lines }: Ended) => lines.flatMap((line) => (line.type === 'item-ended' ? [String(line.key)] : []));
const liveOf = ({ result }: Ended) => result?.live?.snapshot;

test.each(kinds)(
  '$name: the snapshot of the folder, a night without changes, one with one change',
  {
    timeout: 240_000,
  },
  async (kind) => {
    const world = await aWorldOf(kind);
    const first = await night(world, kind);
    expect([first.code, first.result?.outcome]).toEqual([0, 'published']);
    expect(first.stderr).not.toContain('Warning');
    expect(worked(first)).toHaveLength(4);
    expect(liveOf(first)).toBe(await snapshotOfTheFolder());
    const second = await night(world, kind);
    expect([second.result?.outcome, worked(second)]).toEqual(['unchanged', []]);
    await world.write('texts/t1.txt', 'another text');
    await world.remove('texts/t2.txt');
    const third = await night(world, kind);
    expect([third.code, third.result?.outcome]).toEqual([0, 'published']);
    expect(worked(third)).toEqual(['texts/t1.txt']);
    expect((await readdir(path.join(world.origin, 'live', 'texts'))).sort()).toEqual(['t0.txt', 't1.txt']);
  },
);

let folderSnapshot: string | undefined;

/** What source `directory` makes of the files that every world begins with. */
async function snapshotOfTheFolder(): Promise<string> {
  folderSnapshot ??= liveOf(await night(await aWorldOf(directory), directory));
  return folderSnapshot ?? 'nothing went live';
}

test('a night without changes asks a bucket for nothing but its list', async () => {
  const world = await aWorldOf(s3);
  await night(world, s3);
  server().log.length = 0;
  await night(world, s3);
  expect(server().log.map(({ kind }) => kind)).toEqual(['list']);
});

test('of an inventory with a line nobody can read nothing is taken for removed', { timeout: 120_000 }, async () => {
  const kind = ofNdjson;
  const world = await aWorldOf(kind);
  await night(world, kind);
  const rows = (await rowsOf(world)).filter(({ key }) => key !== 'texts/t1.txt');
  await writeFile(path.join(world.folder, 'inventory.ndjson'), `{"key":"texts/t1\n${ndjson(rows)}`);
  const ended = await world.run(['--now'], { env: credentialsInEnvironment });
  expect(ended.lines.find((line) => line.type === 'finding')).toMatchObject({ finding: { code: 'line-unreadable' } });
  expect(await readdir(path.join(world.origin, 'live', 'texts'))).toContain('t1.txt');
});

test('an inventory that was cut ends the night with 75 and leaves what is live', { timeout: 120_000 }, async () => {
  const kind = ofNdjson;
  const world = await aWorldOf(kind);
  const first = await night(world, kind);
  await writeFile(path.join(world.folder, 'inventory.ndjson'), ndjson(await rowsOf(world)).slice(0, -40));
  const ended = await world.run(['--now']);
  expect([ended.code, liveOf(ended)]).toEqual([75, liveOf(first)]);
  expect(JSON.stringify(ended.result)).toContain('was it copied whole?');
});

test.each([
  ['refuses us', 77, {}, 'credentials'],
  ['is not there', 75, credentialsInEnvironment, 'does not exist'],
])('a bucket that %s ends the night with %i', { timeout: 120_000 }, async (what, code, env, says) => {
  const world = await aWorldOf(s3);
  await s3.told(world);
  if (what === 'is not there') server().buckets.delete('media');
  const noMachineRole = { AWS_EC2_METADATA_DISABLED: 'true' };
  const ended = await world.run([], { env: { ...env, ...noMachineRole } });
  expect(ended.code).toBe(code);
  expect(JSON.stringify(ended.lines)).toContain(says);
});

test.each([
  [
    'listing',
    `{ type: 'listing', file: '', columns: 'key', prefix: 'x', follow: true }`,
    ['file', 'columns', 'prefix', 'follow', 'root'],
  ],
  ['s3', `{ type: 's3', prefix: '/x', endpoint: 'here', secret: 'no' }`, ['bucket', 'prefix', 'endpoint', 'secret']],
])('every mistake in a source of type %s is told at once', async (_, source, options) => {
  const world = await aWorldOf(directory);
  await withSource(world, source);
  const said = await say(world, 'plan', 'night');
  expect(said.code).toBe(2);
  for (const option of options) expect(said.stderr).toContain(`source.${option}: `);
});

test('the folder that rows point into must lie apart from the origin', async () => {
  const world = await aWorldOf(directory);
  await withSource(world, `{ type: 'listing', file: 'i.csv', root: 'public/inside' }`);
  const said = await say(world, 'plan', 'night');
  expect(said.code).toBe(2);
  expect(said.stderr).toContain('source.root: ');
});

test('a stop is not kept waiting by an object that comes byte by byte', async () => {
  const dripping = await startDripping();
  const world = await aWorld();
  worlds.push(world);
  const file = path.join(world.folder, 'jobs', 'night.ts');
  const source = `source: ${JSON.stringify({ type: 's3', ...bucketAt(dripping) })}`;
  await writeFile(file, (await readFile(file, 'utf8')).replace(/source: \{.*\}/, source));
  const running = world.start(['--now', '--grace', '0s'], { env: credentialsInEnvironment });
  await running.said('partition');
  running.signal('SIGTERM');
  expect(await running.ended).toMatchObject({ code: 143, result: { outcome: 'interrupted' } });
  await dripping.close();
});
