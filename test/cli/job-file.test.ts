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

test('a glob that could take for ever is refused with the job file, and on the command line', async () => {
  const file = path.join(world.folder, 'jobs', 'night.ts');
  await writeFile(file, (await readFile(file, 'utf8')).replace("'**/*.txt'", "'+(+(+(t)))'"));
  const refused = await world.run(['--now']);
  expect([refused.code, refused.result?.fault?.message]).toEqual([
    2,
    expect.stringContaining(`recipes.rest.match: ["+(+(+(t)))"] — expected globs ('+(+(+(t)))' has repeats in repeats`),
  ]);
  await writeFile(file, (await readFile(file, 'utf8')).replace("'+(+(+(t)))'", "'**/*.txt'"));
  const dry = await world.run(['--dry-run', '--only', '+(+(+(t)))']);
  expect([dry.code, dry.stderr + dry.stdout]).toEqual([2, expect.stringContaining('has repeats in repeats')]);
});

test('a glob that the engine of the language would take years for costs a night nothing', async () => {
  const file = path.join(world.folder, 'jobs', 'night.ts');
  const slow = '*(a|a*)*(a|a*)*(a|a*)b.txt';
  await writeFile(
    file,
    (await readFile(file, 'utf8'))
      .replace("'**/*.txt'", `['**/*.txt', '!**/${slow}']`)
      .replace('gate: {', `priority: { '${slow}': 3 }, gate: { required: '${slow}',`),
  );
  await world.write(`${'a'.repeat(200)}c.txt`, 'a long name');
  await world.write(`${'a'.repeat(200)}b.txt`, 'taken away');
  const night = await world.run(['--now']);
  expect([night.code, night.result?.assets]).toMatchObject([0, { total: 3, unmatched: 1 }]);
});

test('the last line of run --json has every field of the record, and its counts add up', async () => {
  const { result, lines } = await world.run(['--now']);
  expect([lines[0]?.type, lines.at(-1)?.type]).toEqual(['version', 'result']);
  expect(result).toEqual({
    ...{ type: 'result', job: 'night', outcome: 'published', exit: 0, findings: [], next: ['nightpress status night'] },
    window: { label: expect.any(String), opens: expect.any(String), closes: expect.any(String) },
    run: expect.stringMatching(/^\d{8}T\d{6}Z-[0-9a-f]{4}$/),
    snapshot: expect.stringMatching(/^[0-9a-f]{64}$/),
    live: { snapshot: result?.snapshot, seq: 1, at: expect.any(String) },
    assets: { total: 1, added: 1, changed: 0, unchanged: 0, removed: 0, unmatched: 0 },
    items: { total: 1, done: 1, reused: 0, carried: 0, failed: 0, quarantined: 0, withheld: 0, unchanged: 0 },
    derivatives: { made: 1, reused: 0, bytes: 7 },
    partitions: { total: 1, done: 1, failed: 0 },
    freshness: { p50Ms: expect.any(Number), p95Ms: expect.any(Number), oldestMs: expect.any(Number) },
    log: path.join(world.state, 'runs', `${result?.run}.jsonl`),
    durationMs: expect.any(Number),
  });
});
