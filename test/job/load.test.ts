import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { families, openProject } from '../../src/cli/compose.js';
import { Fault } from '../../src/domain/faults.js';
import { loadJob } from '../../src/job/load.js';
import { parseAllowance, parseDuration } from '../../src/job/units.js';

let root: string;

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'nightpress-job-'));
  mkdirSync(path.join(root, 'jobs'));
  mkdirSync(path.join(root, 'media'));
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

const good = {
  source: "{ type: 'directory', path: 'media' }",
  window: "{ cron: '0 2 * * *', timezone: 'Europe/Berlin', length: '4h' }",
  recipes: "{ pictures: image({ match: '**/*.jpg', widths: [320], formats: ['webp'] }) }",
  origin: "{ type: 'directory', path: 'public/one' }",
};

function write(name: string, fields: Partial<Record<string, string>> = {}): void {
  const all = Object.entries({ ...good, ...fields }).flatMap(([field, text]) =>
    text === undefined ? [] : [`  ${field}: ${text},`],
  );
  const text = `import { copy, defineJob, image, video } from 'nightpress';\nvoid copy; void video;\nexport default defineJob({\n${all.join('\n')}\n} as never);\n`;
  writeFileSync(path.join(root, 'jobs', `${name}.ts`), text);
}

async function problemsOf(name: string): Promise<readonly string[]> {
  const error = await load(name).catch((caught: unknown) => caught);
  if (!(error instanceof Fault)) throw new Error(`expected a fault, got ${String(error)}`);
  return error.problems.length > 0 ? error.problems : [error.message];
}

const load = (name: string) => loadJob(openProject({ project: root }), name, families);

test('a whole job gets its defaults and absolute paths', async () => {
  write('one');
  const job = await load('one');
  expect(job).toMatchObject({
    name: 'one',
    source: { type: 'directory', path: path.join(root, 'media') },
    window: { cron: '0 2 * * *', timezone: 'Europe/Berlin', lengthMs: 4 * 3_600_000, catchUp: 'latest' },
    publish: { at: 'done' },
    gate: { tolerate: { share: 0.01 }, shrink: { share: 0.1 } },
    keep: { last: 14, withinMs: 30 * 86_400_000 },
    recipes: [{ name: 'pictures', kind: 'image', match: ['**/*.jpg'], path: '{key}/{variant}.{ext}' }],
  });
});

test('gate and groups say what they mean', async () => {
  write('one', {
    gate: "{ tolerate: 3, grow: '100%', required: 'brand/**', maxStale: '7d', drift: '50%' }",
    groupBy: '/^products\\/([^/]+)/i',
    recipes: "{ pictures: image({ match: '**/*.jpg', widths: [16], formats: ['jpeg'], tolerate: '10%' }) }",
    onDeadline: "'hold'",
  });
  expect(await load('one')).toMatchObject({
    gate: {
      tolerate: { count: 3 },
      grow: { share: 1 },
      required: ['brand/**'],
      maxStaleMs: 7 * 86_400_000,
      drift: 0.5,
    },
    groupBy: { kind: 'pattern', source: '^products\\/([^/]+)', flags: 'i' },
    recipes: [{ tolerate: { share: 0.1 } }],
    onDeadline: 'hold',
  });
});

test('every problem is listed at once, each with its path, its value and what was expected', async () => {
  write('one', {
    source: "{ type: 'directory', path: 'media', folow: true }",
    window: "{ cron: 'every night', timezone: 'Mars/Olympus', length: 'long', catchUp: 'all' }",
    publish: "{ at: 'noon' }",
    recipes:
      "{ pictures: image({ match: '**/*.jpg', widths: [0], formats: ['bmp'], widhts: 3 }), other: { kind: 'pdf', match: '*' } }",
    gate: "{ tolerate: '200%', grow: 'much', required: ['/brand'], maxStale: 'long', drift: 5 }",
    groupBy: "'colour'",
    onDeadline: "'wait'",
    colour: "'red'",
  });
  const problems = (await problemsOf('one')).join('\n');
  for (const part of [
    'source.folow: true — expected',
    '"Mars/Olympus"',
    'every night',
    'window.length: "long" — expected a duration',
    'window.catchUp: "all" — expected',
    'publish.at: "noon" — expected',
    'recipes.pictures.widths',
    'recipes.pictures.formats',
    'recipes.pictures.widhts: 3 — expected no such key',
    'recipes.other.kind: "pdf" — expected one of image, video, audio, copy',
    'gate.tolerate: "200%" — expected',
    'gate.grow: "much" — expected',
    'gate.required',
    'gate.maxStale: "long" — expected a duration',
    'gate.drift: 5 — expected',
    'groupBy: "colour" — expected',
    'onDeadline: "wait" — expected',
    'colour: "red" — expected no such key',
  ]) {
    expect(problems).toContain(part);
  }
});

