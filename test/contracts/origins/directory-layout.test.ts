import { existsSync } from 'node:fs';
import {
  chmod,
  link,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sha256 } from '../../../src/domain/digest.js';
import { blobKey } from '../../../src/domain/origin-keys.js';
import type { Entry, SnapshotId } from '../../../src/domain/types.js';
import type { BlobName, Origin } from '../../../src/origins/contract.js';
import { directory } from '../../../src/origins/directory/index.js';
import { onDisk } from '../../../src/origins/directory/trouble.js';
import { pageEntries, pageEntry, publisher, services } from './publisher.js';

let folder: string;
let root: string;
let origin: Origin;
let publish: ReturnType<typeof publisher>;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'nightpress-layout-'));
  root = path.join(folder, 'public', 'catalog');
  origin = open();
  publish = publisher(origin, folder);
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

function open(options: object = {}): Origin {
  return directory.open({ type: 'directory', path: root, ...options }, services);
}

const at = (...names: readonly string[]) => path.join(root, ...names);
const snapshot = (name: string) => sha256(`snapshot ${name}`) as SnapshotId;
const longAgo = new Date('2026-01-01');

async function file(content: string): Promise<string> {
  const name = path.join(folder, sha256(content).slice(0, 8));
  await writeFile(name, content);
  return name;
}

async function everything(): Promise<string[]> {
  return (await readdir(root, { recursive: true })).sort();
}

async function* one(entry: Entry): AsyncGenerator<Entry> {
  yield entry;
}

describe('what lies in the folder', () => {
  test('is readable by everyone whatever the umask; blobs, nodes and heads by nobody writable', async () => {
    const umask = process.umask(0o077);
    try {
      await publish.publish('one');
    } finally {
      process.umask(umask);
    }
    const shown = (await everything()).filter((name) => !name.startsWith('.'));
    for (const name of shown) {
      const stats = await lstat(at(name));
      if (stats.isSymbolicLink()) continue;
      const expected = stats.isDirectory() ? 0o755 : name.endsWith('head.json') ? 0o644 : 0o444;
      expect([name, (stats.mode & 0o777).toString(8)]).toEqual([name, expected.toString(8)]);
    }
    expect((await stat(path.dirname(root))).mode & 0o777).toBe(0o755);
  });

  test('is head and live through one link, and nothing is left over', async () => {
    await publish.publish('one');
    const live = (await origin.readHead())?.head.channels.live?.snapshot;
    expect(await Promise.all(['head.json', 'live', 'now'].map((name) => readlink(at(name))))).toEqual([
      'now/head.json',
      'now/live',
      'heads/1',
    ]);
    expect(await readlink(at('heads/1/live'))).toBe(`../../trees/${live}`);
    expect(await readFile(at('live/page.txt'), 'utf8')).toBe('one');
    expect(await readdir(at('.tmp'))).toEqual([]);
  });

  test('changes by one link only: the fixed links stay the same files', async () => {
    await publish.publish('one');
    const before = await Promise.all(['head.json', 'live'].map(async (name) => (await lstat(at(name))).ino));
    await publish.publish('two');
    expect(await Promise.all(['head.json', 'live'].map(async (name) => (await lstat(at(name))).ino))).toEqual(before);
    expect(await readFile(at('live/page.txt'), 'utf8')).toBe('two');
  });

  test('is the last few heads, not all', async () => {
    for (let n = 0; n < 12; n++) await publish.publish(`night ${n}`);
    const heads = (await readdir(at('heads'))).map(Number).sort((a, b) => a - b);
    expect(heads).toEqual([4, 5, 6, 7, 8, 9, 10, 11, 12]);
  });
});

