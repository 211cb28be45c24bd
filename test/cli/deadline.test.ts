import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { count } from '../../src/cli/render/units.js';
import { ask, say } from '../support/project.js';
import { liveSnapshot } from '../support/published.js';
import { aWorld, executions, fill, type World } from '../support/world.js';

vi.setConfig({ testTimeout: 120_000 });

let world: World;
beforeEach(async () => {
  world = await aWorld();
});
afterEach(() => world.end());

test('a first import that the deadline cuts is held, told, and finished by the command it names', async () => {
  await fill(world, { pictures: 1, texts: 1000 });
  const cut = await world.run(['--deadline', '1s']);
  expect(cut.code).toBe(5);
  expect(cut.result).toMatchObject({ outcome: 'held', live: null, import: { night: 1 }, shed: expect.any(Number) });
  expect(await liveSnapshot(world.origin)).toBeUndefined();
  expect((await world.run()).result).toMatchObject({ run: null, exit: 0 });
  const { json } = await ask(world, 'status');
  const next = `nightpress run night --rerun --deadline none`;
  expect(json).toMatchObject({
    verdict: 'held',
    import: { night: 1 },
    next: [`${next} --project ${world.folder}`],
  });
  const { stdout } = await say(world, 'status', '-v');
  expect(stdout).toContain('first import, night 1');
  expect(stdout).toContain(`deadline  ${count(cut.result?.shed ?? 0, 'item')} of these left for the next night`);
  expect(stdout.match(/partition .*failed/g)).toBeNull();
  const partitions: { ended: number; items: number }[] = json.progress.partitions;
  expect(partitions.reduce((sum, { items, ended }) => sum + items - ended, 0)).toBe(cut.result?.shed);
  const since = Date.now();
  const whole = await world.run(['--rerun', '--deadline', 'none']);
  expect([whole.code, whole.result?.items.failed]).toEqual([0, 0]);
  const again = await executions(world, since);
  expect(again.size).toBe(cut.result?.shed);
});

test('what a deadline left is told as left, not as failed', async () => {
  await fill(world, { pictures: 1, texts: 1000 });
  const cut = await world.run(['--deadline', '1s'], { plain: true });
  expect([cut.code, cut.stdout]).toEqual([5, expect.stringMatching(/^ {2}items .* \d+ left$/m)]);
  const { stdout } = await say(world, 'status');
  for (const told of [cut.stdout, stdout]) expect(told).not.toMatch(/\d failed/);
});

test('a deadline that means nothing is refused before any work', async () => {
  for (const when of ['soon', '25:00', '2020-01-01T00:00:00Z']) {
    const { code, stderr } = await world.run(['--deadline', when], { plain: true });
    expect([code, stderr]).toEqual([2, expect.stringContaining('a time to come')]);
  }
});
