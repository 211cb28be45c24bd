import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { sha256 } from '../../src/domain/digest.js';
import { parseHead } from '../../src/domain/head-text.js';
import { blobKey } from '../../src/domain/origin-keys.js';
import { liveFilesOf } from '../support/live-files.js';
import { ask, publishNow, say } from '../support/project.js';
import { next, type S3d, startS3d, testCredentials } from '../support/s3d/index.js';
import { age, aWorld, fill, type StartOptions, type World } from '../support/world.js';

vi.setConfig({ testTimeout: 120_000 });

/** The real binary and a bucket. */
let s3d: S3d;
let world: World;

const env = {
  AWS_ACCESS_KEY_ID: testCredentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: testCredentials.secretAccessKey,
  AWS_EC2_METADATA_DISABLED: 'true',
};

beforeEach(async () => {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  s3d = await startS3d();
  world = await aWorld({ originConfig: atBucket(s3d.endpoint) });
  await fill(world, { pictures: 2, texts: 3 });
  await age(world);
});

afterEach(async () => {
  await world.end();
  await s3d.close();
  vi.unstubAllEnvs();
});

function atBucket(endpoint: string): object {
  return { type: 's3', bucket: 'media', prefix: 'site', endpoint, region: 'eu-central-1' };
}

async function night(args: readonly string[] = ['--now'], more: StartOptions = {}) {
  await age(world);
  return await world.run(args, { ...more, env: { ...env, ...more.env } });
}

function head() {
  return parseHead(s3d.bucket().get('site/head.json')?.body.toString() ?? '');
}

const liveFiles = () => liveFilesOf(head(), async (key) => s3d.bucket().get(`site/${key}`)?.body);

const headPut = ({ kind, key }: { kind: string; key: string }) => kind === 'put' && key === 'site/head.json';

test('a night publishes to a bucket what it publishes to a folder, and the next one writes nothing', async () => {
  const published = await night();
  expect([published.code, published.stderr]).toEqual([0, expect.not.stringContaining('Warning')]);
  const other = await aWorld({ source: world.source });
  expect((await publishNow(other)).result?.snapshot).toBe(published.result?.snapshot);
  await other.end();
  expect(Object.values(await liveFiles())).toEqual(Array(5).fill('whole'));
  s3d.log.length = 0;
  expect((await night()).result?.outcome).toBe('unchanged');
  expect(s3d.count('put', 'create-upload', 'delete', 'delete-many')).toBe(0);
});

test('workers know nothing of credentials', async () => {
  const running = world.start(['--now'], { env: { ...env, NIGHTPRESS_STOP: 'blob-stored' } });
  await running.stoppedAt('blob-stored');
  const workers = world.left().filter(({ pid }) => pid !== running.pid);
  const told = await Promise.all(workers.map(({ pid }) => readFile(`/proc/${pid}/environ`, 'utf8')));
  expect(await readFile(`/proc/${running.pid}/environ`, 'utf8')).toContain('AWS_SECRET_ACCESS_KEY');
  expect(told.length).toBeGreaterThan(0);
  for (const text of told) expect(text).not.toContain('AWS_');
  running.signal('SIGCONT');
  expect((await running.ended).code).toBe(0);
});

test('refused credentials are exit 77, a store that is not there 75; both say what is live and what to do', async () => {
  const refused = await night(['--now'], { env: { AWS_SECRET_ACCESS_KEY: 'wrong' } });
  expect(refused.code).toBe(77);
  const plain = await night(['--now'], { env: { AWS_SECRET_ACCESS_KEY: 'wrong' }, plain: true });
  expect(plain.stderr).toContain('check the credentials of the origin');
  const { endpoint } = s3d;
  await s3d.close();
  const away = await night(['--now'], { plain: true });
  expect([away.code, away.stderr]).toEqual([75, expect.stringContaining(endpoint)]);
});

test('credentials that are refused while the night works end it with 77, and the next run goes on', async () => {
  let puts = 0;
  s3d.hooks.push(({ kind, key }) =>
    kind === 'put' && key.startsWith('site/b/') && ++puts > 2
      ? { kind: 'answer', status: 400, code: 'ExpiredToken' }
      : undefined,
  );
  expect(await night()).toMatchObject({
    code: 77,
    result: { outcome: 'failed', fault: { code: 'credentials-refused' } },
  });
  s3d.hooks.length = 0;
  expect(await night()).toMatchObject({ code: 0, result: { outcome: 'published' } });
});

