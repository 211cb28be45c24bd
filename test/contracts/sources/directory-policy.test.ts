import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { chmod, link, mkdir, mkdtemp, rename, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Source } from '../../../src/sources/contract.js';
import { directory } from '../../../src/sources/directory/index.js';

/** What only a folder can hold: links, special files, names in other encodings, missing rights, and bytes that change. */
let place: string;
let root: string;
let outside: string;
let staged: string;
let now: number;

beforeEach(async () => {
  place = await mkdtemp(path.join(tmpdir(), 'nightpress-directory-'));
  await chmod(place, 0o755); // tests that give up root's rights must still get in
  [root, outside, staged] = [path.join(place, 'library'), path.join(place, 'outside'), path.join(place, 'staged')];
  await mkdir(root);
  await mkdir(outside);
  await chmod(place, 0o777);
  now = Date.now() + 3_600_000;
});

afterEach(async () => {
  await rm(place, { recursive: true, force: true });
});

const at = (key: string) => path.join(root, key);
const open = (folder = root): Source => directory.open({ type: 'directory', path: folder }, () => now);
const stage = (key: string) => open().stage(key, staged);
const left = () => readdirSync(place).includes('staged');

async function put(key: string, bytes: string | Buffer = key): Promise<void> {
  await mkdir(path.dirname(at(key)), { recursive: true });
  await writeFile(at(key), bytes);
}

describe('config', () => {
  const check = (config: unknown) => directory.check(config, '/srv/shop');

  test('a relative path is resolved against the project and named as the folder', () => {
    const folder = '/srv/shop/media/in';
    expect(check({ type: 'directory', path: 'media/in/' })).toEqual({
      ok: true,
      folder,
      config: { type: 'directory', path: folder },
    });
    expect(check({ type: 'directory', path: '/mnt/in' })).toMatchObject({ ok: true, folder: '/mnt/in' });
  });

  test.each([
    [{ type: 'directory' }, [], undefined],
    [{ type: 'directory', path: '' }, ['path'], ''],
    [{ type: 'directory', path: 7 }, ['path'], 7],
    [{ type: 'directory', path: 'a\0b' }, ['path'], 'a\0b'],
  ])('%j is refused at its path', (config, where, value) => {
    const checked = check(config);
    const problem = { path: where.length === 0 ? ['path'] : where, value, expected: expect.stringContaining('path') };
    expect(checked).toEqual({ ok: false, problems: [problem] });
  });

  test('all problems are listed at once', () => {
    const checked = check({ type: 'directory', path: '', follow: true, depth: 3 });
    expect(!checked.ok && checked.problems.map((problem) => problem.path[0])).toEqual(['path', 'follow', 'depth']);
  });
});

describe('the root', () => {
  test('a root that does not exist is unreachable and asks about the volume', async () => {
    const scan = open(at('absent')).scan();
    await expect(scan).rejects.toMatchObject({ code: 'source-unreachable', exit: 75 });
    await expect(scan).rejects.toThrow(/absent does not exist.*mounted/);
  });

  test('a root that is a file is unreachable and says so', async () => {
    await put('a.jpg');
    await expect(open(at('a.jpg')).scan()).rejects.toThrow(/a\.jpg is a file: expected a folder/);
  });

  test('the root itself may be a link', async () => {
    await put('a/b.jpg');
    await symlink(root, path.join(place, 'current'));
    const source = open(path.join(place, 'current'));
    expect((await source.scan()).assets.map((asset) => asset.key)).toEqual(['a/b.jpg']);
    expect(await source.stage('a/b.jpg', staged)).toMatchObject({ ok: true });
  });

  test('an empty folder in the place of the root, as after an unmount, is not believed', async () => {
    await put('a.jpg');
    const source = open();
    await source.scan();
    await rename(root, path.join(place, 'unmounted'));
    await mkdir(root);
    await expect(source.scan()).rejects.toThrow(/replaced by another/);
    await expect(source.stage('a.jpg', staged)).rejects.toMatchObject({ code: 'source-unreachable' });
  });

  test('a volume that goes away during the scan leaves no half inventory', async () => {
    for (let index = 0; index < 2_100; index++) writeFileSync(at(`${index}.jpg`), '');
    const scanning = open().scan(); // yields after 2,000 entries
    renameSync(root, path.join(place, 'unmounted'));
    mkdirSync(root);
    await expect(scanning).rejects.toMatchObject({ code: 'source-unreachable' });
  });
});

