import { readdir, readFile, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sha256 } from '../../src/domain/digest.js';
import { blobKey } from '../../src/domain/origin-keys.js';
import { ask, say } from '../support/project.js';
import { aRecorder, type Recorder, says } from '../support/recorder.js';
import { age, aWorld, settle, type World } from '../support/world.js';

let world: World;
let cdn: Recorder;

beforeEach(async () => {
  cdn = await aRecorder();
  world = await aWorld({
    recipes: "{ rest: copy({ match: '**' }) }",
    gate: `{ shrink: '50%' },
  edges: [{ type: 'http-purge', name: 'varnish', urls: '${cdn.base}/public' }]`,
  });
  for (const name of ['a', 'b', 'c']) await world.write(`${name}.txt`, `content of ${name}`);
  await world.write('copy of a.txt', 'content of a');
  await age(world);
  expect((await world.run(['--now'])).code).toBe(0);
});

afterEach(async () => {
  await world.end();
  await cdn.close();
});

const blob = blobKey({ sha256: sha256('content of a'), ext: 'txt' });
const purged = () => cdn.calls.filter(({ method }) => method === 'PURGE').map(({ url }) => url.replace('/public/', ''));
const gone = ['head.json', blob, 'live/a.txt', 'live/copy%20of%20a.txt'];
const reason = ['--reason', 'licence ended'] as const;

async function files(): Promise<readonly string[]> {
  return (await readdir(world.origin, { recursive: true })).map(String);
}

test('without --yes it says what would go, with names, snapshots and URLs, and changes nothing', async () => {
  const before = await readFile(`${world.origin}/head.json`, 'utf8');
  const said = await say(world, 'withdraw', 'night', 'a.txt');
  expect([said.code, said.stderr]).toEqual([0, '']);
  expect(said.stdout).toContain('night  would take down 2 assets\n');
  expect(said.stdout).toMatch(/asset {5}a\.txt {2}content [0-9a-f]{12} {2}1 blob\n {2}asset {5}copy of a\.txt/);
  expect(said.stdout).toMatch(/snapshot {2}[0-9a-f]{12} loses 2 assets {2}\(live\)/);
  for (const key of gone.slice(1)) expect(said.stdout).toContain(`gone      ${cdn.base}/public/${key}\n`);
  expect(said.stdout).toContain('next      nightpress withdraw night a.txt --reason TEXT --yes\n');
  const { json } = await ask(world, 'withdraw', 'a.txt');
  expect(json).toMatchObject({
    type: 'takedown',
    asset: 'a.txt',
    assets: [{ key: 'a.txt' }, { key: 'copy of a.txt' }],
  });
  expect(await readFile(`${world.origin}/head.json`, 'utf8')).toBe(before);
});

test('with --yes it takes down, deletes and tells edges; the next run leaves it out and status says why', async () => {
  expect((await say(world, 'withdraw', 'a.txt', '--yes')).stderr).toContain('--reason is missing');
  const ended = await world.run(['a.txt', ...reason, '--yes'], { verb: 'withdraw' });
  expect([ended.code, ended.stderr]).toEqual([0, '']);
  expect(JSON.parse(ended.stdout)).toMatchObject({
    type: 'withdraw',
    reason: 'licence ended',
    withdrawn: [{ key: 'a.txt', erasedAt: expect.any(String) }],
    edges: [{ name: 'varnish', told: true }],
    gone: gone.slice(1).map(decodeURIComponent),
  });
  expect(purged().slice(1)).toEqual(gone);
  const left = await files();
  expect(left.filter((file) => file === blob || /(^|\/)(copy of )?a\.txt$/.test(file))).toEqual([]);
  expect(left.filter((file) => /live\/|trees\/.*b\.txt$/.test(file)).length).toBeGreaterThan(0);

  await settle(world);
  const next = await world.run(['--now']);
  expect([next.code, next.result?.outcome, next.result?.items.withheld]).toEqual([0, 'unchanged', 2]);
  expect((await say(world, 'status', 'night')).stdout).toMatch(/withdrawn a\.txt at \S+: licence ended\n/);
  const explained = await say(world, 'explain', 'night', 'a.txt');
  expect(explained.stdout).toContain('recipe    rest would end as withheld: its content was withdrawn');
  expect(explained.stdout).toMatch(/withdrawn content [0-9a-f]{12} at \S+: licence ended\n/);
  expect(explained.stdout.match(/^ {2}withdrawn /gm)).toHaveLength(1); // its copy was taken down beside it
  expect((await say(world, 'snapshots', 'night', '-v')).stdout).toMatch(/commit {4}seq 2 {2}withdraw: licence ended\n/);
  expect((await say(world, 'verify', 'night', '--deep')).code).toBe(0);
});

