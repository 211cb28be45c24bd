import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { annotate, annotation, appendSummary, fenced, fileOf } from '../../src/cli/github.js';
import { buildProgram } from '../../src/cli/main.js';
import { escaped, resultMarkdown } from '../../src/cli/render/markdown.js';
import type { Terminal } from '../../src/cli/terminal.js';
import { noAssets, noItems, type Result } from '../../src/domain/result.js';
import type { Finding, Job } from '../../src/domain/types.js';

let folder: string;
let said: string[];
let noted: string[];
let terminal: Terminal;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'nightpress-github-'));
  [said, noted] = [[], []];
  terminal = {
    ...{ out: (line) => void said.push(line), note: (line) => void noted.push(line), draw: () => undefined },
    ...{
      begin: () => undefined,
      live: false,
      columns: 80,
      quiet: false,
      verbose: false,
      paint: (_style, text) => text,
    },
  };
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function job(): Job {
  return { source: { type: 'directory', path: path.join(folder, 'media') } } as unknown as Job;
}

function finding(key: string | undefined, more: Partial<Finding> = {}): Finding {
  return { code: 'decode-failed', severity: 'error', message: 'cannot be decoded', key, ...more };
}

const github = { GITHUB_ACTIONS: 'true' };

describe('annotations', () => {
  test.each([
    [
      'at the file',
      finding('a.jpg'),
      'media/a.jpg',
      '::error file=media/a.jpg,title=decode-failed::a.jpg: cannot be decoded',
    ],
    ['of nothing in particular', finding(undefined), undefined, '::error title=decode-failed::cannot be decoded'],
    [
      'about a notice',
      finding(undefined, { severity: 'notice' }),
      undefined,
      '::notice title=decode-failed::cannot be decoded',
    ],
    [
      'with characters of the command language',
      finding('50%,a:b.jpg'),
      'm/50%,a:b.jpg',
      '::error file=m/50%25%2Ca%3Ab.jpg,title=decode-failed::50%25,a:b.jpg: cannot be decoded',
    ],
    [
      'with a line break in a name',
      finding('a\n::add-mask::b'),
      undefined,
      '::error title=decode-failed::a\\u000a::add-mask::b: cannot be decoded',
    ],
  ])('%s', (_what, one, file, text) => {
    expect(annotation(one, file)).toBe(text);
  });

  test('name files from the root of the checkout, and only those that lie in it', () => {
    expect(fileOf(job(), { GITHUB_WORKSPACE: folder }, { key: 'sub/a.jpg' })).toBe('media/sub/a.jpg');
    expect(fileOf(job(), { GITHUB_WORKSPACE: path.join(folder, 'other') }, { key: 'a.jpg' })).toBeUndefined();
    expect(fileOf(job(), { GITHUB_WORKSPACE: folder }, { key: 'a\u001b[2J.jpg' })).toBeUndefined();
    expect(fileOf(job(), { GITHUB_WORKSPACE: folder }, {})).toBeUndefined();
  });

  test('are at most ten of a kind; the rest is counted', () => {
    const findings = Array.from({ length: 13 }, (_, n) => finding(`${n}.jpg`));
    annotate(terminal, github, { job: job(), findings: [...findings, finding('n.jpg', { severity: 'notice' })] });
    expect(said.filter((line) => line.startsWith('::error'))).toHaveLength(10);
    expect(said.filter((line) => line.startsWith('::notice'))).toHaveLength(1);
    expect(said).toContain('and 3 more errors: GitHub shows 10 of a kind');
  });

  test('are only for GitHub', () => {
    annotate(terminal, {}, { job: job(), findings: [finding('a.jpg')] });
    fenced(terminal, {}, () => terminal.out('text'));
    expect(said).toEqual(['text']);
  });

  test('cannot be forged by names in other output', () => {
    fenced(terminal, github, () => terminal.out('::error::forged'));
    const token = /^::stop-commands::(.+)$/.exec(said[0] ?? '')?.[1];
    expect(said).toEqual([`::stop-commands::${token}`, '::error::forged', `::${token}::`]);
  });
});

describe('the step summary', () => {
  const result = {
    ...{
      type: 'result',
      job: 'night',
      window: null,
      run: 'r',
      outcome: 'incomplete',
      exit: 3,
      snapshot: null,
      live: null,
    },
    ...{
      assets: { ...noAssets, total: 3 },
      items: { ...noItems, total: 3, failed: 1 },
      derivatives: { made: 2, reused: 0, bytes: 2000 },
    },
    ...{ partitions: { total: 1, done: 0, failed: 1 }, freshness: null, next: [], log: null, durationMs: 1500 },
    findings: [finding('a|b.jpg', { severity: 'notice' }), finding('<img src=x>')],
  } as unknown as Result;

  test('is a page of tables, errors first, in which a name is never markup', () => {
    const text = resultMarkdown(result);
    expect(text).toContain('| items | 3 total, 1 failed |');
    expect(text).not.toContain('<img');
    expect(text).toContain('a&#124;b.jpg');
    expect(text.indexOf('img')).toBeLessThan(text.indexOf('a&#124;b.jpg'));
    expect(escaped('[x](y) **z** `c`')).not.toMatch(/[[\]()*`]/);
  });

  test('is appended to what other steps wrote', () => {
    const file = path.join(folder, 'summary.md');
    writeFileSync(file, 'before\n');
    appendSummary(terminal, { ...github, GITHUB_STEP_SUMMARY: file }, 'after');
    expect(readFileSync(file, 'utf8')).toBe('before\nafter\n');
  });

  test('that cannot be written fails nothing', () => {
    appendSummary(terminal, { ...github, GITHUB_STEP_SUMMARY: path.join(folder, 'no', 'where') }, 'text');
    expect(noted).toEqual([expect.stringContaining('ENOENT')]);
  });
});

describe('the ready workflow', () => {
  const text = readFileSync('docs/github-workflow.yml', 'utf8');
  const commands = [...text.matchAll(/nightpress ((?:run|plan|status) [^\n|]*)/g)].map(([, line = '']) =>
    line.trim().split(/\s+/),
  );

  test('calls commands that exist, with options that they have', () => {
    expect(commands).toHaveLength(3);
    for (const [verb, ...words] of commands) {
      const command = buildProgram({ env: {}, clock: Date.now, exit: 0 }).commands.find((one) => one.name() === verb);
      expect(command, verb).toBeDefined();
      expect(command?.parseOptions(words)).toEqual({ operands: [], unknown: [] });
      expect(command?.opts()).toMatchObject({ dryRun: true, all: true });
    }
  });

  test('puts nothing that a pull request chooses into a script', () => {
    const scripts = text.split('\n').filter((line) => /nightpress|git diff/.test(line));
    expect(scripts.filter((line) => line.includes('${{'))).toEqual([]);
  });
});
