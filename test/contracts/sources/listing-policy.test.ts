import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { appendFile, mkdir, mkdtemp, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Source } from '../../../src/sources/contract.js';
import { listing } from '../../../src/sources/listing/index.js';
import { ndjson } from '../../support/inventory.js';
import { bucketAt, oneS3d, putObject } from '../../support/s3-source.js';
import { Bucket } from '../../support/s3d/index.js';

/** What only an inventory can be: cut, empty, contradictory, half understood, or at odds with the bytes. */
let place: string;
let root: string;
let staged: string;
let now: number;

beforeEach(async () => {
  place = await mkdtemp(path.join(tmpdir(), 'nightpress-listing-'));
  [root, staged] = [path.join(place, 'library'), path.join(place, 'staged')];
  await mkdir(root);
  now = Date.now() + 3_600_000;
});

afterEach(async () => {
  await rm(place, { recursive: true, force: true });
});

const at = (name: string) => path.join(place, name);
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const md5 = (bytes: string | Buffer) => createHash('md5').update(bytes).digest('hex');

function open(file: string, options: Readonly<Record<string, unknown>> = { root: 'library' }): Source {
  const checked = listing.check({ type: 'listing', file, ...options }, place);
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
  return listing.open(checked.config, () => now);
}

/** Writes an inventory and opens it. */
async function given(
  name: string,
  text: string | Buffer,
  options?: Readonly<Record<string, unknown>>,
): Promise<Source> {
  await writeFile(at(name), text);
  return open(name, options);
}

async function put(key: string, text: string): Promise<void> {
  await mkdir(path.dirname(path.join(root, key)), { recursive: true });
  await writeFile(path.join(root, key), text);
}

const row = (key: string, more: object = {}) => ({ key, bytes: 5, etag: 'e', ...more });
const keysOf = async (source: Source) => (await source.scan()).assets.map(({ key }) => key);
const codesOf = async (source: Source) => (await source.scan()).findings.map(({ code }) => code);

describe('config', () => {
  const check = (config: object) => listing.check({ type: 'listing', ...config }, '/srv/shop');
  const pathsOf = (config: object) => {
    const checked = check(config);
    return checked.ok ? [] : checked.problems.map((problem) => problem.path.join('.'));
  };

  test('paths are resolved against the project, the format is read off the name, and the root is the folder', () => {
    expect(check({ file: 'in/a.csv.gz', root: 'media' })).toEqual({
      ok: true,
      folder: '/srv/shop/media',
      config: {
        type: 'listing',
        file: '/srv/shop/in/a.csv.gz',
        root: '/srv/shop/media',
        format: 'csv',
        encodedKeys: false,
      },
    });
    expect(check({ file: 'x/manifest.json', bucket: 'media' })).toMatchObject({
      config: { format: 's3-inventory', encodedKeys: true },
    });
  });

  test.each([
    [{ root: 'm' }, ['file']],
    [{ file: 'a.txt', root: 'm' }, ['format']],
    [{ file: 'a.csv' }, ['root']],
    [{ file: 'a.csv', root: 'm', bucket: 'media', prefix: 'p/' }, ['bucket', 'prefix']],
    [{ file: 'a.ndjson', root: 'm', columns: ['key'] }, ['columns']],
    [{ file: 'a.csv', root: 'm', columns: ['name', 'size'] }, ['columns']],
    [{ file: 'manifest.json', bucket: 'media', encodedKeys: false }, ['encodedKeys']],
    [{ file: 'a.csv', bucket: 'media', prefix: '/p' }, ['prefix']],
    [{ file: 'a.csv', bucket: 'media', endpoint: 'localhost' }, ['endpoint']],
  ])('%j is refused at %j', (config, where) => {
    expect(pathsOf(config)).toEqual(where);
  });

  test('all problems are listed at once', () => {
    expect(pathsOf({ file: 'a.txt', columns: ['x'], prefix: 7, follow: true })).toEqual(
      expect.arrayContaining(['prefix', 'follow', 'format', 'columns', 'root']),
    );
  });
});

