import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmod,
  copyFile,
  lstat,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test, vi } from 'vitest';
import { ask, liveTexts, publishNow, say } from '../support/project.js';
import { flawsOf } from '../support/published.js';
import { age, aWorld, fill, type World } from '../support/world.js';

vi.setConfig({ testTimeout: 240_000 });

let world: World;
afterEach(async () => {
  await world.end();
});

const fixtures = fileURLToPath(new URL('../../fixtures', import.meta.url));

/** All there is to know of every file and folder but when it was last read. */
async function everythingOf(folder: string): Promise<Readonly<Record<string, string>>> {
  const known: Record<string, string> = {};
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const names = entries.map((entry) => path.join(entry.parentPath ?? entry.path, entry.name));
  for (const name of [folder, ...names]) {
    const { ino, mode, nlink, uid, gid, size, mtimeNs, ctimeNs } = await lstat(name, { bigint: true });
    const isFile = (await lstat(name)).isFile();
    const bytes = isFile
      ? createHash('sha256')
          .update(await readFile(name))
          .digest('hex')
      : '';
    known[path.relative(folder, name)] = [ino, mode, nlink, uid, gid, size, mtimeNs, ctimeNs, bytes].join(' ');
  }
  return known;
}

async function setRights(folder: string, rights: { readonly files: number; readonly folders: number }): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const name = path.join(entry.parentPath ?? entry.path, entry.name);
    await chmod(name, entry.isDirectory() ? rights.folders : rights.files);
  }
  await chmod(folder, rights.folders);
}

test('originals are the same after nights of every kind, over a tree that nobody may write', async () => {
  world = await aWorld({
    recipes: `{
      pictures: image({ match: '**/*.{jpg,svg,png}', widths: [64], formats: ['jpeg'] }),
      clips: video({ match: '**/*.{mp4,mov}', heights: [90] }),
      sound: audio({ match: '**/*.{ogg,mp3}', formats: ['mp3'] }),
      rest: copy({ match: '**/*.txt' }),
    }`,
    gate: `{ tolerate: '100%' }`,
  });
  const originals = {
    'catalog/icons/heart.svg': 'heart.svg',
    'catalog/icons/beetle.png': 'beetle.png',
    'catalog/editorial/camera/IMG_0003.jpg': 'turned.jpg',
    'newsroom/clips/telescope.mp4': 'telescope.mp4',
    'newsroom/clips/meadow-turned.mov': 'turned.mov',
    'newsroom/sound/meadow.ogg': 'meadow.ogg',
  };
  await mkdir(path.join(world.source, 'deep', 'er'), { recursive: true });
  for (const [from, to] of Object.entries(originals)) {
    await copyFile(path.join(fixtures, from), path.join(world.source, 'deep', to));
  }
  await world.write('deep/plain.txt', 'a text');
  await world.write('deep/er/broken.jpg', 'no picture');
  await world.write('deep/er/broken.mp4', Buffer.alloc(5000, 7));
  await age(world);
  await setRights(world.source, { files: 0o444, folders: 0o555 });
  const before = await everythingOf(world.source);

  expect((await world.run(['--dry-run', '--only', 'deep/*.svg', '--only', 'deep/er/*'])).code).toBe(1);
  expect(await everythingOf(world.source)).toEqual(before);
  const killed = await world.run(['--now'], { env: { NIGHTPRESS_CRASH: 'checkpointed' } });
  expect(killed.signal).toBe('SIGKILL');
  const night = await world.run(['--now']);
  expect([night.code, night.result?.assets.total]).toEqual([3, 9]);
  expect(await everythingOf(world.source)).toEqual(before);
  expect((await world.run(['--remake', '--item', 'deep/*.svg'], { verb: 'retry' })).code).toBe(3);
  for (const command of [['verify', '--deep'], ['gc', '--yes'], ['plan'], ['status']]) {
    expect([command, (await say(world, ...command)).code]).toEqual([command, 0]);
  }
  expect(await everythingOf(world.source)).toEqual(before);
  expect(await flawsOf(world.origin)).toEqual([]);
  await setRights(world.source, { files: 0o644, folders: 0o755 });
});

