import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { checkpointed } from '../support/checkpoints.js';
import { lavfi, make } from '../support/clips.js';
import { encoding } from '../support/encoding.js';
import { flawsOf, liveSnapshot } from '../support/published.js';
import { until } from '../support/until.js';
import { aWorld, executions, type Running, type World } from '../support/world.js';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

/** One clip that takes a while, so that there is time to find its processes, and a few quick items beside it. */
let world: World;
const running: Running[] = [];
let nights = 0;

beforeAll(async () => {
  world = await aWorld({
    recipes: `{
    clips: video({ match: '**/*.mp4', heights: [240], poster: false }),
    rest: copy({ match: '**/*.txt' }),
  }`,
  });
  await mkdir(world.source, { recursive: true });
});
afterEach(() => {
  for (const run of running.splice(0)) run.signal('SIGKILL');
});
afterAll(() => world.end());

/** A night with a new clip and new texts. */
async function newNight(args: readonly string[] = []): Promise<Running> {
  const night = ++nights;
  const picture = `testsrc2=size=426x240:rate=25:duration=12,hue=h=${night * 40}`;
  await make(path.join(world.source, 'clip.mp4'), ...lavfi(picture), '-preset', 'ultrafast', '-pix_fmt', 'yuv420p');
  for (let n = 0; n < 3; n++) await world.write(`t${n}.txt`, `night ${night}, text ${n}`);
  const run = world.start(['--now', ...args]);
  running.push(run);
  return run;
}

const noneIsLeft = () =>
  until(() => world.left().length === 0 || undefined, `no process is left: ${JSON.stringify(world.left())}`, 3000);

async function attemptsAtClip(since: number): Promise<number> {
  return Math.max(...(await executions(world, since)).values());
}

describe('a process that dies under the coordinator costs one attempt', () => {
  test.each(['worker', 'ffmpeg'] as const)('the %s of an item is killed', async (which) => {
    const since = Date.now();
    const run = await newNight();
    const found = await encoding(run);
    process.kill(found[which].pid, 'SIGKILL');
    const ended = await run.ended;
    expect(ended.result).toMatchObject({ outcome: 'published', items: { failed: 0, carried: 0 } });
    expect(ended.code).toBe(0);
    expect(await attemptsAtClip(since)).toBe(2);
    expect(ended.lines.filter((line) => line.type === 'attempt-failed')).toHaveLength(1);
    expect(await flawsOf(world.origin)).toEqual([]);
    await noneIsLeft();
  });

  test('the coordinator itself is killed while ffmpeg encodes: nothing of it lives on', async () => {
    const run = await newNight();
    await encoding(run);
    run.signal('SIGKILL');
    await run.ended;
    await noneIsLeft();
    expect((await world.run()).result).toMatchObject({ outcome: 'published' });
    for (const name of ['staging', 'outbox']) expect(existsSync(path.join(world.state, name)), name).toBe(false);
  });
});

describe('signals', () => {
  test('SIGTERM lets items in flight end, keeps their checkpoints, and the next run resumes', async () => {
    const run = await newNight();
    await encoding(run);
    run.signal('SIGTERM');
    const ended = await run.ended;
    expect(ended.code).toBe(143);
    expect(ended.result).toMatchObject({ outcome: 'interrupted', exit: 143 });
    await noneIsLeft();
    const safe = await checkpointed(world);
    expect(safe.size).toBeGreaterThan(0);
    const resumedAt = Date.now();
    const next = await world.run();
    expect(next.result).toMatchObject({ outcome: 'published', run: ended.result?.run });
    expect([...(await executions(world, resumedAt)).keys()].filter((item) => safe.has(item))).toEqual([]);
  });

  test('a second signal ends work in flight at once', async () => {
    const live = await liveSnapshot(world.origin);
    const run = await newNight(['--grace', '10m']);
    const { ffmpeg } = await encoding(run);
    process.kill(ffmpeg.pid, 'SIGSTOP'); // it would never end by itself
    run.signal('SIGHUP');
    await run.said('stopping');
    run.signal('SIGTERM');
    const ended = await run.ended;
    expect(ended.code).toBe(129); // of the first one
    await noneIsLeft();
    expect(await liveSnapshot(world.origin)).toBe(live);
    expect((await world.run()).result).toMatchObject({ outcome: 'published', run: ended.result?.run });
  });

  test('work that outlives the grace is killed and done again by the next run', async () => {
    const run = await newNight(['--grace', '1s']);
    const { ffmpeg } = await encoding(run);
    process.kill(ffmpeg.pid, 'SIGSTOP');
    run.signal('SIGINT');
    expect((await run.ended).code).toBe(130);
    await noneIsLeft();
    expect((await world.run()).result).toMatchObject({ outcome: 'published', items: { failed: 0 } });
  });

  test('a run that is stopped and continued is none the worse, and holds its job meanwhile', async () => {
    const run = await newNight();
    await encoding(run);
    run.signal('SIGSTOP');
    const other = await world.run();
    expect(other.code).toBe(11);
    run.signal('SIGCONT');
    expect((await run.ended).result).toMatchObject({ outcome: 'published', exit: 0 });
    expect(await flawsOf(world.origin)).toEqual([]);
  });
});