test('an edge that cannot be told is exit 7, and saying it again tells it', async () => {
  cdn.usually(says(403));
  const late = await say(world, 'withdraw', 'a.txt', ...reason, '--yes');
  expect([late.code, (await files()).includes(blob)]).toEqual([7, false]);
  expect(late.stdout).toContain('edges     varnish: not told');
  cdn.usually(says(200));
  const told = purged().length;
  const again = await say(world, 'withdraw', 'a.txt', ...reason, '--yes');
  expect([again.code, purged().slice(told)]).toEqual([0, gone]);
  expect(again.stdout).toContain("'a.txt' was withdrawn before, and nothing of it is left");
});

test('afterwards, too, it lists every URL that a cache may hold, and names what must be made or purged by hand', async () => {
  const ended = await world.run(['a.txt', ...reason, '--yes'], { verb: 'withdraw' });
  const urls = gone.slice(1).map((key) => `${cdn.base}/public/${key}`);
  expect(JSON.parse(ended.stdout)).toMatchObject({ urls });
  const again = await say(world, 'withdraw', 'a.txt', ...reason, '--yes');
  expect(again.stdout).toContain('caches that are not among the edges');
  for (const url of urls) expect(again.stdout).toContain(`gone      ${url}\n`);
  expect(again.stdout).toContain('files of nightpress export edge still name the former snapshot');
});

test('a job without edges is told that its caches must be purged by hand', async () => {
  const file = `${world.folder}/jobs/night.ts`;
  await writeFile(file, (await readFile(file, 'utf8')).replace(/edges: .*,/, ''));
  const { stdout } = await say(world, 'withdraw', 'b.txt', ...reason, '--yes');
  expect(stdout).toContain('this job has no edges: purge these by hand');
  expect(stdout).toContain('gone      live/b.txt\n');
});

test('an asset is named as explain takes it: by public path, blob or URL, also of an older snapshot and once it is gone', async () => {
  await world.write('b.txt', 'another b');
  await age(world);
  expect((await world.run(['--now'])).code).toBe(0);
  const older = blobKey({ sha256: sha256('content of b'), ext: 'txt' });
  for (const word of ['live/b.txt', `${cdn.base}/public/live/b.txt`, older, `${cdn.base}/public/${older}`]) {
    expect((await ask(world, 'withdraw', word)).json, word).toMatchObject({ asset: 'b.txt', assets: [{}, {}] });
  }
  await say(world, 'withdraw', 'b.txt', ...reason, '--yes');
  expect((await say(world, 'withdraw', older)).stdout).toContain('was taken down before');
  const { stderr } = await say(world, 'withdraw', `${cdn.base}/elsewhere/b.txt`);
  expect(stderr).toContain('expected its key, a public path or a URL of it');
});

test('a blob that several assets of one content show names that content', async () => {
  expect((await ask(world, 'withdraw', blob)).json).toMatchObject({
    assets: [{ key: 'a.txt' }, { key: 'copy of a.txt' }],
  });
});

test('--lift lets the next run publish it again, and an asset that nobody knows is refused', async () => {
  const unknown = await say(world, 'withdraw', 'z.txt');
  expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining("shows an asset 'z.txt'")]);
  expect((await say(world, 'withdraw', 'a.txt', '--lift')).code).toBe(2);
  await say(world, 'withdraw', 'a.txt', ...reason, '--yes');
  const offered = await say(world, 'withdraw', 'a.txt', '--lift');
  expect(offered.stdout).toContain("would let 'a.txt' be published again");
  const lifted = await ask(world, 'withdraw', 'a.txt', '--lift', '--reason', 'renewed', '--yes');
  expect([lifted.code, lifted.json.type, lifted.json.withdrawn]).toEqual([0, 'lift', []]);
  const next = await world.run(['--now']);
  expect([next.code, next.result?.outcome, (await files()).includes(blob)]).toEqual([0, 'published', true]);
});