describe('a commit', () => {
  test('replaces what a dead process left of the same one', async () => {
    await publish.publish('one');
    await mkdir(at('heads/2/live'), { recursive: true });
    await writeFile(at('heads/2/head.json'), '{"half":');
    expect(await publish.publish('two')).toBe('landed');
    expect((await origin.readHead())?.head.seq).toBe(2);
    expect(await readFile(at('live/page.txt'), 'utf8')).toBe('two');
  });

  test('that died before the first one was visible has published nothing', async () => {
    await publish.publish('one');
    await rm(at('now'));
    expect(await origin.readHead()).toBeUndefined();
    expect(existsSync(at('head.json'))).toBe(false);
    expect(await publish.publish('two')).toBe('landed');
    expect((await origin.readHead())?.head.seq).toBe(1);
  });

  test('is lost when its tree was pruned meanwhile, and lands when the tree is made again', async () => {
    await publish.publish('one');
    const { head, base } = await publish.next('two');
    const live = head.channels.live?.snapshot ?? snapshot('none');
    await rm(at('trees', live), { recursive: true });
    expect(await origin.swapHead(head, base)).toBe('lost');
    await origin.tree?.prepare(live, pageEntries({ sha256: sha256('two'), ext: 'txt' }));
    expect(await origin.swapHead(head, base)).toBe('landed');
  });

  test('that does not follow the head by one is a bug and throws', async () => {
    const { head, base } = await publish.next('one');
    await expect(origin.swapHead({ ...head, seq: 7 }, base)).rejects.toThrow('commit 7 does not follow commit 0');
  });

  test('does not replace a file of the user', async () => {
    await mkdir(at('live'), { recursive: true });
    await expect(publish.publish('one')).rejects.toMatchObject({ code: 'origin-corrupt' });
    expect((await lstat(at('live'))).isDirectory()).toBe(true);
    expect(await origin.readHead()).toBeUndefined();
  });

  test('without trees shows the head alone', async () => {
    const plain = open({ tree: false });
    expect(plain.tree).toBeUndefined();
    expect(await publisher(plain, folder).publish('one')).toBe('landed');
    expect(await everything()).not.toContain('live');
    expect(existsSync(at('trees'))).toBe(false);
    expect(existsSync(at('head.json'))).toBe(true);
  });
});

describe('a damaged head', () => {
  test('says what live still shows', async () => {
    await publish.publish('one');
    const live = (await origin.readHead())?.head.channels.live?.snapshot;
    await writeFile(at('heads/1/head.json'), '{"nightpress":1,');
    const message = expect.stringContaining(`live still shows snapshot ${live}`);
    await expect(origin.readHead()).rejects.toMatchObject({ code: 'origin-corrupt', message });
  });

  test('that is gone is not taken for an origin that was never published to', async () => {
    await publish.publish('one');
    await rm(at('heads/1/head.json'));
    const message = expect.stringContaining('heads/1 holds no head.json');
    await expect(origin.readHead()).rejects.toMatchObject({ code: 'origin-corrupt', message });
    await rm(at('heads'), { recursive: true });
    await expect(origin.readHead()).rejects.toMatchObject({ code: 'origin-corrupt' });
  });
});

describe('storing a blob', () => {
  const blob: BlobName = { sha256: sha256('content'), ext: 'txt' };
  const stored = () => at(blobKey(blob));

  test('moves the file without writing it again', async () => {
    const from = await file('content');
    const { ino } = await stat(from);
    await origin.putBlob(blob, from);
    expect((await stat(stored())).ino).toBe(ino);
    expect(existsSync(from)).toBe(false);
  });

  test('copies a file that has another name, through which it could be changed', async () => {
    const from = await file('content');
    await link(from, path.join(folder, 'original'));
    await origin.putBlob(blob, from);
    expect((await stat(stored())).ino).not.toBe((await stat(from)).ino);
    expect((await stat(path.join(folder, 'original'))).mode & 0o777).not.toBe(0o444);
    expect(await readFile(stored(), 'utf8')).toBe('content');
    expect(await readdir(at('.tmp'))).toEqual([]);
  });

  test('that is refused after copying leaves nothing', async () => {
    const from = await file('other');
    await link(from, path.join(folder, 'original'));
    await expect(origin.putBlob(blob, from)).rejects.toMatchObject({ code: 'EBADHASH' });
    expect(await readdir(at('.tmp'))).toEqual([]);
    expect(existsSync(stored())).toBe(false);
  });

  test('does not follow a link', async () => {
    const from = path.join(folder, 'link');
    await symlink(await file('content'), from);
    await expect(origin.putBlob(blob, from)).rejects.toThrow('ELOOP');
  });

  test('that is there keeps the file but makes it young, so that no collection takes it', async () => {
    await origin.putBlob(blob, await file('content'));
    const { ino } = await stat(stored());
    await utimes(stored(), longAgo, longAgo);
    await origin.putBlob(blob, await file('content'));
    expect((await stat(stored())).ino).toBe(ino);
    expect((await stat(stored())).mtime.getTime()).toBeGreaterThan(longAgo.getTime());
  });

  test('mends one that was cut off', async () => {
    await origin.putBlob(blob, await file('content'));
    await chmod(stored(), 0o644);
    await writeFile(stored(), 'cont');
    await origin.putBlob(blob, await file('content'));
    expect(await origin.hashBlob(blob)).toBe(blob.sha256);
  });

  test('is as old as its storing, not as the file it came from', async () => {
    const from = await file('content');
    await utimes(from, longAgo, longAgo);
    await origin.putBlob(blob, from);
    for await (const { at: storedAt } of origin.listStored()) expect(storedAt).toBeGreaterThan(Date.now() - 60_000);
  });
});