test('a file that becomes a fifo, a link to the outside or a folder between plan and staging is a finding, and no byte of the outside leaves', async () => {
  world = await aWorld({ gate: `{ tolerate: '100%' }` });
  await fill(world, { pictures: 0, texts: 5 });
  await publishNow(world);
  const before = await liveTexts(world);
  const secret = 'a secret of the house';
  const outside = path.join(world.folder, 'outside');
  await mkdir(outside);
  for (const name of ['secret.txt', 't4.txt']) await writeFile(path.join(outside, name), secret);
  for (let n = 0; n < 4; n++) await world.write(`texts/t${n}.txt`, `text ${n}, again\n`);
  await world.write('more/t4.txt', 'below a folder that becomes a link');
  await age(world);

  const run = world.start(['--now'], { env: { NIGHTPRESS_STOP: 'planned' } });
  await run.stoppedAt('planned');
  const text = (n: number) => path.join(world.source, 'texts', `t${n}.txt`);
  await rm(text(0));
  execFileSync('mkfifo', [text(0)]);
  await rm(text(1));
  await symlink(path.join(outside, 'secret.txt'), text(1));
  await rm(text(2));
  await mkdir(text(2));
  await rename(path.join(world.source, 'more'), path.join(world.folder, 'moved'));
  await symlink(outside, path.join(world.source, 'more'));
  run.signal('SIGCONT');
  const { code, result } = await run.ended;

  expect([code, result?.items]).toMatchObject([3, { done: 1, carried: 3, failed: 1 }]);
  const found = result?.findings.filter(({ key }) => key !== undefined).map(({ key }) => key);
  expect([...new Set(found)].sort()).toEqual(['more/t4.txt', 'texts/t0.txt', 'texts/t1.txt', 'texts/t2.txt']);
  expect(await liveTexts(world)).toEqual({ ...before, 'texts/t3.txt': 'text 3, again\n' });
  expect(await flawsOf(world.origin)).toEqual([]);
  await expect(Promise.resolve().then(() => grep(secret, world.origin))).resolves.toBe('');
  await expect(Promise.resolve().then(() => grep(secret, world.state))).resolves.toBe('');
});

/** Names of files below a folder that hold a text. */
function grep(text: string, folder: string): string {
  try {
    return execFileSync('grep', ['-rlaF', text, folder], { encoding: 'utf8' });
  } catch (error) {
    if ((error as { status?: number }).status === 1) return ''; // none does
    throw error;
  }
}

test('collecting without a pause beside nights and kills never takes anything that is needed', async () => {
  world = await aWorld();
  await fill(world, { pictures: 2, texts: 4 });
  await publishNow(world);
  let [nights, collected, calls] = [true, 0, 0];
  const collector = (async () => {
    while (nights) {
      await makeOld(world.origin);
      const { code, json } = await ask(world, 'gc', '--yes');
      if (code !== 0) throw new Error(`gc ended ${code}: ${JSON.stringify(json)}`);
      collected += json.objects?.length ?? 0;
      calls++;
    }
  })();
  const seen = new Set<number | null>();
  for (let night = 0; night < 6; night++) {
    await world.write(`texts/t${night % 4}.txt`, `night ${night}\n`);
    await world.write(`texts/new${night}.txt`, `new in night ${night}\n`);
    await age(world);
    const crash: Record<string, string> =
      night % 2 === 1 ? { NIGHTPRESS_CRASH: night === 1 ? 'blob-stored' : 'manifest-stored' } : {};
    const ended = await world.run(['--now'], { env: crash });
    if (ended.code !== null) seen.add(ended.code);
    expect(await flawsOf(world.origin)).toEqual([]);
  }
  nights = false;
  await collector;
  expect([...seen].filter((code) => code !== 0 && code !== 75)).toEqual([]);
  expect(calls).toBeGreaterThan(6);
  const last = await world.run(['--now']);
  expect(last.code).toBe(0);
  expect(await flawsOf(world.origin)).toEqual([]);
  expect((await liveTexts(world))['texts/new5.txt']).toBe('new in night 5\n');
  expect(collected).toBeGreaterThan(0);
});

/** Blobs and nodes look as if they had been stored so long ago that no age protects them. */
async function makeOld(origin: string): Promise<void> {
  const longAgo = new Date(Date.now() - 100 * 3_600_000);
  for (const folder of ['b', 'm']) {
    const entries = await readdir(path.join(origin, folder), { recursive: true, withFileTypes: true });
    for (const entry of entries.filter((one) => one.isFile())) {
      await utimes(path.join(entry.parentPath ?? entry.path, entry.name), longAgo, longAgo).catch(() => undefined); // collected meanwhile
    }
  }
}
