import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { aRecorder, type Play, type Recorder, says } from '../support/recorder.js';
import { age, aWorld, fill, type World } from '../support/world.js';

const token = 'cf-live-5ecret-token';
const zone = '023e105f4ecef8ad9ca31a8372d0c353';
const env = { CLOUDFLARE_TOKEN: token };

let world: World;
/** The API of one edge and what readers get through both, on one server. */
let cdn: Recorder;

beforeEach(async () => {
  cdn = await aRecorder();
  cdn.usually(answers(says(200, '{"success":true}')));
  world = await aWorld({
    gate: `{ shrink: '50%' },
  edges: [
    { type: 'cloudflare', zone: '${zone}', endpoint: '${cdn.base}/api', urls: '${cdn.base}/public' },
    { type: 'http-purge', name: 'varnish', urls: '${cdn.base}/public' },
  ]`,
  });
  await fill(world, { pictures: 0, texts: 4 });
  await age(world);
});
afterEach(async () => {
  await world.end();
  await cdn.close();
});

/** Readers get the origin's own head; calls of the API get `api`. */
function answers(api: Play): Play {
  return (answer, call) => {
    if (call.method !== 'GET') return void (call.url.startsWith('/api') ? api(answer, call) : answer.end('purged'));
    void readFile(path.join(world.origin, path.basename(call.url))).then(
      (bytes) => answer.end(bytes),
      () => answer.writeHead(404).end(),
    );
  };
}

const purges = () => cdn.calls.filter(({ method }) => method !== 'GET').map(({ method, url }) => `${method} ${url}`);
const both = [`POST /api/zones/${zone}/purge_cache`, 'PURGE /public/head.json'];

async function everything(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name));
  return (await Promise.all(files.map((file) => readFile(file, 'latin1')))).join('\n');
}

test('a verb that publishes wants every secret first, and looking at things wants none', async () => {
  const ended = await world.run(['--now']);
  expect([ended.code, ended.result?.outcome]).toEqual([2, 'failed']);
  expect(ended.result?.fault?.message).toContain(
    'edges.0.tokenEnv: "CLOUDFLARE_TOKEN" — expected an environment variable that is set',
  );
  expect(ended.result?.next).toEqual(['export CLOUDFLARE_TOKEN=…, also where cron calls it; then again']);
  expect(await readdir(world.folder)).not.toContain('public');
  expect((await world.run([], { verb: 'plan' })).code).toBe(0);
});

test('run tells edges and, with --wait, shows when each served the snapshot; a settled window tells nobody', async () => {
  const first = await world.run(['--now', '--wait=60s'], { env });
  expect([first.code, first.stderr, purges().sort()]).toEqual([0, expect.any(String), [...both].sort()]);
  expect(first.result?.edges).toEqual([
    { name: 'cloudflare', told: true, servedAfterMs: expect.any(Number) },
    { name: 'varnish', told: true, servedAfterMs: expect.any(Number) },
  ]);
  expect(
    first.lines
      .filter(({ type }) => type === 'edge')
      .map(({ name }) => name)
      .sort(),
  ).toEqual(['cloudflare', 'varnish']);
  const idle = await world.run(['--wait'], { env, plain: true });
  expect([idle.code, purges().length]).toEqual([0, 2]);
  expect((await world.run(['--check'], { verb: 'status', plain: true })).code).toBe(0);
  expect(idle.stdout).toMatch(
    /edges {5}cloudflare: told, served after \d+\.\d s\n {12}varnish: told, served after \d+\.\d s\n/,
  );
});

test('retry --wait shows the same, and is exit 7 for an edge that stays behind', async () => {
  await world.run(['--now'], { env });
  const again = ['--item', '**', '--remake'];
  const retried = await world.run([...again, '--wait=60s'], { env, verb: 'retry' });
  expect([retried.code, retried.result?.edges]).toEqual([
    0,
    [
      { name: 'cloudflare', told: true, servedAfterMs: expect.any(Number) },
      { name: 'varnish', told: true, servedAfterMs: expect.any(Number) },
    ],
  ]);
  cdn.usually(says(404));
  const late = await world.run([...again, '--wait=1s'], { env, verb: 'retry' });
  expect([late.code, late.result?.edges?.[1]?.error]).toEqual([7, expect.stringMatching(/answers 404 after \d+ s/)]);
});