describe('an inventory that is not whole', () => {
  const whole = ndjson([row('a.jpg'), row('b.jpg')]);
  const table = 'key,size,etag\na.jpg,5,e\nb.jpg,5,e\n';

  test.each([
    ['NDJSON cut inside of a row', 'i.ndjson', whole.slice(0, -9)],
    ['NDJSON without its last line end', 'i.ndjson', whole.slice(0, -1)],
    ['CSV cut inside of a row', 'i.csv', table.slice(0, -4)],
    ['CSV cut inside of a quote', 'i.csv', `${table}"c.jpg\n`],
    ['an empty file', 'i.ndjson', ''],
    ['an empty CSV', 'i.csv', ''],
    ['gzip that is cut', 'i.csv.gz', gzipSync(table.repeat(100)).subarray(0, 60)],
    ['gzip of nothing', 'i.csv.gz', gzipSync('')],
    ['gzip that is damaged', 'i.csv.gz', Buffer.concat([gzipSync(table).subarray(0, -8), Buffer.alloc(8)])],
    ['CSV with a line of two megabytes, all of it commas', 'i.csv', `${table}${','.repeat(2 << 20)}\n`],
    ['NDJSON with one', 'i.ndjson', `${whole}${' '.repeat(2 << 20)}\n`],
    ['CSV without a key column', 'i.csv', 'name,size\na,1\n'],
  ])('%s is unreachable, not a smaller library', async (_, name, text) => {
    const source = await given(name, text);
    await expect(source.scan()).rejects.toMatchObject({ code: 'source-unreachable' });
    await expect(source.list('a.jpg')).rejects.toMatchObject({ code: 'source-unreachable' });
  });

  test('a line is told by its number, however many empty ones are before it', async () => {
    const text = `\n\n${whole}${'\n'.repeat(200_000)}nonsense\n\n`;
    const { assets, findings } = await (await given('i.ndjson', text)).scan();
    expect(assets.map(({ key }) => key)).toEqual(['a.jpg', 'b.jpg']);
    expect(findings.map(({ message }) => message)).toEqual([expect.stringContaining('line 200005 ')]);
  });

  test('every cut of an inventory but at the end of a row is told', async () => {
    for (let length = 0; length < whole.length; length++) {
      const scan = (await given('i.ndjson', whole.slice(0, length))).scan();
      if (whole[length - 1] === '\n') await expect(scan, `${length}`).resolves.toMatchObject({ findings: [] });
      else await expect(scan, `${length}`).rejects.toMatchObject({ code: 'source-unreachable' });
    }
  });

  test('one that names columns and no row is an empty library, said aloud', async () => {
    expect(await (await given('i.csv', 'key,size,etag\n')).scan()).toMatchObject({
      assets: [],
      findings: [{ code: 'source-empty' }],
    });
  });

  test('one that is absent, or a folder, is unreachable', async () => {
    await expect(open('absent.csv').scan()).rejects.toThrow(/absent\.csv does not exist/);
    await mkdir(at('folder.csv'));
    await expect(open('folder.csv').scan()).rejects.toMatchObject({ code: 'source-unreachable' });
  });

  test('one that is written while it is read is unreachable', async () => {
    const source = await given('i.ndjson', ndjson(Array.from({ length: 20_000 }, (_, index) => row(`${index}.jpg`))));
    let ended: unknown;
    const scanning = source.scan().then(
      (inventory) => {
        ended = inventory;
      },
      (error: unknown) => {
        ended = error;
      },
    );
    while (ended === undefined) await appendFile(at('i.ndjson'), ndjson([row('late.jpg')]));
    await scanning;
    expect(ended).toMatchObject({
      code: 'source-unreachable',
      message: expect.stringMatching(/changed while it was read/),
    });
  });

  test('the plan goes on with the old one while the new one is being written, and when that is cut', async () => {
    await put('a.jpg', 'bytes');
    const source = await given('i.ndjson', ndjson([row('a.jpg')]));
    await source.scan();
    await writeFile(at('i.ndjson'), '{"key":"a.j');
    expect(await source.stage('a.jpg', staged)).toMatchObject({ ok: true });
    await rm(staged);
    now = Date.now();
    await writeFile(at('i.ndjson'), ndjson([row('b.jpg')]));
    expect(await source.stage('a.jpg', staged)).toMatchObject({ ok: true });
    await rm(staged);
    now += 3_600_000;
    expect(await source.stage('a.jpg', staged)).toMatchObject({ ok: false, finding: { code: 'vanished' } });
    await rm(at('i.ndjson'));
    await expect(source.stage('a.jpg', staged)).rejects.toMatchObject({ code: 'source-unreachable' });
  });
});