describe('a commit that is not answered and may land late', () => {
  beforeEach(async () => {
    await night();
    await world.write('texts/t0.txt', 'changed\n');
    const until = new Promise(() => undefined);
    s3d.hooks.push(next(headPut, { kind: 'late', cut: true, until }));
    const unknown = await night();
    expect([unknown.code, unknown.result?.outcome]).toEqual([6, 'unknown']);
    expect(unknown.result?.next).toEqual(['nightpress run night', 'nightpress publish night --resolve']);
    expect(head().seq).toBe(1);
  });

  test('is settled by the next run', async () => {
    const { code, lines, result } = await night();
    expect([code, result?.outcome]).toEqual([0, 'published']);
    expect(JSON.stringify(lines)).toContain('seq 2 never landed');
    expect(head().commits.map(({ kind }) => kind)).toEqual(['publish', 'fence', 'publish']);
  });

  test('is left alone by those who only look', async () => {
    for (const words of [['plan'], ['status'], ['explain', 'texts/t0.txt'], ['verify'], ['snapshots']] as const) {
      expect([words[0], (await say(world, words[0], 'night', ...words.slice(1))).code]).toEqual([words[0], 0]);
    }
    expect(head().seq).toBe(1);
  });

  test('is settled by hand, and told the same as often as it is asked', async () => {
    const settled = await ask(world, 'publish', '--resolve');
    expect(settled).toMatchObject({ code: 0, json: { type: 'resolve', seq: 2, landed: false } });
    expect((await ask(world, 'publish', '--resolve')).json).toMatchObject({ seq: 2, landed: false });
    expect((await say(world, 'publish', '--resolve')).stdout).toContain('it never landed');
    expect((await say(world, 'publish', '--resolve', '--reason', 'x')).code).toBe(2);
    expect((await night()).code).toBe(0);
  });
});

test.each(['blob-stored:3', 'manifest-ready', 'manifest-stored', 'head-ready', 'head-moved'])(
  'a run killed at %s leaves the old snapshot or the new one, whole, and the next run ends well',
  async (point) => {
    await night();
    const old = head().channels.live?.snapshot;
    for (const name of ['t0', 't1', 't2']) await world.write(`texts/${name}.txt`, `changed ${name}\n`);
    const killed = await night(['--now'], { env: { NIGHTPRESS_CRASH: point } });
    expect(killed.signal).toBe('SIGKILL');
    expect(Object.values(await liveFiles())).toEqual(Array(5).fill('whole'));
    if (point !== 'head-moved') expect(head().channels.live?.snapshot).toBe(old);
    const { code } = await night();
    expect(code).toBe(0);
    expect(head().channels.live?.snapshot).not.toBe(old);
    expect(Object.values(await liveFiles())).toEqual(Array(5).fill('whole'));
  },
);

test('snapshots, rollback, verify and pin work with the bucket alone', async () => {
  await night();
  await world.write('texts/t0.txt', 'changed\n');
  await night();
  expect((await ask(world, 'verify', '--deep')).code).toBe(0);
  expect((await ask(world, 'rollback', '--reason', 'bad text', '--yes')).code).toBe(0);
  expect((await ask(world, 'pin', 'live', 'good')).code).toBe(0);
  expect((await ask(world, 'snapshots')).code).toBe(0);
  expect(head()).toMatchObject({ seq: 4, frozen: { reason: 'bad text' }, pins: [{ name: 'good' }] });
});

test('gc says what no snapshot needs, stops at its brake, and deletes it when told how much may go', async () => {
  await night();
  const published = s3d.bucket().keys();
  const old = { body: Buffer.from('left'), headers: {}, at: Date.now() - 100 * 3_600_000 };
  const keys = ['one', 'two', 'three'].map((name) => blobKey({ sha256: sha256(name), ext: 'txt' }));
  for (const key of keys) s3d.bucket().put(`site/${key}`, old);
  const stored = published.length - 1 + keys.length;
  const share = Math.ceil((keys.length / stored) * 100);
  const looked = await say(world, 'gc');
  expect(looked.stdout).toContain('would delete 3 blobs (12 B)');
  expect(looked.stdout).toContain(`3 of ${stored} stored objects (${share} %) would go, which is more than may`);
  const told = new RegExp(`next:? +nightpress gc night --yes --max-delete ${share}%`);
  expect(looked.stdout).toMatch(told);

  expect(JSON.parse((await say(world, 'gc', '--json')).stdout)).toMatchObject({ removed: false, brakedOf: stored });

  const refused = await say(world, 'gc', '--yes');
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('nothing was deleted: 3 of')]);
  expect(refused.stderr).toMatch(told);
  expect(s3d.bucket().keys()).toHaveLength(published.length + keys.length);

  const done = await say(world, 'gc', '--yes', '--max-delete', `${share}%`);
  expect([done.code, done.stdout]).toEqual([0, expect.stringContaining('deleted 3 blobs (12 B)')]);
  expect(
    s3d
      .bucket()
      .keys()
      .filter((key) => !key.startsWith('site/g/')),
  ).toEqual(published);
  expect(head()).toMatchObject({ seq: 2, gc: { lists: [{ objects: 3 }] } });
});
