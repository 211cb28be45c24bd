import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { cloudflareFiles } from '../../src/cli/export/edge/cloudflare.js';
import { cloudfrontFiles } from '../../src/cli/export/edge/cloudfront.js';
import { filesFor, platforms } from '../../src/cli/export/edge/index.js';
import type { EdgeFile, EdgeTable } from '../../src/cli/export/edge/table.js';
import { Fault } from '../../src/domain/faults.js';
import type { SnapshotId } from '../../src/domain/types.js';
import { digestOf } from '../support/an-origin.js';
import { type Answered, type Edge, edgeSuite } from '../support/edge-suite.js';
import { aPublishedWorld, ask, say } from '../support/project.js';
import { readHead } from '../support/published.js';
import type { World } from '../support/world.js';

vi.setConfig({ testTimeout: 120_000 });

function textOf(files: readonly EdgeFile[], name: string): string {
  const file = files.find((one) => one.name === name);
  if (!file) throw new Error(`no ${name} among ${files.map((one) => one.name)}`);
  return file.text;
}

async function answered(response: Response): Promise<Answered> {
  return { status: response.status, body: await response.text(), headers: Object.fromEntries(response.headers) };
}

interface WorkerModule {
  readonly default: { fetch(request: Request, env: object): Promise<Response> };
}

/** The Worker as a module of this runtime, which has the same web standards; KV is a map. */
async function startWorker(table: EdgeTable): Promise<Edge> {
  const files = cloudflareFiles(table);
  const folder = await mkdtemp(path.join(tmpdir(), 'nightpress-worker-'));
  const file = path.join(folder, 'worker.mjs');
  await writeFile(file, textOf(files, 'nightpress-worker.js'));
  const worker = (await import(/* @vite-ignore */ pathToFileURL(file).href)) as WorkerModule;
  const pairs = files.filter(({ name }) => name.includes('-kv-')).flatMap(({ text }) => JSON.parse(text));
  const kv = new Map(pairs.map(({ key, value }: { key: string; value: string }) => [key, value]));
  const NIGHTPRESS = { get: async (key: string) => kv.get(key) ?? null };
  return {
    ask: async (place, headers = {}, method = 'GET') => {
      const request = new Request(`https://cdn.example.com${place}`, { method });
      for (const [name, value] of Object.entries(headers)) request.headers.append(name, value);
      const seen = { url: request.url, method, headers: new Headers(headers) }; // `Request` keeps cookies for itself
      return await answered(await worker.default.fetch(seen as Request, { NIGHTPRESS }));
    },
    end: async () => await rm(folder, { recursive: true }),
  };
}

interface FunctionRequest {
  uri: string;
  readonly method: string;
  readonly headers: Record<string, { value: string }>;
  readonly cookies: Record<string, { value: string }>;
}
interface FunctionResponse {
  readonly statusCode: number;
  readonly headers: Record<string, { value: string }>;
}
type Handler<T> = (event: object) => T | Promise<T>;

/** A Function in a context of its own, with nothing but the language; the import is the one thing that is not. */
function handlerIn<T>(text: string, cf: object): Handler<T> {
  const code = text.replace("import cf from 'cloudfront';\n", '');
  return runInNewContext(`${code}\nhandler;`, { cf, decodeURIComponent }) as Handler<T>;
}