describe('rows', () => {
  test('a line that cannot be read is told by its number, and nothing counts as removed', async () => {
    const good = JSON.stringify(row('a.jpg'));
    const lines = [good, '{"key":', '[1]', '', '{"key":{}}', '{"bytes":5,"etag":"e"}'];
    const source = await given(
      'i.ndjson',
      Buffer.concat([Buffer.from(`${lines.join('\n')}\n`), Buffer.from([0xff, 10])]),
    );
    const { assets, findings, unreadable } = await source.scan();
    expect(assets.map(({ key }) => key)).toEqual(['a.jpg']);
    expect(unreadable).toEqual(['']);
    expect(findings.map(({ code, message }) => [code, /^line (\d+)/.exec(message)?.[1]])).toEqual(
      ['2', '3', '5', '6', '7'].map((line) => ['line-unreadable', line]),
    );
  });

  test('a CSV row of too few or too many fields, or with a stray quote, costs itself and hides nothing', async () => {
    const source = await given(
      'i.csv',
      'key,size,etag\na.jpg,5,e\nshort.jpg,5\nlong.jpg,5,e,x\nst"ray.jpg,5,e\nb.jpg,5,e\n',
    );
    const { assets, findings, unreadable } = await source.scan();
    expect(assets.map(({ key }) => key)).toEqual(['a.jpg', 'b.jpg']);
    expect(unreadable).toEqual(['']);
    expect(findings.map(({ message }) => /^line (\d+)/.exec(message)?.[1]).sort()).toEqual(['3', '4', '5']);
  });

  test('CSV is read as RFC 4180 has it, whatever the line ends, with or without a mark at its beginning', async () => {
    const rows = [
      '\ufeffETag,Key,Size,Owner',
      'e,"a, ""b"".jpg",5,x',
      'e,"line\nbreak.jpg",5,',
      '',
      'e,plain.jpg,5,y',
      '',
    ];
    for (const end of ['\n', '\r\n']) {
      expect(await keysOf(await given('i.csv', rows.join(end))), JSON.stringify(end)).toEqual([
        'a, "b".jpg',
        'line\nbreak.jpg',
        'plain.jpg',
      ]);
    }
  });

  test('columns that the job names need no header row', async () => {
    const source = await given('i.csv', 'x,a.jpg,5,e\n', { root: 'library', columns: ['-', 'key', 'size', 'etag'] });
    expect((await source.scan()).assets).toMatchObject([{ key: 'a.jpg', bytes: 5 }]);
  });

  test.each([
    [{ bytes: 'many' }, 'whole number'],
    [{ bytes: -1 }, 'whole number'],
    [{ bytes: undefined }, 'whole number'],
    [{ etag: undefined }, 'one of etag, version, modified, sha256'],
    [{ modified: 'yesterday' }, 'an instant'],
    [{ sha256: 'abc' }, '64 hex digits'],
  ])('a row whose key is all that can be understood is an asset that cannot be read: %j', async (more, expected) => {
    const source = await given('i.ndjson', ndjson([row('a.jpg', more)]));
    const [asset] = (await source.scan()).assets;
    expect(asset).toMatchObject({ key: 'a.jpg', problem: { code: 'row-invalid', key: 'a.jpg', class: 'input' } });
    expect(asset?.problem?.message).toContain(`line 1 is not understood: expected`);
    expect(asset?.problem?.message).toContain(expected);
    expect(await source.stage('a.jpg', staged)).toEqual({ ok: false, finding: asset?.problem });
  });

  test('what says the same twice counts once; what contradicts itself cannot be read', async () => {
    const rows = [row('a.jpg'), row('b.jpg'), row('a.jpg'), row('b.jpg', { etag: 'other' })];
    const { assets, findings } = await (await given('i.ndjson', ndjson(rows))).scan();
    expect(assets.map(({ key, problem }) => [key, problem?.code])).toEqual([
      ['a.jpg', undefined],
      ['b.jpg', 'row-contradicts'],
    ]);
    expect(findings).toMatchObject([
      { code: 'row-repeated', severity: 'notice', message: expect.stringContaining('line 3') },
    ]);
  });

  test('keys that cannot be assets are findings, those of tools nothing', async () => {
    const keys = ['/a', 'a//b', 'a/../b', '.', 'a\u0000', '\ud800', 'folder/', '.git/x', 'good'];
    const rows = keys.map((key) => row(key, key === 'folder/' ? { bytes: 0 } : {}));
    const { assets, findings, unreadable } = await (await given('i.ndjson', ndjson(rows))).scan();
    expect(assets.map(({ key }) => key)).toEqual(['good']);
    expect(findings.map(({ code }) => code)).toEqual([...Array(6).fill('key-illegal'), 'folder-marker']);
    expect(unreadable).toEqual([]);
  });

  test('a file of a hundred thousand broken lines is not a hundred thousand findings', async () => {
    const { findings } = await (await given('i.ndjson', 'x\n'.repeat(100_000))).scan();
    expect(findings).toHaveLength(51);
    expect(findings.at(-1)?.message).toBe('and 99950 more like these');
  });

  test.each([
    { bytes: 6 },
    { etag: 'f' },
    { version: '2' },
    { modified: '2026-01-01T00:00:00Z' },
    { sha256: sha256('x') },
  ])('a row that says %j otherwise is another listing', async (more) => {
    const source = await given('i.ndjson', ndjson([row('a.jpg'), row('b.jpg')]));
    const before = (await source.scan()).assets;
    await given('i.ndjson', ndjson([row('a.jpg', more), row('b.jpg')]));
    const after = (await source.scan()).assets;
    expect(after[0]?.listing).not.toBe(before[0]?.listing);
    expect(after[1]).toEqual({ ...before[1], modifiedAt: after[1]?.modifiedAt });
  });
});

