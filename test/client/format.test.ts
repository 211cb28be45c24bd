import { spawnSync } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { blobKey } from '../../src/domain/origin-keys.js';
import { type AnOrigin, anOrigin, entryOf } from '../support/an-origin.js';
import { aPublishedWorld, say } from '../support/project.js';
import { derivativesOf, readHead } from '../support/published.js';
import type { World } from '../support/world.js';

let world: World;
let large: AnOrigin;
const textCount = 700; // more than a leaf holds

beforeAll(async () => {
  world = await aPublishedWorld([(it) => it.write('texts/new.txt', 'new\n')]);
  await say(world, 'pin', 'previous', 'winter');
  await say(world, 'rollback', 'previous', '--yes');
  await say(world, 'withdraw', 'texts/t1.txt', '--reason', 'licence ended', '--yes');
  large = await anOrigin();
  const text = await large.derivative({ path: 'x', type: 'text/plain', ext: '', variant: 'original', text: 'same' });
  const keys = Array.from({ length: textCount }, (_, n) => `texts/§ ${n}`);
  await large.publish(keys.map((key) => entryOf(key, 'text/plain', [{ ...text, path: key }], 'rest')));
});
afterAll(async () => {
  await world.end();
  await large.end();
});

async function validator(name: string) {
  const schema = JSON.parse(await readFile(`docs/schema/${name}.schema.json`, 'utf8'));
  return new Ajv2020({ allErrors: true, strict: true, strictTypes: false, strictRequired: false }).compile(schema);
}

async function nodesOf(origin: string): Promise<readonly unknown[]> {
  const names = await readdir(path.join(origin, 'm'));
  return await Promise.all(names.map(async (name) => JSON.parse(await readFile(path.join(origin, 'm', name), 'utf8'))));
}

test('the schemas hold for every head and manifest node that nights and commands wrote', async () => {
  const [head, node] = [await validator('head'), await validator('manifest-node')];
  const written = await readHead(world.origin);
  expect(written?.frozen && written.pins.length).toBe(1);
  expect(head(written), JSON.stringify(head.errors)).toBe(true);
  expect(head({ ...written, moved: { [`m/${'a'.repeat(64)}.json`]: 'b/aa/x-1.jpg' }, tomorrow: 1 })).toBe(true);
  expect(written?.withdrawn?.length && written.retained.some(({ was }) => was)).toBe(true);
  const nodes = [...(await nodesOf(world.origin)), ...(await nodesOf(large.folder))];
  expect(nodes.some((one) => 'children' in (one as object))).toBe(true);
  for (const one of nodes) expect(node(one), JSON.stringify(node.errors)).toBe(true);
});

// biome-ignore lint/suspicious/noExplicitAny: broken on purpose
type Broken = any;

describe('the schemas refuse what is broken', () => {
  test.each<[string, (head: Broken) => void]>([
    ['another format', (head) => (head.nightpress = 2)],
    ['no seq', (head) => delete head.seq],
    ['seq 0', (head) => (head.seq = 0)],
    ['a live snapshot without id', (head) => delete head.channels.live.snapshot],
    ['an upper-case id', (head) => (head.channels.live.snapshot = head.channels.live.snapshot.toUpperCase())],
    ['no commits', (head) => (head.commits = [])],
    ['a local time', (head) => (head.at = '2026-11-22 03:00')],
    ['a pin without a name', (head) => delete head.pins[0].name],
    ['withdrawn content without its source', (head) => delete head.withdrawn[0].source],
    ['a former snapshot without id', (head) => (head.retained[0].was = [{ seq: 1 }])],
    ['a move out of the origin', (head) => (head.moved = { [`m/${'a'.repeat(64)}.json`]: 'b/../../etc/passwd' })],
    ['a move of something else', (head) => (head.moved = { photo: 'b/aa/x' })],
  ])('a head with %s', async (_, harm) => {
    const head: Broken = structuredClone(await readHead(world.origin));
    harm(head);
    expect((await validator('head'))(head)).toBe(false);
  });

  test.each<[string, (leaf: Broken, inner: Broken) => unknown]>([
    ['another format', (leaf) => ({ ...leaf, nightpress: 2 })],
    ['neither entries nor children', () => ({ nightpress: 1 })],
    ['both', (leaf, inner) => ({ ...leaf, ...inner })],
    ['15 children', (_, inner) => ({ ...inner, children: inner.children.slice(1) })],
    ['a child that is a number', (_, inner) => ({ ...inner, children: inner.children.with(0, 7) })],
    ['too few entries for an inner node', (_, inner) => ({ ...inner, count: 256 })],
    ['too many entries for a leaf', (leaf) => ({ ...leaf, entries: new Array(257).fill(leaf.entries[0]) })],
    ['an entry without source', (leaf) => ({ ...leaf, entries: [{ ...leaf.entries[0], source: undefined }] })],
    ['a derivative without sha256', (leaf) => JSON.parse(JSON.stringify(leaf).replaceAll('"sha256"', '"sha1"'))],
    ['negative bytes', (leaf) => JSON.parse(JSON.stringify(leaf).replaceAll('"bytes":', '"bytes":-'))],
    ['an extension that is a path', (leaf) => JSON.parse(JSON.stringify(leaf).replaceAll('"ext":"', '"ext":"../'))],
  ])('a node with %s', async (_, harm) => {
    const nodes: readonly Broken[] = await nodesOf(large.folder);
    const broken = harm(
      nodes.find((one) => one.entries?.length > 0),
      nodes.find((one) => one.children),
    );
    expect((await validator('manifest-node'))(JSON.parse(JSON.stringify(broken)))).toBe(false);
  });
});

const python = spawnSync('python3', ['--version']).status === 0;
const read = (...words: readonly string[]) =>
  spawnSync('python3', ['docs/examples/read.py', ...words], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } });

describe.runIf(python || process.env.CI)('a reader in another language, after FORMAT.md', () => {
  test('finds every path that the manifest has, and its blob', async () => {
    for (const origin of [world.origin, large.folder]) {
      const live = (await readHead(origin))?.channels.live?.snapshot;
      const expected = [...(await derivativesOf(origin, live ?? ('' as never)))];
      const { stdout, stderr } = read(origin);
      expect(stderr).toBe('');
      const lines = stdout.trimEnd().split('\n').sort();
      expect(lines).toEqual(expected.map(([name, one]) => `${name}\t${blobKey(one)}`).sort());
    }
  });

  test('finds one asset by the rule of the trie, and none that is not there', () => {
    for (const n of [0, 99, textCount - 1])
      expect(read(large.folder, `texts/§ ${n}`).stdout).toMatch(new RegExp(`^texts/§ ${n}\tb/..\\/\\w{64}\n$`));
    expect(read(large.folder, `texts/§ ${textCount}`)).toMatchObject({ status: 1, stdout: '' });
  });

  test('refuses a node with other bytes than its name says', async () => {
    const [name = ''] = await readdir(path.join(large.folder, 'm'));
    const file = path.join(large.folder, 'm', name);
    const good = await readFile(file, 'utf8');
    await writeFile(file, `${good} `);
    expect(read(large.folder).stderr).toContain('other bytes than its name says');
    await writeFile(file, good);
  });
});