describe('a tree', () => {
  const blob: BlobName = { sha256: sha256('content'), ext: 'txt' };
  const prepare = (entry: Entry) => origin.tree?.prepare(snapshot('a'), one(entry));
  const shown = (...names: readonly string[]) => at('trees', snapshot('a'), ...names);

  beforeEach(async () => {
    await origin.putBlob(blob, await file('content'));
  });

  test('is made of links to blobs, in folders as deep as the paths', async () => {
    await prepare(pageEntry(blob, 'photos/ä b/hero.jpg/640w.webp'));
    expect((await stat(shown('photos/ä b/hero.jpg/640w.webp'))).ino).toBe((await stat(at(blobKey(blob)))).ino);
    expect(await readdir(at('.tmp'))).toEqual([]);
  });

  test('of nothing is an empty folder', async () => {
    await origin.tree?.prepare(snapshot('a'), pageEntries());
    expect(await readdir(shown())).toEqual([]);
  });

  test('that exists is not made again; one half-made by a dead process does not count', async () => {
    await mkdir(at('.tmp', '1-dead'), { recursive: true });
    await prepare(pageEntry(blob));
    const { ino } = await stat(shown());
    await prepare(pageEntry(blob));
    expect((await stat(shown())).ino).toBe(ino);
  });

  test('may be made by two publishers at once', async () => {
    await Promise.all([prepare(pageEntry(blob)), open().tree?.prepare(snapshot('a'), one(pageEntry(blob)))]);
    expect(await readdir(shown())).toEqual(['page.txt']);
    expect(await readdir(at('.tmp'))).toEqual([]);
  });

  test.each(['../up.txt', '/etc/passwd', 'a/../../b', 'a//b', '', 'a/./b', 'a\0b'])(
    'refuses the path %j',
    async (name) => {
      await expect(prepare(pageEntry(blob, name))).rejects.toMatchObject({ code: 'origin-corrupt' });
      expect(await readdir(at('trees'))).toEqual([]);
      expect(await readdir(at('.tmp'))).toEqual([]);
    },
  );

  test('refuses paths that the file system cannot tell apart, and a file where a folder is', async () => {
    const both = async function* (first: string, second: string) {
      yield pageEntry(blob, first);
      yield pageEntry(blob, second);
    };
    for (const [first, second] of [
      ['a.txt', 'a.txt'],
      ['a', 'a/b'],
      ['a/b', 'a'],
    ] as const) {
      const made = origin.tree?.prepare(snapshot('a'), both(first, second));
      await expect(made).rejects.toMatchObject({ code: 'run-failed', message: expect.stringContaining('is taken') });
    }
    expect(existsSync(shown())).toBe(false);
  });

  test('of a blob that is missing is origin-corrupt and names it', async () => {
    const missing = { sha256: sha256('missing'), ext: 'txt' };
    const message = expect.stringContaining(blobKey(missing));
    await expect(prepare(pageEntry(missing))).rejects.toMatchObject({ code: 'origin-corrupt', message });
    expect(existsSync(shown())).toBe(false);
  });

  test('shows what was made again in the place of a condemned blob', async () => {
    await prepare(pageEntry(blob, 'deep/page.txt'));
    await chmod(at(blobKey(blob)), 0o644);
    await writeFile(at(blobKey(blob)), 'rotten!');
    expect(await readFile(shown('deep/page.txt'), 'utf8')).toBe('rotten!');
    await origin.condemnBlob(blob);
    await origin.putBlob(blob, await file('content'));
    for (let again = 0; again < 2; again++) {
      await prepare(pageEntry(blob, 'deep/page.txt'));
      expect(await readFile(shown('deep/page.txt'), 'utf8')).toBe('content');
      expect(await readdir(at('.tmp'))).toEqual([]);
    }
  });

  test('is mended path by path: what is gone, foreign or a bad copy; what is a good copy stays', async () => {
    const names = ['gone/page.txt', 'foreign.txt', 'bad-copy.txt', 'good-copy.txt', 'fine.txt'];
    const entries = names.map((name) => pageEntry(blob, name));
    await origin.tree?.prepare(
      snapshot('a'),
      (async function* () {
        yield* entries;
      })(),
    );
    await rm(shown('gone'), { recursive: true });
    for (const [name, content] of [
      ['foreign.txt', 'other'],
      ['bad-copy.txt', 'contenX'],
      ['good-copy.txt', 'content'],
    ] as const) {
      await rm(shown(name));
      await writeFile(shown(name), content);
    }
    const copy = await stat(shown('good-copy.txt'));
    const derivatives = entries.flatMap(({ items }) => items.rest?.derivatives ?? []);
    const looks = await Promise.all(derivatives.map((one) => origin.tree?.whatIsWrong(snapshot('a'), one, false)));
    expect(looks.map((wrong) => wrong !== undefined)).toEqual([true, true, false, false, false]);
    expect(await origin.tree?.mend(snapshot('a'), entries)).toBe(3);
    for (const name of names) expect(await readFile(shown(name), 'utf8'), name).toBe('content');
    expect((await stat(shown('good-copy.txt'))).ino).toBe(copy.ino);
    expect((await lstat(shown('gone'))).mode & 0o777).toBe(0o755);
    expect(await readdir(at('.tmp'))).toEqual([]);
  });
});

