import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { buildProgram } from '../../src/cli/main.js';
import type { DryRunRecord } from '../../src/cli/render/dry-run.js';
import { holdJobLock } from '../../src/state/lock.js';
import { aWorld, bin, type Ended, fill, type StartOptions, type World } from '../support/world.js';

let world: World;
let temporary: string;

beforeEach(async () => {
  world = await aWorld();
  temporary = path.join(world.folder, 'tmp');
  mkdirSync(temporary);
  await fill(world, { pictures: 3, texts: 3 });
});

afterEach(() => world.end());

async function dryRun(
  args: readonly string[],
  options: StartOptions = {},
): Promise<Ended & { readonly record: DryRunRecord }> {
  const ended = await world.run(['--dry-run', ...args], { ...options, env: { TMPDIR: temporary, ...options.env } });
  return { ...ended, record: ended.result as DryRunRecord };
}

function filesBelow(folder: string): readonly string[] {
  const found = readdirSync(folder, { recursive: true, withFileTypes: true });
  return found
    .flatMap((entry) =>
      entry.isFile() ? [path.relative(folder, path.join(entry.parentPath ?? entry.path, entry.name))] : [],
    )
    .sort();
}

/** The world's folders that only a real run may make. */
function traces(): readonly string[] {
  return [world.origin, path.dirname(world.state), ...readdirSync(temporary)].filter(
    (name) => existsSync(name) || !path.isAbsolute(name),
  );
}

describe('a dry run over chosen assets', () => {
  test('does not say that it publishes', async () => {
    const { code, stderr, lines } = await dryRun(['--sample', '1']);
    expect([code, stderr]).toEqual([0, expect.stringContaining('validating')]);
    expect(stderr).not.toContain('publishing');
    expect(lines.filter(({ phase }) => phase === 'publishing')).toEqual([]);
  });

  test('really makes a sample of them and leaves nothing but --out', async () => {
    const out = path.join(world.folder, 'preview');
    const { code, record, lines } = await dryRun(['--sample', '4', '--out', out]);
    expect(code).toBe(0);
    expect(filesBelow(path.join(out, 'live/'))).toHaveLength(4);
    expect(traces()).toEqual([]);
    expect(record).toMatchObject({
      ...{ type: 'result', exit: 0, live: null, log: null, items: { total: 4, done: 4 } },
      dryRun: {
        chosen: { assets: 4, of: 6 },
        failOn: 'new',
        errors: { total: 0, new: 0 },
        look: path.join(out, 'live'),
        kept: null,
      },
    });
    const [pictures, rest] = record.dryRun.recipes;
    expect(pictures).toMatchObject({ recipe: 'pictures', items: 2, formats: [{ ext: 'jpg', derivatives: 2 }] });
    expect(rest).toMatchObject({
      recipe: 'rest',
      items: 2,
      bytesIn: 14,
      bytesOut: 14,
      formats: [{ ext: 'txt', bytes: 14 }],
    });
    expect(record.dryRun.slowest).toHaveLength(4);
    expect(lines.some(({ type }) => type === 'head-moved')).toBe(false);

    const again = await dryRun(['--only', 'texts/t0.txt', '--out', out]);
    expect(again.code).toBe(0);
    expect(filesBelow(path.join(out, 'live/'))).toEqual(['texts/t0.txt']);
  });

  test('takes those of a pull request, and says what it ignores', async () => {
    const list = ['media/texts/t0.txt', 'pictures/p0.jpg', 'media/deleted.txt', '../README.md', ''].join('\n');
    const child = spawn(process.execPath, [bin, 'run', '--dry-run', '--files-from', '-', '-j', '2'], {
      ...{
        cwd: world.folder,
        env: { PATH: process.env.PATH ?? '', TMPDIR: temporary },
        stdio: ['pipe', 'pipe', 'pipe'],
      },
    });
    child.stdin.end(list);
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect(code).toBe(0);
    expect(text).toContain('2 of 6 assets; 1 listed but not there; 1 path outside the source ignored');
    expect(text).toContain('no errors, nothing was published');
    expect(traces()).toEqual([]);
  });

  test('has nothing to do when nothing is chosen', async () => {
    const list = path.join(world.folder, 'list');
    await writeFile(list, '../README.md\n');
    const { code, record } = await dryRun(['--files-from', list]);
    expect(code).toBe(0);
    expect(record).toMatchObject({ run: null, dryRun: { chosen: { assets: 0, of: 6, outside: 1 } } });
  });

  test('works while a run holds the job', async () => {
    const lock = await holdJobLock(world.state, { pid: process.pid, host: 'here', startedAt: 0 });
    const { code } = await dryRun(['--only', 'texts/*']);
    lock.release();
    expect(code).toBe(0);
  });

  test('ends on a signal, and takes its temporary folder with it', async () => {
    const running = world.start(['--dry-run', '--only', '**/*'], {
      env: { TMPDIR: temporary, NIGHTPRESS_STOP: 'item-started' },
    });
    await running.stoppedAt('item-started');
    running.signal('SIGTERM');
    running.signal('SIGCONT');
    const ended = await running.ended;
    expect(ended).toMatchObject({ code: 143, result: { outcome: 'interrupted', live: null } });
    expect(traces()).toEqual([]);
  });
});