/** Both Functions with what CloudFront does between them. `rewritten`: the second one is shown what the first one made. */
async function startFunctions(table: EdgeTable, rewritten: boolean): Promise<Edge> {
  const files = cloudfrontFiles(table);
  const { data } = JSON.parse(textOf(files, 'nightpress-kvs.json'));
  const store = new Map<string, string>(data.map(({ key, value }: { key: string; value: string }) => [key, value]));
  const get = async (key: string) => {
    const value = store.get(key);
    if (value === undefined) throw new Error('KeyNotFound');
    return value;
  };
  const cf = { kvs: () => ({ get, exists: async (key: string) => store.has(key) }) };
  const before = handlerIn<FunctionRequest | FunctionResponse>(textOf(files, 'nightpress-viewer-request.js'), cf);
  const after = handlerIn<FunctionResponse>(textOf(files, 'nightpress-viewer-response.js'), {});
  return {
    ask: async (place, headers = {}, method = 'GET') => {
      const original = requestOf(place, headers, method);
      const made = await before({ request: structuredClone(original) });
      if ('statusCode' in made) return { status: made.statusCode, body: '', headers: {} };
      const origin = await answered(await fetch(new URL(made.uri, table.backend), { method }));
      const response: FunctionResponse = { statusCode: origin.status, headers: {} };
      for (const [name, value] of Object.entries(origin.headers)) response.headers[name] = { value: value ?? '' };
      const shown = await after({ request: rewritten ? made : original, response });
      const seen = Object.entries(shown.headers).map(([name, { value }]) => [name, value]);
      return { ...origin, headers: Object.fromEntries(seen) };
    },
    end: async () => undefined,
  };
}

function requestOf(place: string, headers: Readonly<Record<string, string>>, method: string): FunctionRequest {
  const pairs = (headers.Cookie ?? '').split(/; */).map((pair) => pair.split('='));
  const cookies = pairs.flatMap(([name = '', value]) => (value === undefined ? [] : [[name, { value }] as const]));
  return { uri: place.replace(/\?.*$/, ''), method, headers: {}, cookies: Object.fromEntries(cookies) };
}

edgeSuite({ name: 'the Worker that export edge cloudflare writes', validators: true, start: startWorker });
for (const rewritten of [true, false]) {
  edgeSuite({
    name: `the Functions that export edge cloudfront writes, the second seeing the ${rewritten ? 'rewritten' : 'original'} request`,
    validators: false,
    start: (table) => startFunctions(table, rewritten),
  });
}

function aTable(paths: readonly string[], snapshots = 1): EdgeTable {
  const ids = Array.from({ length: snapshots }, (_, at) => digestOf(String(at)) as SnapshotId);
  const keyOf = (name: string, at: number) => `b/aa/${digestOf(`${name} ${at}`)}.webp`;
  const rows = paths.map((name) => ({ path: name, keys: ids.map((_, at) => keyOf(name, at)) }));
  const backend = new URL('http://127.0.0.1:8080');
  return { job: 'catalog', snapshots: ids, rows, prefix: '', backend };
}

const many = (count: number) => Array.from({ length: count }, (_, n) => `products/picture-${n}.jpg/640w.webp`);

describe('what a platform has no room for is refused, with figures', () => {
  test.each([
    [
      'cloudfront',
      'a store of more than 5 MB',
      aTable(many(50_000)),
      /nightpress-kvs\.json has \d{7} bytes, .* takes 5000000/,
    ],
    ['cloudfront', 'a long path', aTable(['ä'.repeat(256)]), /makes a key of 513 bytes, .* takes 512/],
    ['cloudfront', 'a path of many faces', aTable(['x'], 14), /takes \d{4} bytes, .* takes 1024: export fewer/],
    [
      'cloudfront',
      'a function of more than 10 KB',
      aTable([], 100),
      /viewer-request\.js has \d{5} bytes, .* takes 10000/,
    ],
    ['cloudflare', 'a long path', aTable(['x'.repeat(500)]), /makes a key of 513 bytes, Workers KV takes 512/],
    [
      'varnish',
      'more than compiles',
      aTable(many(20_000)),
      /nightpress\.vcl has \d{7} bytes, Varnish.* 20000 paths, takes 1250000/,
    ],
  ] as const)('%s: %s', (platform, _, table, message) => {
    const refusal = () => filesFor[platform](table);
    expect(refusal).toThrow(message);
    expect(refusal).toThrow(expect.objectContaining({ code: 'edge-too-small', exit: 2 }) as Fault);
    expect(refusal).toThrow(Fault);
  });

  test('what just fits is written, and pairs for Workers KV in files of 10,000', () => {
    expect(cloudfrontFiles(aTable(many(20_000)))).toHaveLength(3);
    const files = cloudflareFiles(aTable(many(20_001)));
    expect(files.map(({ name, text }) => [name, name.endsWith('.json') && JSON.parse(text).length])).toEqual([
      ['nightpress-kv-001.json', 10_000],
      ['nightpress-kv-002.json', 10_000],
      ['nightpress-kv-003.json', 1],
      ['nightpress-worker.js', false],
    ]);
  });
});

