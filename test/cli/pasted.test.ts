import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { fromElsewhere } from '../../src/cli/options.js';
import { assetCommand } from '../../src/domain/shell.js';
import { anotherJob, say } from '../support/project.js';
import { liveSnapshot } from '../support/published.js';
import { age, aWorld, bin, fill, type World } from '../support/world.js';

vi.setConfig({ testTimeout: 120_000 });

/** Every command that is shown is meant to be pasted into a shell. */
let world: World;
beforeEach(async () => {
  world = await aWorld({ gate: `{ tolerate: '90%', shrink: '10%' }` });
  await fill(world, { pictures: 1, texts: 10 });
});
afterEach(() => world.end());

/** A folder with a `nightpress` that does what `script` says. */
function shim(script: string): string {
  const folder = path.join(world.folder, 'bin');
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'nightpress'), `#!/bin/sh\n${script}\n`);
  chmodSync(path.join(folder, 'nightpress'), 0o755);
  return folder;
}

/** From a folder that has nothing to do with the project. */
function paste(command: string, folder = shim(`exec '${process.execPath}' '${bin}' "$@"`)) {
  const env = { PATH: `${folder}:${process.env.PATH}`, HOME: '/' };
  return spawnSync('bash', ['--norc', '-c', command], { cwd: '/', env, encoding: 'utf8' });
}

const names = [
  'plain.jpg',
  'with space.jpg',
  "it's.jpg",
  'double".jpg',
  '-dash.jpg',
  '--all',
  '-- x.jpg',
  'a -- b.jpg',
  '$(touch pwned).jpg',
  '`id`.jpg',
  'back\\slash.jpg',
  "back\\slash and it's\nnew.jpg",
  'new\nline.jpg',
  'tab\t1.jpg',
  'esc\u001b[31m.jpg',
  '\u0085next.jpg',
  'right\u202eto left.jpg',
  'ünïcödé 日本 🎬.jpg',
  '*?[a].jpg',
  '!bang #hash ~tilde.jpg',
  `${'x'.repeat(251)}.jpg`,
];

test.each(names)('a command about %j means the same after pasting, in one line that steers no terminal', (name) => {
  const folder = shim('printf "%s\\0" "$@"');
  const project = "/srv/it's here";
  for (const command of fromElsewhere({ project, state: '-s' }, [assetCommand('try', 'night', name)])) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
    expect(command).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/);
    const words = execFileSync('bash', ['--norc', '-c', command], { env: { PATH: `${folder}:${process.env.PATH}` } });
    const [verb, job, ...rest] = words.toString().split('\0').slice(0, -1);
    const dashes = name.startsWith('-') ? ['--'] : [];
    const options = ['--project', project, '--state', path.resolve('-s')];
    expect([verb, job]).toEqual(['try', 'night']);
    expect(rest).toEqual(dashes.length > 0 ? [...options, ...dashes, name] : [name, ...options]);
  }
});

