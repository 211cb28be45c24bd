import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { checkpointed } from '../support/checkpoints.js';
import { standsStill } from '../support/processes.js';
import { flawsOf, liveSnapshot } from '../support/published.js';
import { aSmallDisk, mayMount, type SmallDisk } from '../support/small-disk.js';
import { aWorld, type Ended, executions, fill, pictureOf, type World } from '../support/world.js';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 180_000 });

const linux = process.platform === 'linux';
const mounts = linux && mayMount();

/** Who may not mount may do so in a user namespace; where even that is forbidden, this test fails and says so. */
test.runIf(linux && !mounts)(
  'the tests of full disks pass in a user namespace, where mounting is allowed',
  async () => {
    const vitest = [
      'node_modules/vitest/vitest.mjs',
      'run',
      '--config',
      'test/vitest.config.ts',
      'test/crash/disks.test.ts',
    ];
    await expect(
      promisify(execFile)('unshare', ['--map-root-user', '--mount', process.execPath, ...vitest]),
      'full disks need a mounted tmpfs: run as root, or allow user namespaces (sysctl kernel.unprivileged_userns_clone=1)',
    ).resolves.toBeDefined();
  },
);

describe.runIf(mounts)('disks that are full or read-only', () => {
  let folder: string;
  let stateDisk: SmallDisk;
  let originDisk: SmallDisk;
  let world: World;
  let twin: World;
  let nights = 0;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'nightpress-disks-'));
    stateDisk = await aSmallDisk(path.join(folder, 'state'), 8);
    originDisk = await aSmallDisk(path.join(folder, 'origin'), 8);
    world = await aWorld({ state: stateDisk.folder, origin: originDisk.folder });
    twin = await aWorld({ source: world.source });
    await fill(world, { pictures: 4, texts: 4 });
    await world.run();
  });
  afterAll(async () => {
    await world.end();
    await twin.end();
    stateDisk.unmount();
    originDisk.unmount();
    await rm(folder, { recursive: true, force: true });
  });

  async function changeSources(): Promise<void> {
    const night = ++nights;
    for (let n = 0; n < 4; n++) await world.write(`pictures/p${n}.jpg`, await pictureOf(`night ${night} ${n}`));
    for (let n = 0; n < 3; n++) await world.write(`texts/t${n}.txt`, `night ${night}, text ${n} ${'.'.repeat(6000)}`);
  }

  /** A night during which a disk fills up at a named point. */
  async function fullAt(disk: SmallDisk, point: string): Promise<Ended> {
    const run = world.start(['--now'], { env: { NIGHTPRESS_STOP: point } });
    try {
      const [type = point, nth = '1'] = point.split(':');
      await run.said(type, Number(nth));
      await standsStill(run.pid);
      disk.fill();
      run.signal('SIGCONT');
      return await run.ended;
    } finally {
      run.signal('SIGKILL');
      disk.free();
    }
  }

  async function finishes(): Promise<void> {
    const safe = await checkpointed(world);
    const resumedAt = Date.now();
    const finish = await world.run();
    expect(finish.result).toMatchObject({ exit: 0, items: { failed: 0, quarantined: 0, carried: 0 } });
    expect([...(await executions(world, resumedAt)).keys()].filter((item) => safe.has(item))).toEqual([]);
    const calm = await twin.run(['--now'], { workers: 1 });
    expect(await liveSnapshot(world.origin)).toBe(calm.result?.snapshot);
    expect(await flawsOf(world.origin)).toEqual([]);
    expect(world.left()).toEqual([]);
  }

  function failsWith(ended: Ended, exit: number, code: string): void {
    expect(ended.stderr).not.toContain('    at ');
    expect(ended.result).toMatchObject({
      outcome: 'failed',
      exit,
      fault: { code },
      items: { failed: 0, quarantined: 0 },
    });
    expect(ended.code).toBe(exit);
    expect(ended.result?.next[0]).toContain('nightpress run night');
    expect(world.left()).toEqual([]);
  }

  test.each(['item-started:2', 'checkpointed'])(
    'a work folder that is full from %s on ends the night with 12',
    async (point) => {
      const live = await liveSnapshot(world.origin);
      await changeSources();
      failsWith(await fullAt(stateDisk, point), 12, 'state-unwritable');
      expect(await liveSnapshot(world.origin)).toBe(live);
      await finishes();
    },
  );

  test.each(['blob-stored:2', 'manifest-ready', 'head-ready'])(
    'an origin that is full from %s on ends the night with 75',
    async (point) => {
      const live = await liveSnapshot(world.origin);
      await changeSources();
      failsWith(await fullAt(originDisk, point), 75, 'origin-full');
      expect(await liveSnapshot(world.origin)).toBe(live);
      expect(await flawsOf(world.origin)).toEqual([]);
      await finishes();
    },
  );

  test('equal files, of which one waits for the other, do not keep a night that fails from ending', async () => {
    for (const name of ['a', 'b']) await world.write(`pictures/equal ${name}.jpg`, await pictureOf('equal'));
    failsWith(await fullAt(originDisk, 'item-started'), 75, 'origin-full');
    await finishes();
  });

  test('a work folder that was full before the run ends with 12, and the origin is as it was', async () => {
    await changeSources();
    stateDisk.fill();
    const ended = await world.run(['--now']);
    stateDisk.free();
    failsWith(ended, 12, 'state-unwritable');
    await world.run(['--now']);
    await finishes();
  });

  test('a read-only origin ends the night with 75', async () => {
    await changeSources();
    originDisk.readOnly(true);
    const ended = await world.run(['--now']);
    originDisk.readOnly(false);
    failsWith(ended, 75, 'origin-unreachable');
    await finishes();
  });

  test('a read-only work folder ends the night with 12', async () => {
    await changeSources();
    stateDisk.readOnly(true);
    const ended = await world.run(['--now']);
    stateDisk.readOnly(false);
    failsWith(ended, 12, 'state-unwritable');
    expect(ended.result?.live?.snapshot).toBe(await liveSnapshot(world.origin));
    await world.run(['--now']);
    await finishes();
  });
});
