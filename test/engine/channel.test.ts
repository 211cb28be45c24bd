import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { inspect } from '../../src/engine/inspect.js';
import { promote, rollBack } from '../../src/engine/move-head.js';
import { retryNight } from '../../src/engine/retry.js';
import { openState } from '../../src/state/open.js';
import { NightWorld } from '../support/night-world.js';

let world: NightWorld;

beforeEach(() => {
  world = new NightWorld();
  for (const name of ['a', 'b', 'c', 'd']) world.put(`${name}.txt`, `content of ${name}`);
});
afterEach(() => world.close());

/** Nights of one line of snapshots, each with its own state. */
async function night(channel: string | undefined, request = {}) {
  world.job = { ...world.job, channel };
  world.stateName = channel === undefined ? 'work' : `work@${channel}`;
  world.nextDay();
  return await world.run(request);
}

async function byHand() {
  world.job = { ...world.job, channel: undefined };
  return { origin: await world.openOrigin(), job: world.job, clock: () => world.now };
}

async function headNow() {
  const head = (await (await byHand()).origin.readHead())?.head;
  if (!head) throw new Error('there is no head');
  return head;
}

const command = 'nightpress promote world preview live';

describe('a night on a channel', () => {
  test('names promote as its next command only where that would change what is live', async () => {
    await night(undefined);
    const same = await night('preview');
    expect(same).toMatchObject({ outcome: 'unchanged', next: [] });
    expect((await headNow()).channels.preview).toBeUndefined();
    expect((await world.run()).next).not.toContain(command);

    world.put('a.txt', 'another a');
    expect((await night('preview')).next[0]).toBe(command);
    expect((await world.run()).next[0]).toBe(command);
    expect((await night('preview')).next[0]).toBe(command);

    await promote(await byHand(), { channel: 'preview' });
    expect((await night('preview')).next).not.toContain(command);
  });

  test('counts what differs from what is live, although it remembers nothing of the sources yet', async () => {
    await night(undefined);
    world.put('a.txt', 'another a');
    world.put('new.txt', 'a new one');
    const assets = { total: 5, added: 1, changed: 1, unchanged: 3 };
    expect(await night('preview')).toMatchObject({ outcome: 'published', assets });
    world.stateName = 'lost';
    expect(await world.run()).toMatchObject({ outcome: 'unchanged', assets: { added: 0, changed: 0, unchanged: 5 } });
  });

  test('that is held or fails does not name it', async () => {
    await night(undefined);
    world.put('a.txt', 'another a');
    await night('preview');
    for (const name of ['b', 'c', 'd']) world.remove(`${name}.txt`);
    const held = await night('preview');
    expect(held.outcome).toBe('held');
    expect(held.next).not.toContain(command);
  });

  test('works on beside a freeze of what is live, and leaves it', async () => {
    await night(undefined);
    world.put('a.txt', 'another a');
    await night(undefined);
    await rollBack(await byHand(), { to: 'previous', freeze: 'broken' });
    world.put('b.txt', 'another b');
    expect(await night('preview')).toMatchObject({ outcome: 'published', exit: 0 });
    expect(await headNow()).toMatchObject({ frozen: { reason: 'broken' }, channels: { live: { seq: 3 } } });
  });

  test('is retried there, and nothing else moves', async () => {
    await night(undefined);
    const before = await headNow();
    world.broken.add('a.txt');
    world.put('a.txt', 'another a');
    expect(await night('preview')).toMatchObject({ outcome: 'incomplete' });
    world.broken.clear();
    const state = openState(`${world.root}/${world.stateName}`);
    const retried = await retryNight(await world.night(state), {});
    state.close();
    expect(retried).toMatchObject({ outcome: 'published', items: { done: 1 } });
    expect((await headNow()).channels.live).toEqual(before.channels.live);
  });
});

test('a promotion is held for what the live line requires, and for what became so much larger, too', async () => {
  for (let n = 0; n < 10; n++) world.put(`n${n}.txt`, `content ${n}`);
  await night(undefined);
  world.broken.add('a.txt');
  world.put('a.txt', 'another a');
  for (let n = 0; n < 10; n++) world.put(`n${n}.txt`, `content ${n}`.repeat(9));
  expect(await night('preview')).toMatchObject({ outcome: 'incomplete' });
  const parts = await byHand();
  const before = await headNow();
  const gate = { ...world.job.gate, required: ['a.txt'], drift: 0.5 };
  const strict = { ...parts, job: { ...world.job, gate } };
  await expect(promote(strict, { channel: 'preview' })).rejects.toMatchObject({
    code: 'promotion-held',
    exit: 4,
    problems: [expect.stringContaining("required: 'a.txt'"), expect.stringContaining('drift: ')],
  });
  expect(await headNow()).toEqual(before);
  await promote(strict, { channel: 'preview', overridden: ['required', 'drift'], reason: 'meant' });
  expect((await headNow()).commits.at(-1)).toMatchObject({ kind: 'promote', reason: 'meant' });
});

test('a first import that goes on is told of, although a channel shows something already', async () => {
  await night('preview');
  const held = await night(undefined, { deadline: world.now });
  expect(held).toMatchObject({ exit: 5, import: { night: 1 } });
  world.onExecute = () => world.stop.abort();
  world.workers = 1;
  expect(await night(undefined)).toMatchObject({ outcome: 'interrupted' });
  const state = openState(`${world.root}/work`);
  const parts = { ...(await byHand()), job: world.job, state, holder: undefined, verified: undefined };
  expect((await inspect(parts)).importing).toMatchObject({ night: 2 });
  state.close();
});
