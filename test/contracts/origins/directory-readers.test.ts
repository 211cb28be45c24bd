import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { sha256 } from '../../../src/domain/digest.js';
import { entries } from '../../../src/domain/manifest.js';
import type { Origin } from '../../../src/origins/contract.js';
import { directory } from '../../../src/origins/directory/index.js';
import { services } from './publisher.js';

let folder: string;
let root: string;
let origin: Origin;
let round = 0;
const children = new Set<ChildProcess>();

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'nightpress-readers-'));
});

beforeEach(() => {
  root = path.join(folder, `origin-${round++}`);
  origin = directory.open({ type: 'directory', path: root }, services);
});

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

function start(program: string, ...args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

/** A process that publishes; the sources are compiled once for all of them. */
function publishMany(name: string, count: number): ChildProcess {
  const options = JSON.stringify({ fsCache: path.join(folder, 'compiled') });
  const file = new URL('./publish-many.ts', import.meta.url).pathname;
  const program = `
    import { createJiti } from 'jiti';
    await createJiti(${JSON.stringify(file)}, ${options}).import(${JSON.stringify(file)});`;
  return start(program, root, folder, name, String(count));
}

/**
 * Reads as a web server would, with nothing of ours: head and page through one resolved `now` must belong together, the
 * page that the fixed link shows must be no older than the head read before it, and nothing may ever be missing.
 */
const reader = `
  import { createHash } from 'node:crypto';
  import { readFileSync, readlinkSync } from 'node:fs';
  const root = process.argv.at(-1);
  const read = (...names) => readFileSync([root, ...names].join('/'), 'utf8');
  const snapshotOf = (text) => JSON.parse(text).channels.live.snapshot;
  const show = (snapshot) => {
    const node = read('m', snapshot + '.json');
    return JSON.parse(node).entries[0].items.rest.derivatives[0].sha256;
  };
  let seq = 0;
  for (let looks = 0; ; looks++) {
    const now = readlinkSync(root + '/now');
    const page = createHash('sha256').update(read(now, 'live', 'page.txt')).digest('hex');
    if (page !== show(snapshotOf(read(now, 'head.json')))) throw new Error('head and live differ in ' + now);
    const head = JSON.parse(read('head.json'));
    if (head.seq < seq) throw new Error('went back from ' + seq + ' to ' + head.seq);
    seq = head.seq;
    read('live', 'page.txt');
    if (looks % 200 === 0) process.stdout.write('looked\\n');
  }`;

async function nextLine(child: ChildProcess): Promise<void> {
  if (child.stdout) await once(createInterface(child.stdout), 'line');
}

async function assertWhole(): Promise<void> {
  const live = (await origin.readHead())?.head.channels.live?.snapshot;
  if (!live) throw new Error('nothing is live');
  const load = async (digest: typeof live) => (await origin.readManifest(digest)) ?? Buffer.alloc(0);
  for await (const entry of entries(load, live)) {
    for (const derivative of entry.items.rest?.derivatives ?? []) {
      expect(await origin.hashBlob(derivative)).toBe(derivative.sha256);
      const shown = await readFile(path.join(root, 'live', derivative.path));
      expect(sha256(shown)).toBe(derivative.sha256);
    }
  }
}

test('publishers in several processes take turns, and a reader sees nothing but whole snapshots', async () => {
  const first = publishMany('first', 1);
  expect(await once(first, 'exit')).toEqual([0, null]);
  const reading = start(reader, root);
  const readerEnd = once(reading, 'exit');
  await nextLine(reading);
  const rivals = ['a', 'b', 'c'].map((name) => once(publishMany(name, 12), 'exit'));
  expect(await Promise.all(rivals)).toEqual([
    [0, null],
    [0, null],
    [0, null],
  ]);
  reading.kill('SIGKILL');
  expect(await readerEnd).toEqual([null, 'SIGKILL']);
  const head = (await origin.readHead())?.head;
  expect(head?.seq).toBe(37);
  expect(head?.commits.map((commit) => commit.seq)).toEqual(Array.from({ length: 32 }, (_, at) => 6 + at));
  await assertWhole();
});

test('a publisher killed at any moment leaves the old snapshot or the new one, and the next one goes on', async () => {
  let seq = 0;
  for (let kill = 0; kill < 5; kill++) {
    const child = publishMany(`killed ${kill}`, 1_000_000);
    await nextLine(child);
    const end = once(child, 'exit');
    const looks = 1 + ((kill * 7) % 11); // the moment of the kill: after so many looks at the head
    for (let look = 0; look < looks; look++) await origin.readHead();
    child.kill('SIGKILL');
    expect(await end).toEqual([null, 'SIGKILL']);
    await assertWhole();
    const now = (await origin.readHead())?.head.seq ?? 0;
    expect(now).toBeGreaterThan(seq);
    seq = now;
  }
});