describe('pruning trees', () => {
  const age = (tree: SnapshotId) => utimes(at('trees', tree), longAgo, longAgo);

  test('keeps what it is told to keep and takes the rest', async () => {
    for (const name of ['one', 'two', 'three']) await publish.publish(name);
    const [first, second, third] = (await origin.readHead())?.head.retained.map((entry) => entry.snapshot) ?? [];
    if (!first || !second || !third) throw new Error('three snapshots are retained');
    await origin.tree?.prune([third, second]);
    expect((await readdir(at('trees'))).sort()).toEqual([second, third].sort());
    expect(await readdir(at('.tmp'))).toEqual([]);
  });

  test('never takes the live one, though another publisher made it live', async () => {
    await publish.publish('one');
    const live = (await origin.readHead())?.head.channels.live?.snapshot ?? snapshot('none');
    await age(live);
    await origin.tree?.prune([]);
    expect(await readdir(at('trees'))).toEqual([live]);
    expect(await readFile(at('live/page.txt'), 'utf8')).toBe('one');
  });

  test('spares a tree that was prepared since the last commit, also one that existed before', async () => {
    await publish.publish('one');
    const old = await publish.store('two');
    await age(old);
    await origin.tree?.prepare(old, pageEntries({ sha256: sha256('two'), ext: 'txt' }));
    await origin.tree?.prune([]);
    expect(await readdir(at('trees'))).toContain(old);
    await age(old);
    await origin.tree?.prune([]);
    expect(await readdir(at('trees'))).not.toContain(old);
  });
});

describe('leftovers of dead processes', () => {
  test('are deleted after a day, and not before', async () => {
    await mkdir(at('.tmp', 'old-tree', 'deep'), { recursive: true });
    await writeFile(at('.tmp', 'young-file'), '');
    await utimes(at('.tmp', 'old-tree'), longAgo, longAgo);
    await publish.publish('one');
    expect(await readdir(at('.tmp'))).toEqual(['young-file']);
  });
});

describe('trouble', () => {
  test.each([
    ['ENOSPC', 'origin-full'],
    ['EDQUOT', 'origin-full'],
    ['EACCES', 'origin-unreachable'],
    ['EROFS', 'origin-unreachable'],
    ['EIO', 'origin-unreachable'],
    ['ENOTDIR', 'origin-unreachable'],
  ])('%s is %s, and names the origin', async (code, expected) => {
    const cause = Object.assign(new Error(`${code}: on purpose`), { code, syscall: 'write' });
    const failing = onDisk('/srv/catalog', () => Promise.reject(cause));
    const message = expect.stringMatching(/\/srv\/catalog .*on purpose/);
    await expect(failing).rejects.toMatchObject({ code: expected, message, cause });
  });

  test('in the words of the origin comes from every call when its folder cannot be', async () => {
    await writeFile(path.join(folder, 'public'), 'a file');
    const blob = { sha256: sha256('content'), ext: 'txt' };
    const from = await file('content');
    const calls = [
      () => origin.readHead(),
      () => origin.putBlob(blob, from),
      () => origin.blobBytes(blob),
      () => origin.hashBlob(blob),
      () => origin.condemnBlob(blob),
      () => origin.readManifest(blob.sha256),
      () => origin.putManifest(blob.sha256, Buffer.from('content')),
      () => origin.exclusively?.(async () => undefined),
      () => origin.remove([blobKey(blob)]),
      () => origin.listStored()[Symbol.asyncIterator]().next(),
      () => origin.tree?.prepare(snapshot('a'), pageEntries()),
    ];
    for (const call of calls) {
      await expect((async () => await call())(), String(call)).rejects.toMatchObject({ code: 'origin-unreachable' });
    }
  });

  test('before does not keep the same publisher from going on when it is over', async () => {
    await writeFile(path.join(folder, 'public'), 'a file');
    await expect(publish.publish('one')).rejects.toMatchObject({ code: 'origin-unreachable' });
    await rename(path.join(folder, 'public'), path.join(folder, 'moved'));
    expect(await publish.publish('one')).toBe('landed');
  });
});

