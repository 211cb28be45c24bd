import { afterEach, expect, test, vi } from 'vitest';
import { anotherJob, aPublishedWorld, ask, liveTexts, publishNow, say } from '../support/project.js';
import { flawsOf, liveSnapshot, readHead } from '../support/published.js';
import { age, aWorld, type World } from '../support/world.js';

vi.setConfig({ testTimeout: 120_000 });

let world: World;
afterEach(() => world.end());

const secondNight = async (it: World) => {
  await it.write('texts/t0.txt', 'text 0, again and longer\n');
  await it.write('texts/new.txt', 'new\n');
};
const thirdNight = (it: World) => it.remove('texts/t1.txt');

test('snapshots lists what is kept, newest first, and diff says what changed between any two', async () => {
  world = await aPublishedWorld([secondNight, thirdNight]);
  const { json, code } = await ask(world, 'snapshots');
  expect(code).toBe(0);
  const rows = json.snapshots as readonly Record<string, unknown>[];
  expect(rows.map(({ seq, live, previous, assets }) => [seq, live, previous, assets])).toEqual([
    [3, true, false, 4],
    [2, false, true, 5],
    [1, false, false, 4],
  ]);
  expect(rows[0]?.snapshot).toBe(await liveSnapshot(world.origin));

  const { json: diff } = await ask(world, 'diff', '1', 'live');
  expect(diff.assets.map(({ key, kind }: { key: string; kind: string }) => [key, kind])).toEqual([
    ['texts/new.txt', 'added'],
    ['texts/t0.txt', 'changed'],
    ['texts/t1.txt', 'removed'],
  ]);
  expect(diff.totals).toEqual({
    assets: { added: 1, removed: 1, changed: 1 },
    paths: { added: 1, removed: 1, changed: 1 },
    bytes: { before: 14, after: 29 },
  });
  const changed = diff.assets[1].paths[0];
  expect([changed.path, changed.before.bytes, changed.after.bytes]).toEqual(['texts/t0.txt', 7, 25]);

  const plain = await say(world, 'diff', 'previous', 'live');
  expect(plain.stdout).toContain('- texts/t1.txt');
  expect(plain.stdout).toContain('0 added, 1 removed, 0 changed');
  expect((await say(world, 'snapshots')).stdout).toMatch(/seq 3 +live .*\n.*seq 2 +previous/);
});

test('a rollback needs --yes off a terminal, shows the older snapshot whole, and makes runs stage until unfreeze', async () => {
  world = await aPublishedWorld([secondNight]);
  const [second, texts] = [await liveSnapshot(world.origin), await liveTexts(world)];
  const refused = await say(world, 'rollback', 'night');
  expect(refused.code).toBe(2);
  expect(refused.stdout).toContain('0 added, 1 removed, 1 changed');
  expect(refused.stderr).toMatch(/next: nightpress rollback night [0-9a-f]{12} --yes/);
  expect(await liveSnapshot(world.origin)).toBe(second);

  const back = await ask(world, 'rollback', '--yes', '--reason', 'wrong colours');
  expect(back.code).toBe(0);
  expect(back.json).toMatchObject({ type: 'rollback', from: second, frozen: { reason: 'wrong colours' } });
  expect(await liveTexts(world)).toEqual({
    'texts/t0.txt': 'text 0\n',
    'texts/t1.txt': 'text 1\n',
    'texts/t2.txt': 'text 2\n',
  });
  expect(await flawsOf(world.origin)).toEqual([]);
  expect((await readHead(world.origin))?.commits.at(-1)).toMatchObject({ kind: 'rollback', reason: 'wrong colours' });

  await age(world);
  const held = await world.run(['--now']);
  expect([held.code, held.result?.outcome, held.result?.held?.[0]?.rule]).toEqual([4, 'held', 'frozen']);
  expect(held.result?.next).toEqual(['nightpress unfreeze night']);
  expect(await liveSnapshot(world.origin)).toBe(back.json.to);
  expect((await say(world, 'publish')).stderr).toContain('frozen: wrong colours');

  const thawed = await ask(world, 'unfreeze');
  expect(thawed.code).toBe(0);
  expect(thawed.json).toMatchObject({ published: true, frozen: null, staged: null, live: { snapshot: second } });
  expect(await liveTexts(world)).toEqual(texts);
  expect(await flawsOf(world.origin)).toEqual([]);
});

test('a rollback said twice goes back twice, and never to what was rolled back from', async () => {
  world = await aPublishedWorld([secondNight, thirdNight]);
  const first = (await readHead(world.origin))?.retained[0]?.snapshot;
  const once = await say(world, 'rollback', '--yes');
  expect(once.stdout).toContain('unfreeze publishes what only the freeze holds by then');
  expect(once.stdout).toContain('next      nightpress snapshots night\n');
  expect((await say(world, 'snapshots')).stdout).toMatch(/seq 4 +live .*\n.*seq 3 +retained .*\n.*seq 1 +previous/);
  expect((await ask(world, 'rollback', '--yes')).json.to).toBe(first);
  const thrice = await say(world, 'rollback', '--yes');
  expect([thrice.code, thrice.stderr]).toEqual([2, expect.stringContaining('nothing to go back to')]);
  expect((await say(world, 'rollback', '3', '--yes')).code).toBe(0);
});

