import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { main } from '../../src/cli/main.js';
import { anotherJob } from '../support/project.js';
import { age, aWorld, fill, type World } from '../support/world.js';

vi.setConfig({ testTimeout: 120_000 });

let world: World;
beforeEach(async () => {
  world = await aWorld();
  await fill(world, { pictures: 0, texts: 1 });
  await age(world);
});
afterEach(() => world.end());

const instant = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`;
const opening = (words: string) => new RegExp(`^${instant} nightpress ${words}$`, 'm');

describe('in a log that many calls append to', () => {
  test('each call begins with its instant and job, and stdout stays clean', async () => {
    const worked = await world.run([], { plain: true });
    expect([worked.code, worked.stderr.split('\n')[0]]).toEqual([0, expect.stringMatching(opening('run night'))]);
    const { stdout, stderr } = await world.run(['--now', '--channel', 'preview']);
    expect(stderr).toMatch(opening('run night --channel preview'));
    for (const line of stdout.trim().split('\n')) expect(JSON.parse(line)).toBeTypeOf('object');
  });

  test('a quiet call that goes well says nothing, and one that fails says when', async () => {
    const well = await world.run(['-q'], { plain: true });
    expect(well).toMatchObject({ code: 0, stdout: '', stderr: '' });
    expect((await world.run(['-q', '--now'])).stderr).toBe(''); // with --json
    await world.remove('texts/t0.txt');
    const held = await world.run(['-q', '--now'], { plain: true });
    expect([held.code, held.stdout]).toEqual([4, expect.stringContaining('held by')]);
    expect(held.stderr).toMatch(opening('run night'));
    await writeFile(path.join(world.folder, 'jobs', 'night.ts'), 'export default {');
    const broken = await world.run(['-q'], { plain: true });
    expect([broken.code, broken.stderr.split('\n')[0]]).toEqual([2, expect.stringMatching(opening('run night'))]);
  });
});

describe('--all', () => {
  test('begins anew with each job, and a terminal is told none of it', async () => {
    await anotherJob(world, 'other');
    const written: string[] = [];
    const spies = (['stdout', 'stderr'] as const).map((name) =>
      vi.spyOn(process[name], 'write').mockImplementation((text) => written.push(String(text)) > 0),
    );
    const wasTerminal = process.stderr.isTTY;
    try {
      for (const isTTY of [false, true]) {
        process.stderr.isTTY = isTTY;
        await writeFile(path.join(world.folder, 'jobs', 'night.ts'), 'export default {};');
        await writeFile(path.join(world.folder, 'jobs', 'other.ts'), 'export default {};');
        written.length = 0;
        expect(await main(['run', '--all', '--project', world.folder], { CI: '1' })).toBe(2);
        const openings = written.filter((line) => opening('run (night|other)').test(line.trim()));
        expect(openings).toHaveLength(isTTY ? 0 : 2);
      }
    } finally {
      process.stderr.isTTY = wasTerminal;
      for (const spy of spies) spy.mockRestore();
    }
  });
});