describe('the job file', () => {
  const check = (config: object) => directory.check({ type: 'directory', path: 'public/catalog', ...config }, folder);

  test('is filled in: absolute path, trees, several writers', () => {
    expect(check({ baseUrl: 'https://cdn.example.com/catalog' })).toEqual({
      ok: true,
      config: {
        type: 'directory',
        path: root,
        baseUrl: 'https://cdn.example.com/catalog',
        tree: true,
        singleWriter: false,
      },
      folder: root,
      place: `directory:${root}`,
    });
  });

  test.each([
    [{ path: '' }, 'path'],
    [{ path: 7 }, 'path'],
    [{ path: 'a\0b' }, 'path'],
    [{ path: '/' }, 'path'],
    [{ baseUrl: '/catalog' }, 'baseUrl'],
    [{ baseUrl: 'ftp://example.com' }, 'baseUrl'],
    [{ baseUrl: 'https://example.com/?a' }, 'baseUrl'],
    [{ tree: 'yes' }, 'tree'],
    [{ singleWriter: 1 }, 'singleWriter'],
    [{ folder: 'x' }, 'folder'],
  ])('%j is refused, naming the place', (config, where) => {
    const result = check(config);
    expect(result.ok ? [] : result.problems.map((problem) => problem.path)).toEqual([[where]]);
  });

  test('a path below a file is refused', async () => {
    await writeFile(path.join(folder, 'notes.txt'), '');
    expect(check({ path: 'notes.txt/public' })).toEqual({
      ok: false,
      problems: [{ path: ['path'], value: 'notes.txt/public', expected: 'a folder that can be reached (ENOTDIR)' }],
    });
  });

  test('has one place for one folder, through links too', async () => {
    await mkdir(path.join(folder, 'real'));
    await symlink('real', path.join(folder, 'public'));
    expect(check({})).toMatchObject({ place: `directory:${path.join(folder, 'real', 'catalog')}` });
  });
});

test('a blob that may have no more links is copied into the tree', async () => {
  const content = 'very common';
  const blob = { sha256: sha256(content), ext: 'txt' };
  await origin.putBlob(blob, await file(content));
  const links = path.join(folder, 'links');
  await mkdir(links);
  // ext4 stops at 65,000 links; a file system without such a limit links once more, and the tree is as good.
  for (let n = 0; n < 65_100; n++) {
    const full = await link(at(blobKey(blob)), path.join(links, String(n))).then(
      () => false,
      () => true,
    );
    if (full) break;
  }
  await origin.tree?.prepare(snapshot('a'), pageEntries(blob));
  const shown = at('trees', snapshot('a'), 'page.txt');
  expect(await readFile(shown, 'utf8')).toBe(content);
  expect((await stat(shown)).mode & 0o777).toBe(0o444);
});

test('who cannot publish because others hold the origin is told so, and that it is worth another try', async () => {
  await publish.publish('one');
  const impatient = {
    holdLock: <T>(file: string, _: number, work: () => Promise<T>) => services.holdLock(file, 0, work),
  };
  const late = publisher(directory.open({ type: 'directory', path: root }, impatient), folder);
  const busy = { code: 'origin-busy', exit: 75, message: expect.stringContaining(`collector is at origin ${root}`) };
  expect.assertions(2);
  await origin.exclusively?.(() => expect(late.publish('two')).rejects.toMatchObject(busy));
  expect(await late.publish('two')).toBe('landed');
});
