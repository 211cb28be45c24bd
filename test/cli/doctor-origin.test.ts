import { rm } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ask, say } from '../support/project.js';
import { next, type S3d, startS3d, testCredentials } from '../support/s3d/index.js';
import { age, aWorld, fill, type World } from '../support/world.js';

vi.setConfig({ testTimeout: 120_000 });

/** `doctor --origin`, and runs that do not begin where they could not commit. */
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
  world = await at();
});

afterEach(async () => {
  await world.end();
  await s3d.close();
  vi.unstubAllEnvs();
});

async function at(more: object = {}): Promise<World> {
  const origin = { type: 's3', bucket: 'media', prefix: 'site', endpoint: s3d.endpoint, region: 'eu-central-1' };
  const made = await aWorld({ originConfig: { ...origin, ...more } });
  await fill(made, { pictures: 0, texts: 2 });
  return made;
}

async function alone(): Promise<void> {
  await world.end();
  world = await at({ singleWriter: true });
}

const look = async (...words: readonly string[]) => await say(world, 'doctor', 'night', '--origin', ...words);

async function night() {
  await age(world);
  return await world.run(['--now'], { env });
}

const probes = () => s3d.log.filter(({ key }) => key.startsWith('site/tmp/probe/')).length;

describe('doctor --origin', () => {
  test('tells a store that is fit, check by check, and leaves it as it was', async () => {
    const { code, stdout } = await look('--races', '8');
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines.slice(0, -1).map((line) => line.slice(0, 7).trim())).toEqual(Array(14).fill('ok'));
    expect(stdout).toContain('ok       swap race     one of 8 at once wins');
    expect(lines.at(-1)).toBe(`s3:${s3d.endpoint}/media/site is of tier A: it compares and swaps; fit for this job`);
    expect(s3d.bucket().keys()).toEqual([]);
  });

  test('finds one that only creates fit, says what that costs, and is not fit under a head that is swapped', async () => {
    expect((await night()).code).toBe(0);
    s3d.rules = { ...s3d.rules, tier: 'B' };
    const swapped = await look('--races', '8');
    expect(swapped.code).toBe(13);
    expect(swapped.stdout).toContain('PROBLEM  swap stale    answered with success, which must be refused');
    expect(swapped.stdout).toMatch(/is not fit for this job: tier B: .*begun with compare and swap/);
    for (const key of s3d.bucket().keys()) s3d.bucket().delete(key);
    const { code, stdout } = await look('--races', '8');
    expect([code, stdout]).toEqual([0, expect.stringContaining('note     swap stale    answered with success')]);
    expect(stdout).toMatch(/tier B: .*commits are entries of a log, .*; fit for this job\n$/);
  });

  test('has one record for scripts', async () => {
    s3d.rules = { ...s3d.rules, tier: 'C' };
    const { code, json } = await ask(world, 'doctor', '--origin', '--races', '8');
    expect([code, json]).toMatchObject([
      13,
      { type: 'doctor-origin', job: 'night', tier: 'C', singleWriter: false, fit: false },
    ]);
    expect(json.origin).toBe(`s3:${s3d.endpoint}/media/site`);
    expect(json.because).toContain('singleWriter: true');
    const evidence = (json.checks as { name: string }[]).find(({ name }) => name === 'create race');
    expect(evidence).toEqual({
      name: 'create race',
      seen: 'broken',
      verdict: 'problem',
      detail: '8 of 8 at once were answered with success',
    });
  });

  test('finds a store without conditions fit for a single writer, unless it loses what is published', async () => {
    await alone();
    s3d.rules = { ...s3d.rules, tier: 'C' };
    const { code, stdout } = await look('--races', '8');
    expect([code, stdout]).toEqual([0, expect.stringContaining('only one machine publishes there; fit for this job')]);
    expect(stdout).toContain('note     create race   8 of 8');
    s3d.rules = { ...s3d.rules, storesAnyBytes: true };
    const lossy = await look('--races', '8');
    expect([lossy.code, lossy.stdout]).toEqual([13, expect.stringMatching(/not fit for this job: payload hash: /)]);
  });

  test('a wrong clock is a note', async () => {
    s3d.rules = { ...s3d.rules, clock: () => Date.now() + 3_600_000 };
    const { code, stdout } = await look('--races', '2');
    expect([code, stdout]).toEqual([0, expect.stringMatching(/note {5}clock {9}3\d{3} s ahead of this machine/)]);
  });

  test('refused credentials are exit 77, a store that is not there 75', async () => {
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'wrong');
    expect((await look()).code).toBe(77);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', env.AWS_SECRET_ACCESS_KEY);
    const { endpoint } = s3d;
    await s3d.close();
    const away = await look();
    expect([away.code, away.stderr]).toEqual([75, expect.stringContaining(endpoint)]);
  });

  test.each([
    [['--origin', '--races', '1'], '2 to 256'],
    [['--origin', '--races', 'many'], 'whole number'],
    [['--races', '8'], 'expected --origin with it'],
    [['--origin', '--rebuild'], 'expected one of them'],
  ])('%j is refused', async (words, why) => {
    const { code, stderr } = await say(world, 'doctor', ...words);
    expect([code, stderr]).toEqual([2, expect.stringContaining(why)]);
  });

  test('looks at a folder as doctor always does, and at nothing else', async () => {
    await world.end();
    world = await aWorld();
    await fill(world, { pictures: 0, texts: 2 });
    const { code, json } = await ask(world, 'doctor', '--origin');
    expect([code, json.type]).toEqual([0, 'doctor-origin']);
    expect((json.checks as { name: string }[]).map(({ name }) => name)).toEqual(['origin', 'disk']);
  });
});

describe('a run', () => {
  test('does not begin at a store that keeps no conditions, and begins once it was mended', async () => {
    s3d.rules = { ...s3d.rules, tier: 'C' };
    for (let n = 0; n < 2; n++) {
      const refused = await world.run(['--now'], { env, plain: true });
      expect(refused.code).toBe(13);
      expect(refused.stderr).toContain('tier C');
      expect(refused.stderr).toContain('nightpress doctor night --origin');
    }
    expect(s3d.bucket().keys()).toEqual([]);
    s3d.rules = { ...s3d.rules, tier: 'A' };
    expect((await night()).code).toBe(0);
  });

  test('tries a store once, and again when the state is lost', async () => {
    expect((await night()).code).toBe(0);
    const once = probes();
    expect(once).toBeGreaterThan(0);
    await world.write('texts/t0.txt', 'changed\n');
    expect((await night()).result?.outcome).toBe('published');
    expect(probes()).toBe(once);
    await rm(path.join(world.folder, '.nightpress'), { recursive: true });
    await world.write('texts/t0.txt', 'changed again\n');
    expect((await night()).result?.outcome).toBe('published');
    expect(probes()).toBe(2 * once);
    expect(
      s3d
        .bucket()
        .keys()
        .filter((key) => key.includes('probe')),
    ).toEqual([]);
  });

  test('of a single writer asks nothing of the store', async () => {
    await alone();
    s3d.rules = { ...s3d.rules, tier: 'C' };
    expect((await night()).code).toBe(0);
    expect(probes()).toBe(0);
  });

  test('that cannot try the store for now is exit 75 and not told to be unfit', async () => {
    s3d.hooks.push(next(({ headers }) => headers['if-match'] !== undefined, { kind: 'answer', status: 503 }));
    expect((await night()).code).toBe(75);
    expect((await night()).code).toBe(0);
  });
});