describe('links', () => {
  test('a link to a file inside is an asset with the bytes and the listing of its target', async () => {
    await put('a/real.jpg', 'bytes');
    await symlink('a/real.jpg', at('link.jpg'));
    const { assets, findings } = await open().scan();
    const [real, alias] = assets;
    expect(alias).toEqual({ ...real, key: 'link.jpg' });
    expect(findings).toEqual([]);
    expect(await stage('link.jpg')).toMatchObject({ ok: true, bytes: 5, asset: alias });
    expect(await open().list('link.jpg')).toEqual(alias);
  });

  test('a link led to another file of the same content gets another listing', async () => {
    await put('a.jpg', 'same');
    await put('b.jpg', 'same');
    await symlink('a.jpg', at('link.jpg'));
    const before = await open().list('link.jpg');
    await rm(at('link.jpg'));
    await symlink('b.jpg', at('link.jpg'));
    expect((await open().list('link.jpg'))?.listing).not.toBe(before?.listing);
  });

  test('a link whose target lies in a folder without access is unreadable', async () => {
    await put('closed/a.jpg');
    await symlink('closed/a.jpg', at('link.jpg'));
    await chmod(at('closed'), 0o000);
    await asNobody(async () => {
      expect((await open().scan()).assets).toMatchObject([
        { key: 'link.jpg', problem: { code: 'unreadable', class: 'input' } },
      ]);
    });
    await chmod(at('closed'), 0o755);
  });

  test('links that leave the source, lead nowhere or to themselves are assets that cannot be read', async () => {
    await writeFile(path.join(outside, 'secret.jpg'), 'secret');
    await put('.git/config', 'secret');
    await symlink(path.join(outside, 'secret.jpg'), at('absolute.jpg'));
    await symlink('../outside/secret.jpg', at('relative.jpg'));
    await symlink('.git/config', at('git.jpg'));
    await symlink('nowhere.jpg', at('dangling.jpg'));
    await symlink('loop.jpg', at('loop.jpg'));
    const wanted = [
      ['absolute.jpg', 'link-outside'],
      ['dangling.jpg', 'link-broken'],
      ['git.jpg', 'link-outside'],
      ['loop.jpg', 'link-broken'],
      ['relative.jpg', 'link-outside'],
    ];
    const { assets } = await open().scan();
    expect(assets.map(({ key, problem }) => [key, problem?.code])).toEqual(wanted);
    for (const { key, problem } of assets) {
      expect(problem).toMatchObject({ severity: 'error', class: 'input', key });
      expect(await stage(key)).toEqual({ ok: false, finding: problem });
      expect((await open().list(key))?.problem).toEqual(problem);
    }
    expect(left()).toBe(false);
  });

  test('a link to a folder is not entered, wherever it leads', async () => {
    await put('a/b.jpg');
    await symlink('.', at('a/up'));
    await symlink(outside, at('out'));
    const { assets, findings, unreadable } = await open().scan();
    expect(assets.map((asset) => asset.key)).toEqual(['a/b.jpg']);
    expect(findings.map(({ code, key, severity }) => [code, key, severity])).toEqual([
      ['link-directory', 'out', 'notice'],
      ['link-directory', 'a/up', 'notice'],
    ]);
    expect(unreadable).toEqual([]);
    expect(await open().list('a/up/b.jpg')).toBeUndefined();
    expect(await stage('a/up/b.jpg')).toMatchObject({ ok: false, finding: { code: 'vanished' } });
  });

  test('a folder that became a link to the outside gives no byte of it', async () => {
    await put('a/b.jpg', 'inside');
    const source = open();
    await source.scan();
    await writeFile(path.join(outside, 'b.jpg'), 'secret');
    await rm(at('a'), { recursive: true });
    await symlink(outside, at('a'));
    expect(await source.stage('a/b.jpg', staged)).toMatchObject({ ok: false });
    expect(await source.list('a/b.jpg')).toBeUndefined();
    expect(left()).toBe(false);
  });

  test('a folder swapped for a link while it is read never gives a byte of the outside', async () => {
    await put('a/b.jpg', 'inside');
    await writeFile(path.join(outside, 'b.jpg'), 'secret');
    await symlink(outside, at('evil'));
    const source = open();
    const outcomes: string[] = [];
    for (let round = 0; round < 300; round++) {
      const file = path.join(place, `staged-${round}`);
      const staging = source.stage('a/b.jpg', file); // has looked at the path, is about to open it
      renameSync(at('a'), at('kept'));
      renameSync(at('evil'), at('a'));
      const result = await staging;
      outcomes.push(result.ok ? readFileSync(file, 'utf8') : result.finding.code);
      renameSync(at('a'), at('evil'));
      renameSync(at('kept'), at('a'));
    }
    expect(outcomes).not.toContain('secret');
    expect(outcomes).toContain('changed-while-read'); // the swap did hit the gap
  });

  test.each(['link', 'fifo'])(
    'a file swapped for a %s while it is opened neither hangs nor gives other bytes',
    async (what) => {
      await put('a.jpg', 'inside');
      await writeFile(path.join(outside, 'secret.jpg'), 'secret');
      if (what === 'link') await symlink(path.join(outside, 'secret.jpg'), at('evil'));
      else expect(spawnSync('mkfifo', [at('evil')]).status).toBe(0);
      const source = open();
      for (let round = 0; round < 100; round++) {
        const file = path.join(place, `staged-${round}`);
        const staging = source.stage('a.jpg', file);
        renameSync(at('a.jpg'), at('kept'));
        renameSync(at('evil'), at('a.jpg'));
        const result = await staging;
        expect(result.ok ? readFileSync(file, 'utf8') : result.finding.class).toBe(result.ok ? 'inside' : 'transient');
        renameSync(at('a.jpg'), at('evil'));
        renameSync(at('kept'), at('a.jpg'));
      }
    },
  );

  test('hard links are assets of their own', async () => {
    await put('a.jpg');
    await link(at('a.jpg'), at('b.jpg'));
    expect((await open().scan()).assets.map((asset) => asset.key)).toEqual(['a.jpg', 'b.jpg']);
  });
});