test.each([
  ['the project itself', 'public/one', '.'],
  ['a folder above the origin', 'media/public', 'media'],
  ['a folder inside the origin', 'media', 'media/photos'],
])('a source that overlaps the origin is refused: %s', async (_what, origin, source) => {
  mkdirSync(path.join(root, source), { recursive: true });
  write('one', {
    source: `{ type: 'directory', path: '${source}' }`,
    origin: `{ type: 'directory', path: '${origin}' }`,
  });
  expect((await problemsOf('one')).join()).toContain('a folder apart from the');
});

test('an overlap through a symlink is an overlap', async () => {
  symlinkSync(path.join(root, 'media'), path.join(root, 'elsewhere'));
  write('one', { origin: "{ type: 'directory', path: 'elsewhere/public' }" });
  expect((await problemsOf('one')).join()).toContain('apart from the origin');
});

test('two jobs with one origin are refused, by either name', async () => {
  write('one');
  write('two');
  expect((await problemsOf('one')).join()).toContain("job 'two' publishes to the same place");
  expect((await problemsOf('two')).join()).toContain("job 'one' publishes to the same place");
});

test('a broken neighbour does not stop a good job', async () => {
  write('one');
  writeFileSync(path.join(root, 'jobs', 'two.ts'), 'export default {');
  expect((await load('one')).name).toBe('one');
  expect((await problemsOf('two')).join()).toContain('cannot be loaded');
});

test.each([
  ['export default {\n  a: 1,,\n};\n', 'jobs/one.ts:2:8 cannot be loaded: syntax error: Unexpected token'],
  [
    "export default {\n  a: 'open,\n};\n",
    'jobs/one.ts:2:6 cannot be loaded: syntax error: Unterminated string constant.',
  ],
  [
    'const none = undefined as never;\n\nexport default (none as { a: 1 }).a;\n',
    'jobs/one.ts:3 cannot be loaded: Cannot read',
  ],
  [
    "import './other';\nexport default {};\n",
    'jobs/one.ts cannot be loaded: ROOT/jobs/other.ts:1:19: syntax error: Unexpected token',
  ],
])('a mistake in the code of a job file is told with its place: %j', async (text, message) => {
  writeFileSync(path.join(root, 'jobs', 'other.ts'), 'export const x = (;');
  writeFileSync(path.join(root, 'jobs', 'one.ts'), text);
  const [problem] = await problemsOf('one');
  expect(problem).toContain(message.replace('ROOT', root));
  expect(problem).toBe(problem?.trim());
});

test('a name that is no job is told the names that are', async () => {
  write('one');
  await expect(load('won')).rejects.toThrow(/no job 'won' .* expected one of one/);
});

test('a recipe may say its limits and its path', async () => {
  write('one', {
    recipes: "{ rest: copy({ match: ['**/*.pdf'], path: 'files/{key}', limits: { seconds: 5, memoryMB: 100 } }) }",
  });
  const [recipe] = (await load('one')).recipes;
  expect(recipe).toMatchObject({ path: 'files/{key}', limits: { wallMs: 5000, memoryBytes: 100e6 } });
});

test('durations and allowances are exactly what they say', () => {
  expect(['30s', '90m', '4h', '30d', '1.5h'].map(parseDuration)).toEqual([
    30_000, 5_400_000, 14_400_000, 2_592_000_000, 5_400_000,
  ]);
  expect(['4', 'h', '4 h', '-1h', '1w', ''].map(parseDuration)).toEqual(Array(6).fill(undefined));
  expect([3, 0, '1%', '0.5%', '100%'].map(parseAllowance)).toEqual([
    { count: 3 },
    { count: 0 },
    { share: 0.01 },
    { share: 0.005 },
    { share: 1 },
  ]);
  expect([-1, 1.5, '101%', '%', '1', true].map(parseAllowance)).toEqual(Array(6).fill(undefined));
});

test.each([
  ['a number no JSON has', '{ last: 10n }', 'keep.last: 10n'],
  ['a symbol', "{ last: Symbol('x') }", 'keep.last: Symbol(x)'],
  ['a circle', '(() => { const o = {}; o.o = o; return { last: o }; })()', 'keep.last: <ref'],
  ['text that throws', '{ last: { toJSON() { throw 1; } } }', 'keep.last: {'],
])('a value that is %s is a problem like any other', async (_what, keep, problem) => {
  write('one', { keep });
  expect((await problemsOf('one'))[0]).toContain(problem);
});

test.each(['constructor', '__proto__', 'toString'])('no recipe is of kind %s', async (kind) => {
  write('one', { recipes: `{ a: { kind: '${kind}', match: '*' } }` });
  expect((await problemsOf('one'))[0]).toContain('recipes.a.kind');
});

test.each(['throw Object.create(null)', 'throw { toString() { throw 1; } }', "throw new Error('')"])(
  'a file that does `%s` cannot be loaded, and that is said',
  async (text) => {
    writeFileSync(path.join(root, 'jobs', 'one.ts'), `${text};\n`);
    expect((await problemsOf('one'))[0]).toContain('cannot be loaded');
  },
);

