import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { holdJobLock } from '../../src/state/lock.js';
import { ask, say } from '../support/project.js';
import { age, aWorld, fill, type World } from '../support/world.js';

vi.setConfig({ testTimeout: 120_000 });

let world: World;
beforeEach(async () => {
  world = await aWorld({ gate: `{ tolerate: '90%', shrink: '90%' }` });
  await fill(world, { pictures: 2, texts: 2 });
  for (const name of ['bad', 'worse']) await world.write(`pictures/${name}.jpg`, `no picture: ${name}`);
  await world.write('pictures/[odd].jpg', 'no picture either');
  await age(world);
  const { code, result } = await world.run(['--now']);
  expect([code, result?.items.failed]).toEqual([3, 3]);
});
afterEach(() => world.end());

/** The result is the last of its lines. */
async function tried(...words: readonly string[]) {
  const { code, stdout } = await say(world, 'try', ...words, '--json');
  return { code, json: JSON.parse(stdout.trim().split('\n').at(-1) ?? '') };
}

const failing = async () =>
  (await ask(world, 'quarantine', 'list')).json.failing.map((one: Record<string, unknown>) => [
    one.key,
    one.quarantined,
    (one.accepted as { reason?: string } | null)?.reason ?? null,
  ]);

describe('what fails', () => {
  test('is listed by cause, with the way to see one failing', async () => {
    const { json } = await ask(world, 'quarantine', 'list');
    expect(json).toMatchObject({ type: 'quarantine', causes: [{ code: 'wrong-kind', count: 3 }] });
    const { stdout } = await say(world, 'run', '--now');
    expect(stdout).toContain('3 findings, 1 cause');
    expect(stdout).toContain('and 2 more like it');
    expect(stdout).toContain('nightpress try night');
  });

  test('is lived with when it is accepted, until its content is another', async () => {
    expect(
      (await say(world, 'quarantine', 'accept', 'pictures/[odd].jpg', 'pictures/w*', '--reason', 'old')).code,
    ).toBe(0);
    expect(await failing()).toEqual([
      ['pictures/[odd].jpg', true, 'old'],
      ['pictures/bad.jpg', true, null],
      ['pictures/worse.jpg', true, 'old'],
    ]);
    expect(await world.run(['--now'])).toMatchObject({ code: 3, result: { accepted: 2 } });
    await world.remove('pictures/bad.jpg');
    const quiet = await world.run(['--now']);
    expect(quiet).toMatchObject({ code: 0, result: { outcome: 'unchanged', accepted: 2, items: { quarantined: 2 } } });
    expect(quiet.result?.findings).toContainEqual(
      expect.objectContaining({ severity: 'notice', message: expect.stringContaining('accepted: old') }),
    );
    await world.write('pictures/worse.jpg', 'no picture, but another one');
    await age(world, 1800);
    expect(await world.run(['--now'])).toMatchObject({ code: 3, result: { accepted: 1 } });
  });

  test('is told as bad until the next night, which accept names', async () => {
    const { json } = await ask(world, 'quarantine', 'accept', '**', '--reason', 'old');
    expect(json.next).toEqual([`nightpress run night --now --project ${world.folder}`]);
    expect((await say(world, 'status', '--check')).code).toBe(13);
    expect((await world.run(['--now'])).code).toBe(0);
    expect((await say(world, 'status', '--check')).code).toBe(0);
  });

  test('is accepted for a time only, and with a reason', async () => {
    const accept = (...words: readonly string[]) => say(world, 'quarantine', 'accept', '**', ...words);
    expect((await accept()).stderr).toContain('without a reason');
    expect((await accept('--reason', 'x', '--until', '2020-01-01')).stderr).toContain('a day to come');
    expect((await say(world, 'quarantine', 'accept', 'nothing/**', '--reason', 'x')).code).toBe(2);
    expect((await accept('--reason', 'for now', '--until', '1s')).code).toBe(0);
    await new Promise((resolve) => setTimeout(resolve, 1100));
    expect((await failing()).every(([, , reason]: readonly unknown[]) => reason === null)).toBe(true);
  });

  test('is tried again after a release', async () => {
    await say(world, 'quarantine', 'accept', '**', '--reason', 'x');
    expect((await say(world, 'quarantine', 'release', 'night', 'pictures/bad.jpg')).code).toBe(0);
    expect(await failing()).toContainEqual(['pictures/bad.jpg', false, null]);
    const { result } = await world.run(['--now']);
    expect(result).toMatchObject({ items: { failed: 1, quarantined: 2 }, accepted: 2 });
  });

  test('is only listed while a run holds the job', async () => {
    const lock = await holdJobLock(world.state, { pid: process.pid, host: 'here', startedAt: 0 });
    try {
      expect((await ask(world, 'quarantine', 'list')).code).toBe(0);
      expect((await say(world, 'quarantine', 'accept', '**', '--reason', 'x')).code).toBe(11);
    } finally {
      lock.release();
    }
  });
});