describe('the command', () => {
  let world: World;
  afterEach(() => world.end());

  test('writes the same files for the same snapshots, with the others that can be pinned', async () => {
    world = await aPublishedWorld([(it) => it.write('texts/t0.txt', 'another and longer\n')]);
    const out = path.join(world.folder, 'edge');
    const backend = ['--backend', 'http://127.0.0.1:8080/inside'];
    for (const platform of platforms) {
      const both = ['--snapshot', 'live', '--snapshot', 'previous', ...backend];
      const { code, json } = await ask(world, 'export', 'edge', platform, 'night', ...both);
      expect([code, json.paths]).toEqual([0, 4]);
      const retained = (await readHead(world.origin))?.retained.map(({ snapshot }) => snapshot) ?? [];
      expect(json.snapshots).toEqual(retained.toReversed());
      await rm(out, { recursive: true, force: true });
      expect((await say(world, 'export', 'edge', platform, ...both, '--out', out)).code).toBe(0);
      const files: readonly EdgeFile[] = json.files;
      expect((await readdir(out)).sort()).toEqual(files.map(({ name }) => name).sort());
      for (const { name, text } of files) expect(await readFile(path.join(out, name), 'utf8')).toBe(text);
      const { stdout } = await say(world, 'export', 'edge', platform, ...both);
      for (const { name, text } of files) expect(stdout).toContain(`==> ${name} <==\n${text}`);
    }
  });

  test('removes what a larger export left, and names what it was not given', async () => {
    world = await aPublishedWorld();
    const out = path.join(world.folder, 'edge');
    const words = ['export', 'edge', 'cloudflare', '--backend', 'https://origin.example.com', '--out', out];
    expect((await say(world, ...words)).code).toBe(0);
    await writeFile(path.join(out, 'nightpress-kv-002.json'), '[]');
    await writeFile(path.join(out, 'wrangler.toml'), '');
    expect((await say(world, ...words)).stderr).toContain('that is the switch');
    expect((await readdir(out)).sort()).toEqual(['nightpress-kv-001.json', 'nightpress-worker.js', 'wrangler.toml']);
    const refusals = {
      'expected the URL of the origin': ['export', 'edge', 'cloudfront'],
      'expected where it gets the objects': ['export', 'edge', 'nginx'],
      'expected a URL such as': ['export', 'edge', 'nginx', '--backend', 'ftp://x'],
      'speaks no TLS': ['export', 'edge', 'varnish', '--backend', 'https://origin.example.com'],
      'expected one of cloudfront, cloudflare, nginx, varnish': ['export', 'edge', 'apache'],
      'names no snapshot': [...words, '--snapshot', 'abcdef'],
    };
    for (const [reason, refused] of Object.entries(refusals)) {
      const { code, stderr } = await say(world, ...refused);
      expect([code, stderr]).toEqual([2, expect.stringContaining(reason)]);
    }
  });

  test.each(['nginx', 'varnish'])('%s is never told to ask the very host that it answers', async (platform) => {
    world = await aPublishedWorld();
    const file = path.join(world.folder, 'jobs', 'night.ts');
    const job = await readFile(file, 'utf8');
    await writeFile(file, job.replace(/(origin: \{[^}]*)\}/, `$1, baseUrl: 'http://cdn.example.com/night/' }`));
    const words = ['export', 'edge', platform, 'night', '--snapshot', 'live'];
    const whole = `next: nightpress export edge ${platform} night --backend http://127.0.0.1:8080/night --snapshot live --out edge`;
    for (const backend of [[], ['--backend', 'http://CDN.example.com:80']]) {
      const { code, stderr } = await say(world, ...words, ...backend);
      expect([code, stderr]).toEqual([2, expect.stringContaining(whole)]);
    }
    expect((await say(world, ...words, '--backend', 'http://cdn.example.com:8080/night')).code).toBe(0);
  });
});