describe('of a night that ended badly', () => {
  test('each cause comes with the command that shows it, wherever it is pasted', async () => {
    await world.write('-dash.jpg', 'no picture');
    await world.write('odd\nline.txt.jpg', Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 1]));
    await age(world);
    const { code, stdout } = await say(world, 'run', 'night', '--json');
    const { causes } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
    expect([code, causes.length]).toEqual([3, 2]);
    for (const { command, code: what, sample } of causes) {
      const { status, stdout: shown } = paste(`${command.replace(' try night', ' try night --json')}`);
      expect(status).toBe(1);
      const { findings } = JSON.parse(shown.trim().split('\n').at(-1) ?? '');
      expect(findings).toMatchObject([{ code: what, key: sample.key }]);
    }
    const { stdout: shown } = await say(world, 'run', '--now');
    for (const { command } of causes) expect(shown).toContain(command);
    expect((await say(world, 'status')).stdout).toContain('one of 2 findings, 2 causes');
    expect((await say(world, 'quarantine', 'list')).stdout).toContain(`--project ${world.folder}`);
  });

  test('one command publishes what several rules hold, and none lets the next night through', async () => {
    await age(world);
    expect((await world.run(['--now'])).code).toBe(0);
    for (const n of [0, 1, 2]) await world.remove(`texts/t${n}.txt`);
    writeFileSync(
      path.join(world.folder, 'jobs', 'night.ts'),
      jobWith(world, `{ tolerate: '90%', shrink: '10%', required: ['**/must.jpg'] }`),
    );
    await world.write('must.jpg', 'no picture');
    await age(world);
    const before = await liveSnapshot(world.origin);
    const { code, stdout } = await say(world, 'run', 'night', '--now', '--json');
    const { held, next } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
    expect(code).toBe(4);
    expect(held.map(({ rule }: { rule: string }) => rule)).toEqual(['shrink', 'required']);
    expect(held[0].message).toContain('2 fewer than the 11');
    const publish = next.find((command: string) => command.startsWith('nightpress publish '));
    expect(new Set(held.map(({ command }: { command: string }) => command))).toEqual(new Set([publish]));
    expect(await liveSnapshot(world.origin)).toBe(before);
    expect(paste(publish).status).toBe(0);
    expect(await liveSnapshot(world.origin)).not.toBe(before);
    for (const n of [3, 4, 5]) await world.remove(`texts/t${n}.txt`);
    expect((await say(world, 'run', 'night', '--now')).code).toBe(4);
  });

  test('what plan foretells is lifted by the command beside it, for that window', async () => {
    await age(world);
    expect((await world.run()).code).toBe(0);
    for (const n of [0, 1, 2]) await world.remove(`texts/t${n}.txt`);
    const plan = async () => JSON.parse((await say(world, 'plan', '--json')).stdout).gate;
    const { holds, window } = await plan();
    expect(holds).toMatchObject([{ rule: 'shrink' }]);
    expect(paste(holds[0].command).stdout).toContain(`shrink may pass in window ${window}`);
    expect(await plan()).toMatchObject({ window, holds: [], approved: [{ rule: 'shrink', reason: 'TEXT' }] });
    expect((await say(world, 'plan')).stdout).toContain(`shrink may pass, approved for ${window} (TEXT)`);
  });
});

function jobWith({ source, origin }: World, gate: string): string {
  return `import { copy, defineJob, image } from 'nightpress';
export default defineJob({
  source: { type: 'directory', path: ${JSON.stringify(source)} },
  window: { cron: '0 2 * * *', timezone: 'UTC', length: '4h' },
  recipes: {
    pictures: image({ match: '**/*.jpg', widths: [16], formats: ['jpeg'] }),
    rest: copy({ match: '**/*.txt' }),
  },
  gate: ${gate},
  origin: { type: 'directory', path: ${JSON.stringify(origin)} },
});
`;
}

test('what was typed wrong names the help of the very verb, and no verb that takes no --all', async () => {
  const wrong = [
    ['promote', 'preview', 'nobody'],
    ['diff'],
    ['pin'],
    ['schedule', 'kubernetes'],
    ['export', 'edge', 'apache'],
    ['run', '--all', 'night'],
    ['run', 'nobody', '--channel', 'preview'],
  ];
  const help = async (words: readonly string[]) => {
    const { code, stderr } = await say(world, ...words);
    return [code, / {2}next: (.*)/.exec(stderr)?.[1]];
  };
  for (const words of wrong) {
    const verb = words[0] === 'export' ? 'export edge' : words[0];
    expect(await help(words)).toEqual([2, `nightpress ${verb} --help`]);
    expect((await say(world, ...`${verb} --help`.split(' '))).code).toBe(0);
  }
  await anotherJob(world, 'other');
  expect(await help(['plan'])).toEqual([2, 'nightpress plan --help']);
  expect((await say(world, 'plan')).stderr).toMatch(
    /^nightpress: which job\?.*\(run, status and stop also take --all\)$/m,
  );
});