describe('files that rows point to', () => {
  test('a row may lie elsewhere than under its key', async () => {
    await put('store/0001.bin', 'bytes');
    const source = await given('i.ndjson', ndjson([row('a.jpg', { path: 'store/0001.bin' })]));
    expect(await source.stage('a.jpg', staged)).toMatchObject({ ok: true, asset: { key: 'a.jpg' } });
    expect(await readFile(staged, 'utf8')).toBe('bytes');
  });

  test.each(['../secret', '/etc/hostname', 'link', 'folder/../../secret'])(
    'a row that points to %j, out of the root, gives no byte',
    async (where) => {
      await writeFile(at('secret'), 'bytes');
      await symlink(at('secret'), path.join(root, 'link'));
      const source = await given('i.ndjson', ndjson([row('a.jpg', { path: where })]));
      await source.scan();
      expect(await source.stage('a.jpg', staged)).toMatchObject({ ok: false, finding: { key: 'a.jpg' } });
      expect(existsSync(staged)).toBe(false);
    },
  );

  test('bytes that are not those of their row are a finding that may pass, and no copy stays', async () => {
    await put('a.jpg', 'bytes');
    const rows = { sha256: sha256('bytes') };
    const good = await given('i.ndjson', ndjson([row('a.jpg', rows)]));
    expect(await good.stage('a.jpg', staged)).toMatchObject({ ok: true });
    await rm(staged);
    for (const text of ['other', 'longer', '']) {
      await put('a.jpg', text);
      const finding = { code: 'not-as-listed', class: 'transient', key: 'a.jpg' };
      expect(await good.stage('a.jpg', staged)).toMatchObject({ ok: false, finding });
      expect(existsSync(staged)).toBe(false);
    }
  });

  test('a root that is not there is unreachable, however whole the inventory', async () => {
    const source = await given('i.ndjson', ndjson([row('a.jpg')]));
    await rm(root, { recursive: true });
    await expect(source.scan()).rejects.toMatchObject({ code: 'source-unreachable' });
  });
});