describe('what is no media', () => {
  test('special files are named and never opened', async () => {
    expect(spawnSync('mkfifo', [at('pipe.jpg')]).status).toBe(0);
    await symlink('pipe.jpg', at('link.jpg'));
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(at('socket.jpg'), resolve));
    try {
      const { assets, findings } = await open().scan();
      expect(assets).toEqual([]);
      expect(findings.map(({ code, key, severity }) => [code, key, severity]).sort()).toEqual([
        ['special-file', 'link.jpg', 'notice'],
        ['special-file', 'pipe.jpg', 'notice'],
        ['special-file', 'socket.jpg', 'notice'],
      ]);
      for (const key of ['link.jpg', 'pipe.jpg', 'socket.jpg']) {
        expect(await stage(key)).toMatchObject({ ok: false, finding: { code: 'changed-while-read' } });
        expect(await open().list(key)).toBeUndefined();
      }
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  test('.git, .nightpress and lost+found are skipped at every level', async () => {
    for (const key of [
      '.git/a.jpg',
      'b/.git',
      '.nightpress/c.jpg',
      'd/.nightpress/e.jpg',
      'lost+found/f.jpg',
      '.github/g.jpg',
    ])
      await put(key);
    expect((await open().scan()).assets.map((asset) => asset.key)).toEqual(['.github/g.jpg']);
    expect(await open().list('.git/a.jpg')).toBeUndefined();
    expect(await stage('.git/a.jpg')).toMatchObject({ ok: false });
  });

  test('names that are not UTF-8 are findings with the name escaped, and cost nobody else', async () => {
    await put('d/good.jpg');
    await put('d/\ufffd.jpg');
    const raw = (name: string) => Buffer.concat([Buffer.from(`${at('d')}/`), Buffer.from(name, 'latin1')]);
    await writeFile(raw('caf\xe9\\.jpg'), 'x');
    await mkdir(raw('\xff'));
    await writeFile(raw('\xff/inside.jpg'), 'x');
    const { assets, findings } = await open().scan();
    expect(assets.map((asset) => asset.key)).toEqual(['d/good.jpg', 'd/\ufffd.jpg']);
    expect(findings.map(({ code, severity }) => [code, severity])).toEqual(Array(2).fill(['name-not-utf8', 'error']));
    expect(findings.map((finding) => finding.message).join('\n')).toMatch(
      /"caf\\xe9\\x5c\.jpg" in "d\/"[\s\S]*"\\xff" in "d\/"/,
    );
  });
});

describe('rights', () => {
  test('a folder without access is a finding, and what is known below it is not removed', async () => {
    await put('open/a.jpg');
    await put('closed/b.jpg');
    await put('listable/c.jpg');
    await chmod(at('closed'), 0o000);
    await chmod(at('listable'), 0o744);
    await asNobody(async () => {
      if (process.geteuid?.() === statSync(root).uid) await chmod(at('listable'), 0o644); // an owner has the owner's bits
      const { assets, findings, unreadable } = await open().scan();
      expect(assets.map((asset) => asset.key)).toEqual(['open/a.jpg']);
      expect([...unreadable].sort()).toEqual(['closed/', 'listable/']);
      expect(findings.map(({ code, key, severity }) => [code, key, severity]).sort()).toEqual([
        ['folder-unreadable', 'closed', 'error'],
        ['folder-unreadable', 'listable', 'error'],
      ]);
      expect(await stage('closed/b.jpg')).toMatchObject({ ok: false, finding: { code: 'unreadable', class: 'input' } });
      expect((await open().list('closed/b.jpg'))?.problem).toMatchObject({ code: 'unreadable' });
    });
    await chmod(at('closed'), 0o755);
    await chmod(at('listable'), 0o755);
  });

  test('a file without read permission is listed and refused when staged', async () => {
    await put('a.jpg');
    await chmod(at('a.jpg'), 0o000);
    await asNobody(async () => {
      expect((await open().scan()).assets.map((asset) => asset.key)).toEqual(['a.jpg']);
      const finding = { code: 'unreadable', class: 'input', severity: 'error', key: 'a.jpg' };
      expect(await stage('a.jpg')).toMatchObject({ ok: false, finding });
      expect(left()).toBe(false);
    });
  });

  test('a root without access is unreachable', async () => {
    await put('a.jpg');
    await chmod(root, 0o000);
    await asNobody(() => expect(open().scan()).rejects.toThrow(/may not be read by this user/));
    await chmod(root, 0o755);
  });

  test('a tree without any write permission is listed and staged, and nothing in it changes', async () => {
    await put('a/b.jpg');
    await put('a/c/d.jpg', Buffer.alloc(2_000_000));
    await symlink('b.jpg', at('a/link.jpg'));
    for (const file of ['a/b.jpg', 'a/c/d.jpg']) await chmod(at(file), 0o444);
    for (const folder of ['a/c', 'a', '']) await chmod(at(folder), 0o555);
    const before = footprint(root);
    await asNobody(async () => {
      const { assets } = await open().scan();
      for (const { key } of assets) {
        await open().list(key);
        expect(await stage(key)).toMatchObject({ ok: true });
        await rm(staged);
      }
    });
    expect(footprint(root)).toEqual(before);
    for (const folder of ['', 'a', 'a/c']) await chmod(at(folder), 0o755);
  });
});

describe('bytes', () => {
  test.each([
    ['grows', (file: string) => appendFileSync(file, 'more')],
    [
      'is rewritten in place',
      (file: string) => spawnSync('dd', ['if=/dev/zero', `of=${file}`, 'bs=1', 'count=1', 'conv=notrunc']),
    ],
  ])('a file that %s while it is read is a temporary finding, and no copy stays', async (_, change) => {
    await put('a.mov');
    await truncate(at('a.mov'), 64 << 20);
    const result = stage('a.mov');
    const until = Date.now() + 20_000;
    while (!hasBytes(staged) && Date.now() < until) await setImmediate();
    change(at('a.mov'));
    expect(await result).toMatchObject({ ok: false, finding: { code: 'changed-while-read', class: 'transient' } });
    expect(left()).toBe(false);
  });

  test.runIf(process.platform === 'linux')('a file that gives more bytes than it has is not believed', async () => {
    const result = await open(`/proc/${process.pid}`).stage('status', staged); // says that it is empty
    expect(result).toMatchObject({ ok: false, finding: { code: 'changed-while-read' } });
    expect(left()).toBe(false);
  });

  test('a file below a folder that became a file is gone', async () => {
    await put('a/b.jpg');
    await rm(at('a'), { recursive: true });
    await put('a');
    expect(await open().list('a/b.jpg')).toBeUndefined();
    expect(await stage('a/b.jpg')).toMatchObject({ ok: false, finding: { code: 'vanished' } });
  });

  test('a file restored with its old size and mtime has another listing', async () => {
    await put('a.jpg', 'old');
    await utimes(at('a.jpg'), 1_000_000, 1_000_000);
    const before = await open().list('a.jpg');
    await put('a.jpg', 'new');
    await utimes(at('a.jpg'), 1_000_000, 1_000_000);
    const after = await open().list('a.jpg');
    expect(after?.modifiedAt).toBe(before?.modifiedAt);
    expect(after?.listing).not.toBe(before?.listing);
  });

  test('an old mtime does not make a young ctime trusted', async () => {
    now = Date.now();
    await put('a.jpg');
    await utimes(at('a.jpg'), 1_000_000, 1_000_000);
    expect((await open().scan()).assets).toMatchObject([{ modifiedAt: 1_000_000_000, settled: false }]);
  });

  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 12345\n`;

  test('a Git LFS pointer is a finding that names the command', async () => {
    await put('a.jpg', pointer);
    const result = await stage('a.jpg');
    expect(result).toMatchObject({ ok: false, finding: { code: 'git-lfs-pointer', class: 'input' } });
    expect(!result.ok && result.finding.message).toContain('git lfs pull');
    expect(left()).toBe(false);
  });

  test('a text of 1024 bytes that begins like a pointer is none', async () => {
    const text = pointer.padEnd(1024, '.');
    await put('a.txt', text);
    expect(await stage('a.txt')).toMatchObject({ ok: true, sha256: createHash('sha256').update(text).digest('hex') });
  });

  test.runIf(process.platform === 'linux')('a file whose medium fails is unreadable by infrastructure', async () => {
    // The one regular file of any Linux that answers read() with EIO: our own memory at address 0.
    const result = await open(`/proc/${process.pid}`).stage('mem', staged);
    expect(result).toMatchObject({
      ok: false,
      finding: { code: 'unreadable', class: 'infrastructure', message: expect.stringContaining('EIO') },
    });
    expect(left()).toBe(false);
  });

  test.runIf(process.platform === 'linux')('no file stays open, however staging ended', async () => {
    await put('a.jpg', 'bytes');
    await put('lfs.jpg', pointer);
    await stage('a.jpg');
    await expect(stage('a.jpg')).rejects.toMatchObject({ code: 'EEXIST' });
    await rm(staged);
    await stage('lfs.jpg');
    await expect(open().stage('a.jpg', path.join(place, 'absent', 'a'))).rejects.toMatchObject({ code: 'ENOENT' });
    expect(openFiles().filter((file) => file.startsWith(place))).toEqual([]);
  });
});

/** Runs `work` without root's right to read and write everything; a user who is not root needs no disguise. */
async function asNobody(work: () => Promise<unknown>): Promise<void> {
  const { geteuid, seteuid, setegid } = process;
  if (geteuid?.() !== 0 || !seteuid || !setegid) return void (await work());
  const nobody = 65_534;
  setegid.call(process, nobody);
  seteuid.call(process, nobody);
  try {
    await work();
  } finally {
    seteuid.call(process, 0);
    setegid.call(process, 0);
  }
}

/** Everything about a tree that writing into it would change; atime is left out, because reading may. */
function footprint(folder: string): unknown[] {
  return ['', ...(readdirSync(folder, { recursive: true }) as string[])].sort().map((name) => {
    const { mode, nlink, size, mtimeNs, ctimeNs, ino } = lstatSync(path.join(folder, name), { bigint: true });
    return [name, mode, nlink, size, mtimeNs, ctimeNs, ino];
  });
}

function hasBytes(file: string): boolean {
  return (statSync(file, { throwIfNoEntry: false })?.size ?? 0) > 0;
}

function openFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      return []; // the descriptor this very listing used
    }
  });
}
