import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildProgram } from '../../src/cli/main.js';

const readme = readFileSync('README.md', 'utf8');
const bin = path.resolve('bin/nightpress.js');

/** What the README tells people to type: code in the line, and lines of code blocks, also behind a pipe. */
const inline = [...readme.matchAll(/`(nightpress [^`\n]+)`/g)].map((match) => match[1] ?? '');
const blocks = [...readme.matchAll(/```\w*\n([\s\S]*?)```/g)].flatMap((match) => (match[1] ?? '').split('\n'));
const quoted = [...inline, ...blocks.flatMap((line) => /(?:^|\| )(nightpress .*)$/.exec(line)?.[1] ?? [])];
const commands = [...new Set(quoted)].filter((line) => /^nightpress [a-z]/.test(line) && !/[A-Z]{4,}|; /.test(line));

let project: string;

beforeAll(async () => {
  project = mkdtempSync(path.join(tmpdir(), 'nightpress-readme-'));
  const [, job = ''] = /```ts\n([\s\S]*?)```/.exec(readme) ?? [];
  mkdirSync(path.join(project, 'jobs'));
  writeFileSync(path.join(project, 'jobs', 'catalog.ts'), job);
  await picture('products/label.webp', '#336699');
  await picture('products/hat.jpg', '#993366');
  writeFileSync(path.join(project, 'fixtures/catalog/sizes.json'), '{}\n');
  expect(nightpress('run catalog').status).toBe(0);
  await picture('products/hat.jpg', '#669933');
  expect(nightpress('run catalog --now').status).toBe(0);
});

afterAll(() => rmSync(project, { recursive: true, force: true }));

async function picture(key: string, background: string): Promise<void> {
  const file = path.join(project, 'fixtures/catalog', key);
  mkdirSync(path.dirname(file), { recursive: true });
  await sharp({ create: { width: 32, height: 24, channels: 3, background } }).toFile(file);
}

function nightpress(line: string, input = '') {
  return spawnSync(
    'bash',
    [
      '-c',
      `nightpress() { "${process.execPath}" "${bin}" "$@"; }; ${line.startsWith('nightpress') ? line : `nightpress ${line}`}`,
    ],
    {
      cwd: project,
      input,
      encoding: 'utf8',
      env: { ...process.env, CI: 'true' },
    },
  );
}

test('the README quotes commands at all', () => {
  expect(commands.length).toBeGreaterThan(10);
});

describe('every command the README quotes does what a command does', () => {
  test.each(commands)('%s', async (line) => {
    if (line.includes('retry')) await breakOne();
    if (/ (diff|promote) /.test(line)) await trial();
    if (line.includes('--override')) hold();
    if (line.includes('unfreeze')) nightpress('rollback catalog --yes');
    const { status, stderr } = nightpress(line, 'fixtures/catalog/products/label.webp\n');
    expect(stderr).not.toMatch(/^ {4}at /m);
    expect([0, 3], `${line}: ${stderr}`).toContain(status);
  });
});

/** A picture that is none, so that there is something to try again. */
async function breakOne(): Promise<void> {
  await writeFile(path.join(project, 'fixtures/catalog/products/hat.jpg'), 'no picture');
  expect(nightpress('run catalog --now').status).toBe(3);
}

/** Something on the channel that is not live. */
async function trial(): Promise<void> {
  await picture('products/hat.jpg', '#66cc33');
  const { status, stderr } = nightpress('run catalog --now --channel preview');
  expect(status, stderr).toBe(0);
}

/** A library that shrank, so that there is something to override. */
function hold(): void {
  rmSync(path.join(project, 'fixtures/catalog/products'), { recursive: true });
  nightpress('unfreeze catalog');
  expect(nightpress('run catalog --now').status).toBe(4);
}

test('--help of every verb shows an example or its options, and the README lists every exit code of --help', () => {
  const program = buildProgram({ env: {}, clock: Date.now, exit: 0 });
  for (const command of program.commands) expect(command.helpInformation(), command.name()).toContain('Options:');
  for (const code of [0, 1, 2, 3, 4, 6, 10, 11, 12, 13, 69, 75, 77, 130, 143])
    expect(readme).toMatch(new RegExp(`\\| ${code}\\b|, ${code}\\b`));
});

test('no help shows names of arguments that only the program knows, and the overview shows every usage', () => {
  const program = buildProgram({ env: {}, clock: Date.now, exit: 0 });
  for (const command of [...program.commands, ...program.commands.flatMap(({ commands: below }) => below)])
    expect(command.helpInformation(), command.name()).not.toMatch(/see above|of-job|^ {2}words /m);
  expect(program.helpInformation()).toMatch(/^ {2}explain \[job\] <asset> {2}/m);
  expect(program.helpInformation()).toMatch(/^ {2}promote \[job\] <channel> live {2}/m);
});
