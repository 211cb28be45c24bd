import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { publishNow } from '../support/project.js';
import { type S3d, startS3d, testCredentials } from '../support/s3d/index.js';
import { until } from '../support/until.js';
import { aWorld, fill, type World } from '../support/world.js';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

/** The real binary before a store that has what was published, takes connections, and answers none from then on. */
let s3d: S3d;
let world: World;
let asked = 0;

const env = {
  AWS_ACCESS_KEY_ID: testCredentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: testCredentials.secretAccessKey,
  AWS_EC2_METADATA_DISABLED: 'true',
};

beforeEach(async () => {
  s3d = await startS3d();
  const origin = { type: 's3', bucket: 'media', prefix: 'site', endpoint: s3d.endpoint, region: 'eu-central-1' };
  world = await aWorld({ originConfig: origin });
  await fill(world, { pictures: 0, texts: 3 });
  await publishNow({ ...world, run: (args, more) => world.run(args, { ...more, env }) });
  asked = 0;
  s3d.hooks.push(() => {
    asked++;
    return { kind: 'late', until: new Promise(() => {}) };
  });
});

afterEach(async () => {
  await world.end();
  await s3d.close();
});

const silence = /no answer from origin s3:\S+\/media\/site within 10 s/;

test('who looks is told after ten seconds, and all that is known here', async () => {
  const startedAt = Date.now();
  const say = (verb: string, ...args: string[]) => world.run(args, { verb, env, plain: true });
  const [status, check, rollback, plan] = await Promise.all([
    say('status'),
    say('status', '--check'),
    say('rollback', '--yes'),
    say('plan'),
  ]);
  expect(Date.now() - startedAt).toBeLessThan(40_000);
  expect([status.code, status.stdout]).toEqual([75, expect.stringMatching(silence)]);
  expect(status.stdout).toMatch(/live {6}snapshot [0-9a-f]{12} {2}seq 1 as last seen; readers keep what they have/);
  expect(status.stdout).toMatch(/run {7}\S+ \(run\) for window .*: published/);
  expect([check.code, check.stdout]).toEqual([13, expect.stringMatching(silence)]);
  expect([rollback.code, rollback.stderr]).toEqual([75, expect.stringMatching(silence)]);
  expect([plan.code, plan.stderr]).toEqual([75, expect.stringMatching(silence)]);
});

test.each(['run', 'retry'])(
  'a first SIGTERM ends a %s that only waits, and it does not say that nothing is live',
  async (verb) => {
    const running = world.start(verb === 'run' ? ['--now'] : ['--failed'], { verb, env });
    await until(() => asked > 0 || undefined, 'the store is asked');
    const signalledAt = Date.now();
    running.signal('SIGTERM');
    const { code, result } = await running.ended;
    expect(Date.now() - signalledAt).toBeLessThan(15_000);
    expect([code, result]).toMatchObject([143, { outcome: 'interrupted', live: null, lastSeen: { seq: 1 } }]);
  },
);

test('status beside a run that waits says that it goes on by itself', async () => {
  const running = world.start(['--now'], { env });
  await until(() => asked > 0 || undefined, 'the store is asked');
  const { stdout } = await world.run([], { verb: 'status', env, plain: true });
  expect(stdout).toContain('running, and the origin cannot be reached: the run goes on by itself when it answers');
  expect(stdout).toMatch(/next {6}nightpress status night --watch/);
  running.signal('SIGTERM');
  expect((await running.ended).code).toBe(143);
});