describe('S3 Inventory', () => {
  const server = oneS3d();
  const schema = 'Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, LastModifiedDate, ETag, StorageClass';

  /** As AWS delivers it: parts in `data`, a manifest in a folder named by the instant; keys are URL-encoded. */
  async function delivered(parts: readonly (readonly (readonly string[])[])[], spoil = (bytes: Buffer) => bytes) {
    const folder = at('inventory');
    await mkdir(path.join(folder, 'data'), { recursive: true });
    await mkdir(path.join(folder, '2026-11-25T01-00Z'), { recursive: true });
    const files = await Promise.all(
      parts.map(async (rows, index) => {
        const bytes = gzipSync(rows.map((fields) => `${fields.map((one) => `"${one}"`).join(',')}\n`).join(''));
        await writeFile(path.join(folder, 'data', `part-${index}.csv.gz`), spoil(bytes));
        return { key: `dest/media/daily/data/part-${index}.csv.gz`, size: bytes.length, MD5checksum: md5(bytes) };
      }),
    );
    const manifest = { sourceBucket: 'media', version: '2016-11-30', fileFormat: 'CSV', fileSchema: schema, files };
    await writeFile(path.join(folder, '2026-11-25T01-00Z', 'manifest.json'), JSON.stringify(manifest));
    server().buckets.set('media', new Bucket());
    return open('inventory/2026-11-25T01-00Z/manifest.json', { ...bucketAt(server()), prefix: 'library/' });
  }

  const modified = '2026-11-20T10:00:00.000Z';
  const object = (key: string, { latest = 'true', deleted = 'false', text = key, bucket = 'media' } = {}) => {
    return [
      bucket,
      key,
      'v1',
      latest,
      deleted,
      deleted === 'true' ? '' : `${Buffer.byteLength(text)}`,
      modified,
      md5(text),
      'STANDARD',
    ];
  };

  test('rows of every part are read; superseded and deleted ones are nothing, other prefixes are counted', async () => {
    const source = await delivered([
      [
        object('library/b.jpg'),
        object('library/gone.jpg', { deleted: 'true' }),
        object('library/old.jpg', { latest: 'false' }),
        object('elsewhere/x.jpg'),
        object('elsewhere/y.jpg'),
        object('elsewhere/z.jpg', { deleted: 'true' }),
      ],
      [],
      [object('library/caf%C3%A9+%2B%25.jpg'), object('library/%E9.jpg'), object('library/sub/'), object('library/')],
    ]);
    const { assets, findings } = await source.scan();
    expect(assets.map(({ key }) => key)).toEqual(['b.jpg', 'café +%.jpg']);
    expect(assets[0]?.modifiedAt).toBe(Date.parse(modified));
    expect(findings.map(({ code }) => code)).toEqual(['name-not-utf8', 'key-illegal', 'row-outside']);
    const message = "2 rows ignored: their keys do not begin with 'library/', the first is 'elsewhere/x.jpg'";
    expect(findings.at(-1)).toMatchObject({ severity: 'notice', message });
  });

  test('an inventory of which no key begins with the prefix is told as an error', async () => {
    const { assets, findings } = await (await delivered([[object('news/storm.jpg')]])).scan();
    expect([assets, findings]).toEqual([[], [expect.objectContaining({ code: 'row-outside', severity: 'error' })]]);
  });

  test('objects are taken by their key in the bucket, as they are listed', async () => {
    const source = await delivered([[object('library/a.jpg')]]);
    putObject(server(), 'library/a.jpg', 'library/a.jpg', Date.parse(modified));
    const [asset] = (await source.scan()).assets;
    expect(await source.stage('a.jpg', staged)).toMatchObject({ ok: true, asset, sha256: sha256('library/a.jpg') });
  });

  test('an object newer than the inventory is taken with the listing that the next one will give it', async () => {
    const source = await delivered([[object('library/a.jpg')]]);
    putObject(server(), 'library/a.jpg', 'newer', Date.parse(modified) + 60_000);
    const [before] = (await source.scan()).assets;
    const result = await source.stage('a.jpg', staged);
    expect(result).toMatchObject({ ok: true, sha256: sha256('newer'), asset: { bytes: 5 } });
    expect(result.ok && result.asset.listing).not.toBe(before?.listing);
    expect(result.ok && JSON.parse(result.asset.listing).slice(0, 2)).toEqual([5, md5('newer')]);
  });

  test.each([
    ['cut', (bytes: Buffer) => bytes.subarray(0, -1), /bytes, its manifest says/],
    ['other than its checksum', (bytes: Buffer) => Buffer.from(bytes).fill(7, 4, 6), /its MD5 is/],
  ])('a part that is %s is unreachable', async (_, spoil, says) => {
    await expect((await delivered([[object('library/a.jpg')]], spoil)).scan()).rejects.toThrow(says);
  });

  test('a part that was not copied is unreachable and named', async () => {
    const source = await delivered([[object('library/a.jpg')]]);
    await rm(at('inventory/data/part-0.csv.gz'));
    await expect(source.scan()).rejects.toThrow(/names dest\/media\/daily\/data\/part-0\.csv\.gz/);
  });

  test('rows of another bucket point nowhere', async () => {
    const source = await delivered([[object('library/a.jpg', { bucket: 'theirs' })]]);
    expect((await source.scan()).assets).toMatchObject([{ key: 'a.jpg', problem: { code: 'row-invalid' } }]);
  });
});

test('an old row without an instant is as old as its inventory', async () => {
  const source = await given('i.ndjson', ndjson([row('a.jpg')]));
  await utimes(at('i.ndjson'), 1_000, 1_000);
  expect((await source.scan()).assets).toMatchObject([{ modifiedAt: 1_000_000, settled: true }]);
  expect(await codesOf(source)).toEqual([]);
});