describe('try', () => {
  test('shows one asset failing, and leaves state and origin as they are', async () => {
    const before = await ask(world, 'status');
    const failed = await tried('pictures/bad.jpg');
    expect(failed.code).toBe(1);
    expect(failed.json).toMatchObject({ findings: [{ key: 'pictures/bad.jpg' }], dryRun: { chosen: { assets: 1 } } });
    const made = await tried(path.join(world.source, 'pictures/p0.jpg'), '--out', path.join(world.folder, 'x'));
    expect([made.code, readdirSync(path.join(world.folder, 'x', 'live'))]).toEqual([0, ['pictures']]);
    expect((await ask(world, 'status')).json).toEqual(before.json);
  });

  test('leaves one folder, shows nothing where nothing was made, and names no option that it has not', async () => {
    const temporary = path.join(world.folder, 'tmp');
    await mkdir(temporary);
    vi.stubEnv('TMPDIR', temporary);
    try {
      const { stdout } = await say(world, 'try', 'pictures/bad.jpg');
      expect(stdout).toMatch(/^night {2}try: 1 error, 1 known before, nothing was published \(exit 1\)/);
      expect(stdout).not.toMatch(/--fail-on|look at/);
      const [kept, ...others] = readdirSync(temporary);
      expect([stdout, others]).toEqual([
        expect.stringContaining(`kept      ${path.join(temporary, kept ?? '')}, `),
        [],
      ]);
      await rm(path.join(temporary, kept ?? ''), { recursive: true });
      const { json } = await tried('pictures/p0.jpg');
      expect(readdirSync(json.dryRun.look)).toEqual(['pictures']);
      expect(readdirSync(temporary)).toEqual([path.relative(temporary, json.dryRun.kept)]);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  test('means the asset by its key, and tells nothing of others', async () => {
    await mkdir(path.join(world.folder, 'pictures'));
    await writeFile(path.join(world.folder, 'pictures', 'p0.jpg'), 'no picture, and not the asset');
    writeFileSync(Buffer.concat([Buffer.from(`${world.source}/`), Buffer.from([0xff])]), 'a name that is no UTF-8');
    const { code, json } = await tried('pictures/p0.jpg');
    expect([code, json.findings]).toEqual([0, []]);
    expect((await tried(path.join(world.folder, 'pictures/p0.jpg'), '--as', 'pictures/x.jpg')).code).toBe(1);
  });

  test('takes a file from anywhere, under a key that a recipe matches', async () => {
    const file = path.join(world.folder, 'letter.md');
    await writeFile(file, 'from elsewhere');
    expect((await say(world, 'try', file)).stderr).toContain('no recipe');
    expect((await say(world, 'try', file, '--as', '../x.txt')).stderr).toContain('expected a key');
    const { code, json } = await tried(file, '--as', 'texts/letter.txt');
    expect(code).toBe(0);
    expect(existsSync(path.join(json.dryRun.look, 'texts/letter.txt'))).toBe(true);
    expect((await say(world, 'try', 'pictures/nothing.jpg')).stderr).toContain("no asset 'pictures/nothing.jpg'");
  });
});