test('a limit longer than a timer can count is refused', async () => {
  write('one', { recipes: "{ a: copy({ match: '**/*', limits: { seconds: 2_200_000 } }) }" });
  expect((await problemsOf('one'))[0]).toContain('recipes.a.limits.seconds: 2200000');
});

test('edges show the origin under its own URL, and are called by their type, unless they say otherwise', async () => {
  write('one', {
    origin: "{ type: 'directory', path: 'public/one', baseUrl: 'https://cdn.example.com/one' }",
    edges: `[
      { type: 'bunny' },
      { type: 'http-purge', name: 'varnish', urls: ['https://www.example.com/media'], servers: 'http://10.0.0.1:6081' },
    ]`,
  });
  expect((await load('one')).edges).toMatchObject([
    { type: 'bunny', name: 'bunny', urls: ['https://cdn.example.com/one'], tokenEnv: 'BUNNY_API_KEY' },
    { type: 'http-purge', name: 'varnish', urls: ['https://www.example.com/media'], method: 'PURGE' },
  ]);
});

test('every mistake in every edge is listed, and what may be a secret is not shown', async () => {
  write('one', {
    edges: `[
      { type: 'akamai' },
      { type: 'cloudflare', zone: 'shop', tokenEnv: 'v1.0-secret', urls: 'https://cdn.example.com' },
      { type: 'bunny' },
      { type: 'bunny', urls: 'https://a.example.com' },
      { type: 'bunny', urls: 'https://b.example.com', key: 'secret too' },
      { type: 'fastly', name: 'bunny', urls: 'https://c.example.com' },
    ]`,
  });
  const problems = await problemsOf('one');
  expect(problems).toEqual([
    'edges.0.type: "akamai" — expected one of cloudfront, cloudflare, fastly, bunny, http-purge',
    'edges.1.zone: "shop" — expected the id of a zone, 32 hex digits',
    'edges.1.tokenEnv: "(not shown)" — expected the name of an environment variable in upper case, never the secret itself',
    'edges.2.urls: nothing — expected the URL under which this edge shows the origin, here or as origin.baseUrl',
    'edges.4.key: "(not shown)" — expected no such key',
    'edges.5.name: "bunny" — expected a name of its own: another edge has it',
  ]);
});

test('a recipe without match, or with a wrong one, is told with its other mistakes', async () => {
  write('one', {
    recipes: `{
      clips: video({ heights: 720 }),
      files: copy({ match: 3, path: '../x' }),
      other: { match: ['ok', ''] },
    }`,
  });
  const problems = await problemsOf('one');
  expect([...problems].sort()).toEqual([
    expect.stringContaining('recipes.clips.heights: 720 — expected array'),
    'recipes.clips.match: nothing — expected a glob or a list of globs',
    'recipes.files.match: 3 — expected a glob or a list of globs',
    expect.stringContaining('recipes.files.path: "../x" — expected'),
    expect.stringContaining('recipes.other.kind: nothing — expected string'),
    'recipes.other.match.1: "" — expected a glob',
  ]);
});

test('a key that does not exist is told with the one that was meant, wherever it stands', async () => {
  write('one', {
    source: "{ type: 'directory', path: 'media', paht: 'x' }",
    gate: "{ shrnk: '1%' }",
    recipes: "{ rest: copy({ match: '**/*', mtach: 'x', limits: { second: 3 } }) }",
    pubish: '{}',
    zebra: '1',
  });
  expect([...(await problemsOf('one'))].sort()).toEqual([
    'gate.shrnk: "1%" — expected no such key (did you mean shrink?)',
    'pubish: {} — expected no such key (did you mean publish?)',
    'recipes.rest.limits.second: 3 — expected no such key (did you mean seconds?)',
    'recipes.rest.mtach: "x" — expected no such key (did you mean match?)',
    'source.paht: "x" — expected no such key (did you mean path?)',
    'zebra: 1 — expected no such key',
  ]);
});

test.each(['export const job = { a: 1 };', ''])('a file without a default export says so: %s', async (text) => {
  writeFileSync(path.join(root, 'jobs', 'one.ts'), text);
  expect(await problemsOf('one')).toEqual(['(file): nothing — expected a default export of defineJob({ … })']);
});

test('a job file in the old manner of modules is still one', async () => {
  const body = Object.entries(good).filter(([field]) => field !== 'recipes');
  const fields = body.map(([field, text]) => `${field}: ${text}`).join(', ');
  const text = `module.exports = { ${fields}, recipes: { rest: { kind: 'copy', match: '**/*' } } };`;
  for (const ext of ['js', 'ts']) {
    writeFileSync(path.join(root, 'jobs', `${ext}.${ext}`), text.replace('public/one', `public/${ext}`));
    expect((await load(ext)).recipes).toHaveLength(1);
  }
});