test('a rollback without a freeze is published over by the next night', async () => {
  world = await aPublishedWorld([secondNight]);
  const second = await liveSnapshot(world.origin);
  expect((await ask(world, 'rollback', '1', '--no-freeze', '--yes')).json.frozen).toBeNull();
  expect((await publishNow(world)).result?.outcome).toBe('published');
  expect(await liveSnapshot(world.origin)).toBe(second);
  const itself = await say(world, 'rollback', 'live', '--yes');
  expect([itself.code, itself.stderr]).toEqual([2, expect.stringContaining('is live already')]);
});

test('what the gate holds is published by naming the rule and a reason, and not otherwise', async () => {
  world = await aPublishedWorld();
  const first = await liveSnapshot(world.origin);
  for (const key of ['texts/t0.txt', 'texts/t1.txt', 'texts/t2.txt']) await world.remove(key);
  const held = await world.run(['--now']);
  expect([held.code, held.result?.held?.[0]?.rule]).toEqual([4, 'shrink']);
  expect(held.result?.next).toEqual([
    'is the source mounted and whole? then: nightpress run night',
    'nightpress diff night live staged',
    'nightpress publish night --override shrink --reason TEXT',
  ]);
  expect((await say(world, 'diff', 'night', 'live', 'staged')).code).toBe(0);
  expect(await liveSnapshot(world.origin)).toBe(first);

  expect((await say(world, 'publish', 'night')).stderr).toContain(
    'next: nightpress publish night --override shrink --reason TEXT',
  );
  expect((await say(world, 'publish', '--override', 'shrink')).stderr).toContain('expected --reason TEXT');
  const others = ['--override', 'shrink', '--override', 'tolerate', '--reason', 'x'];
  expect((await say(world, 'publish', 'night', ...others)).code).toBe(2);
  expect(await liveSnapshot(world.origin)).toBe(first);

  const done = await ask(world, 'publish', '--override', 'shrink', '--reason', 'texts are gone for good');
  expect(done.code).toBe(0);
  expect(done.json.live.snapshot).toBe(held.result?.snapshot);
  expect(await liveSnapshot(world.origin)).toBe(held.result?.snapshot);
  expect(await flawsOf(world.origin)).toEqual([]);
  expect((await say(world, 'snapshots', '-v')).stdout).toContain('publish: texts are gone for good');
  expect((await publishNow(world)).result?.outcome).toBe('unchanged');
});

test('a pin names a snapshot everywhere, and only names that cannot be mistaken are taken', async () => {
  world = await aPublishedWorld([secondNight]);
  const first = (await readHead(world.origin))?.retained[0]?.snapshot;
  expect((await ask(world, 'pin', 'previous', 'winter')).json).toMatchObject({ type: 'pin', snapshot: first });
  expect((await ask(world, 'snapshots')).json.snapshots[1].pins).toEqual(['winter']);
  expect((await ask(world, 'diff', 'winter', 'live')).json.before).toBe(first);
  expect((await say(world, 'pin', 'live', 'winter')).stderr).toContain('already names snapshot');
  expect((await say(world, 'pin', 'live', 'staged')).stderr).toContain("expected a name of its own, not 'staged'");
  expect((await ask(world, 'pin', '--remove', 'winter')).json.pins).toEqual([]);
});

test('the real bin prints one JSON document and ends with the code of the command', async () => {
  world = await aWorld();
  const listed = await world.run([], { verb: 'snapshots' });
  expect([listed.code, JSON.parse(listed.stdout)]).toMatchObject([0, { type: 'snapshots', snapshots: [] }]);
  const verified = await world.run([], { verb: 'verify' });
  expect([verified.code, JSON.parse(verified.stdout)]).toMatchObject([2, { type: 'fault', code: 'snapshot-unknown' }]);
});

test('the job may be left out where there is one, is the first word where there are two, and a missing word is named', async () => {
  world = await aPublishedWorld([thirdNight]);
  expect((await say(world, 'diff', 'night', 'previous', 'live')).code).toBe(0);
  const short = await say(world, 'diff', 'previous');
  expect([short.code, short.stderr]).toEqual([2, expect.stringContaining('expected [job] A B')]);
  expect((await say(world, 'diff', 'nobody', 'previous', 'live')).stderr).toContain("no job is named 'nobody'");
  expect((await say(world, 'diff', 'previous', 'abcdef')).stderr).toContain('names no snapshot');

  await anotherJob(world, 'day');
  const which = await say(world, 'diff', 'previous', 'live');
  expect([which.code, which.stderr]).toEqual([2, expect.stringContaining('day, night')]);
  expect((await say(world, 'diff', 'night', 'previous', 'live')).code).toBe(0);
  const unpublished = await say(world, 'verify', 'day');
  expect([unpublished.code, unpublished.stderr]).toEqual([2, expect.stringContaining('next: nightpress run day')]);
  expect((await say(world, 'snapshots', 'day')).stdout).toContain('nothing published yet');
});