test('an edge that refuses is told as such, in text and state, and its token nowhere', async () => {
  cdn.usually(answers((answer, { headers }) => answer.writeHead(403).end(`{"you sent":"${headers.authorization}"}`)));
  const ended = await world.run(['--now'], { env, plain: true });
  expect(ended.code).toBe(0);
  expect(ended.stdout).toContain('published');
  expect(ended.stdout).toContain('edges     cloudflare: not told: POST');
  expect(ended.stdout).toContain('answered 403: {"you sent":"Bearer (secret)"}; expected credentials that may purge');
  expect(ended.stdout).toContain('next      nightpress run night --wait');
  const status = await world.run([], { verb: 'status', plain: true });
  expect(status.stdout).toContain('edge cloudflare: not told');
  const check = await world.run(['--check'], { verb: 'status', plain: true });
  expect([check.code, check.stdout]).toEqual([
    13,
    expect.stringMatching(
      /PROBLEM {2}live, but an edge was not told of it: cloudflare .*\n {2}next {6}nightpress run night --wait/,
    ),
  ]);
  const written = await everything(world.folder);
  expect(written).toContain('edge cloudflare: not told'); // the state and the log were read
  for (const text of [written, ended.stdout, ended.stderr, status.stdout]) expect(text).not.toContain(token);
});

test('publish, rollback and unfreeze tell edges too; one that stays behind is exit 7', async () => {
  await world.run(['--now'], { env });
  for (const name of ['t1', 't2', 't3']) await world.remove(`texts/${name}.txt`);
  const held = await world.run(['--now'], { env });
  expect([held.code, purges().length]).toEqual([4, 2]);
  const given = ['--override', 'shrink', '--reason', 'test', '--wait'];
  const published = await world.run(given, { env, verb: 'publish' });
  expect([published.code, purges().length]).toEqual([0, 4]);
  expect(JSON.parse(published.stdout)).toMatchObject({
    type: 'publish',
    edges: [{ told: true, servedAfterMs: expect.any(Number) }, {}],
  });
  const old = await readFile(path.join(world.origin, 'head.json'));
  cdn.usually((answer, { url }) => answer.end(url.startsWith('/api') ? '{"success":true}' : old));
  const back = await world.run(['--yes', '--wait=1s'], { env, verb: 'rollback' });
  expect([back.code, purges().length]).toEqual([7, 6]);
  const { edges, live } = JSON.parse(back.stdout) as { edges: { error: string }[]; live: { seq: number } };
  expect(edges[1]?.error).toMatch(new RegExp(`serves seq ${live.seq - 1} after \\d+ s, expected seq ${live.seq}$`));
  expect((await world.run([], { env, verb: 'unfreeze' })).code).toBe(0);
  expect(purges()).toHaveLength(6); // nothing was staged, so nothing went live
});

test('cloudfront takes its credentials where other AWS tools do, wants them first, and shows them nowhere', async () => {
  const [id, secret, session] = ['AKIDOFTHEPROFILE', 'sEcRetOfTheProfile/1', 'session-of-the-profile'];
  const edge = `{ type: 'cloudfront', distribution: 'EDFDVBD6EXAMPLE', endpoint: '${cdn.base}/api', urls: '${cdn.base}/public' }`;
  const cloud = await aWorld({ gate: `{ shrink: '50%' }, edges: [${edge}]` });
  await fill(cloud, { pictures: 0, texts: 1 });
  await age(cloud);
  const file = path.join(cloud.folder, 'aws-credentials');
  const aws = {
    ...{ AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '', AWS_EC2_METADATA_DISABLED: 'true' },
    ...{ HOME: cloud.folder, AWS_PROFILE: 'cdn', AWS_SHARED_CREDENTIALS_FILE: file },
  };
  const without = await cloud.run(['--now'], { env: aws });
  expect([without.code, without.result?.fault?.message]).toEqual([
    2,
    expect.stringMatching(/edges\.0: "cloudfront" — expected AWS credentials .*AWS_ACCESS_KEY_ID .*profile 'cdn'/),
  ]);
  const keys = `aws_access_key_id = ${id}\naws_secret_access_key = ${secret}\naws_session_token = ${session}\n`;
  await writeFile(file, `[cdn]\n${keys}`);
  cdn.usually((answer, { headers }) => answer.writeHead(403).end(JSON.stringify(headers)));
  const ended = await cloud.run(['--now'], { env: aws });
  expect([ended.code, ended.result?.edges?.[0]?.error]).toEqual([0, expect.stringContaining('answered 403')]);
  expect(cdn.calls.at(-1)?.headers).toMatchObject({
    authorization: expect.stringContaining(`Credential=${id}/`),
    'x-amz-security-token': session,
  });
  await rm(file);
  for (const text of [await everything(cloud.folder), ended.stdout, ended.stderr])
    for (const one of [id, secret, session]) expect(text).not.toContain(one);
  await cloud.end();
});

test('waiting for nobody, and a job name taken for a duration, are told', async () => {
  const wrong = await world.run(['--wait', 'night'], { env, verb: 'publish' });
  expect([wrong.code, wrong.stderr]).toEqual([
    2,
    expect.stringContaining("--wait night: expected a duration such as --wait=90s, or the option after the job's name"),
  ]);
  const lonely = await aWorld();
  const ended = await lonely.run(['--wait']);
  expect([ended.code, ended.result?.fault?.message]).toEqual([
    2,
    "--wait: 'night' names no edges, expected some in its job file",
  ]);
  await lonely.end();
});
