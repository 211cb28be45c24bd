import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { aWorld, type Ended, fill, type World } from '../support/world.js';

let world: World;
beforeEach(async () => {
  world = await aWorld();
  await fill(world, { pictures: 0, texts: 1 });
});
afterEach(() => world.end());

/** A job file is code, and this is run before the job is exported. */
async function runAfter(code: string): Promise<Ended> {
  const file = path.join(world.folder, 'jobs', 'night.ts');
  await writeFile(file, `${code};\n${await readFile(file, 'utf8')}`);
  return await world.run(['--now']);
}

test.each(['process.exit(0)', 'await new Promise(() => {})'])('%s in a job file is no success', async (code) => {
  const ended = await runAfter(code);
  expect([ended.code, ended.stdout]).toEqual([2, expect.not.stringContaining('"result"')]);
  expect(ended.stderr).toContain('does the job file call process.exit, or wait for ever?');
});

test('a timer that a job file leaves behind keeps no command alive', async () => {
  const ended = await runAfter('setInterval(() => undefined, 1000)');
  expect([ended.code, ended.result?.outcome]).toEqual([0, 'published']);
});