describe('what makes a dry run fail', () => {
  beforeEach(() => world.write('pictures/bad.jpg', 'no picture'));

  test('an error that is news; its log and what was made stay to be looked at', async () => {
    const { code, record } = await dryRun(['--only', 'pictures/*']);
    expect(code).toBe(1);
    expect(record).toMatchObject({ exit: 1, outcome: 'incomplete', dryRun: { errors: { total: 1, new: 1 } } });
    const { kept, look } = record.dryRun;
    expect(readdirSync(temporary)).toEqual([path.basename(kept ?? '')]);
    expect(filesBelow(path.join(look ?? '', '/'))).toHaveLength(3);
    expect(readFileSync(record.log ?? '', 'utf8')).toContain('pictures/bad.jpg');
  });

  test('what the last night knew fails only --fail-on any; the gate has its own measure', async () => {
    expect(await world.run()).toMatchObject({ code: 3 });
    const known = await dryRun(['--only', 'pictures/*']);
    expect(known.record).toMatchObject({ exit: 0, dryRun: { errors: { total: 1, new: 0 } } });
    expect((await dryRun(['--only', 'pictures/*', '--fail-on', 'any'])).code).toBe(1);
    expect((await dryRun(['--only', 'pictures/*', '--fail-on', 'gate'])).code).toBe(0);
    await world.write('pictures/worse.jpg', 'no picture either');
    const { code, record } = await dryRun(['--only', 'pictures/*', '--fail-on', 'gate']);
    expect(code).toBe(1);
    expect(record.dryRun.holds).toMatchObject([{ rule: 'tolerate' }]);
    expect(existsSync(path.join(world.origin, 'heads/2'))).toBe(false);
  });

  test('shows at the file in GitHub, and on the page of the workflow run', async () => {
    const summary = path.join(world.folder, 'summary.md');
    const env = { GITHUB_ACTIONS: 'true', GITHUB_WORKSPACE: world.folder, GITHUB_STEP_SUMMARY: summary };
    const { stdout } = await dryRun(['--only', 'pictures/bad.jpg'], { plain: true, env });
    expect(stdout).toMatch(/^::error file=media\/pictures\/bad\.jpg,title=wrong-kind::pictures\/bad\.jpg: /m);
    expect(readFileSync(summary, 'utf8')).toContain('dry run of night: failed');
    const night = await world.run([], { plain: true, env });
    expect(night.code).toBe(3);
    expect(night.stdout).toMatch(/^::error file=media\/pictures\/bad\.jpg,/m);
    expect(readFileSync(summary, 'utf8')).toContain('### nightpress: night: incomplete');
  });
});

test('a path that an asset outside the choice has already is found', async () => {
  await world.end();
  world = await aWorld({ recipes: `{ rest: copy({ match: '**/*.txt', path: '{name}.{ext}' }) }` });
  temporary = path.join(world.folder, 'tmp');
  mkdirSync(temporary);
  await world.write('one/same.txt', 'first');
  await world.write('two/same.txt', 'second');
  const { code, record } = await dryRun(['--only', 'one/*']);
  expect(code).toBe(1);
  expect(record.findings).toMatchObject([{ code: 'path-collision', key: 'one/same.txt' }]);
});

describe('without a choice', () => {
  test('it is the plan, and may fail for what the gate would say', async () => {
    const plan = await world.run([], { verb: 'plan' });
    const dry = await dryRun([]);
    expect(dry.lines).toEqual([{ ...plan.lines[0], type: 'plan' }]);
    for (const name of ['texts', 'pictures']) await rm(path.join(world.source, name), { recursive: true });
    expect((await dryRun([])).code).toBe(0);
    const { code, lines } = await dryRun(['--fail-on', 'gate']);
    expect(code).toBe(1);
    expect(lines).toMatchObject([{ gate: { holds: [{ rule: 'empty' }] } }]);
    expect(traces()).toEqual([]);
  });
});

describe('options that mean nothing are refused before any work', () => {
  test.each([
    [['--sample', '3'], '--sample: expected together with --dry-run'],
    [['--fail-on', 'any'], '--fail-on: expected together with --dry-run'],
    [['--dry-run', '--out', 'x'], '--out without a choice'],
    [['--dry-run', '--sample', '0'], 'expected a whole number'],
    [['--dry-run', '--only', '['], 'expected globs'],
    [['--dry-run', '--fail-on', 'all'], 'expected one of new, any, gate'],
    [['--dry-run', '--sample', '1', '--rerun'], '--rerun and --sample'],
    [['--dry-run', '--files-from', 'nowhere'], 'nowhere cannot be read'],
    [['--dry-run', '--all', 'night'], '--all and a job name'],
  ])('%s', async (args, message) => {
    const program = buildProgram({ env: {}, clock: Date.now, exit: 0 });
    const call = program.parseAsync(['run', '--project', world.folder, ...args], { from: 'user' });
    await expect(call).rejects.toMatchObject({ exit: 2, message: expect.stringContaining(message) });
  });

  test("an --out that is or holds somebody else's", async () => {
    for (const [out, message] of [
      ['media/x', "apart from the job's source"],
      ['public', "apart from the job's origin"],
      ['jobs', 'holds "night.ts"'],
    ] as const) {
      const { code, stderr } = await world.run(['--dry-run', '--sample', '1', '--out', out], { plain: true });
      expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(message) });
    }
    expect(readdirSync(path.join(world.folder, 'jobs'))).toEqual(['night.ts']);
  });
});
