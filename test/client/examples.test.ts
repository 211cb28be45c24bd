import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { runInNewContext } from 'node:vm';
import { rolldown } from 'rolldown';
import { afterEach, beforeEach, expect, test } from 'vitest';
import loader from '../../docs/examples/next-loader.js';
import { open } from '../../src/client/index.js';
import { fromFolder } from '../../src/client/node.js';
import { type AnOrigin, anOrigin, aPicture } from '../support/an-origin.js';
import { serve } from '../support/origin-server.js';
import { filesOf } from '../support/static-files.js';

let origin: AnOrigin;
const hat = 'products/hat.jpg';

beforeEach(async () => {
  origin = await anOrigin();
  await origin.publish([await aPicture(origin, hat)]);
});
afterEach(() => origin.end());

/** Every file that a browser loads for the client, from the build, as it stands. */
function loadedBy(file: string, loaded = new Map<string, string>()): ReadonlyMap<string, string> {
  if (loaded.has(file)) return loaded;
  const text = readFileSync(file, 'utf8');
  loaded.set(file, text);
  for (const [, target = ''] of text.matchAll(/(?:from|import\()\s*'([^']+)'/g)) {
    if (!target.startsWith('.')) throw new Error(`${file} imports ${target}`);
    loadedBy(path.join(path.dirname(file), target), loaded);
  }
  return loaded;
}

test('the built client is relative imports and web standards only', () => {
  const loaded = loadedBy('dist/client/index.js');
  expect(loaded.size).toBeGreaterThan(8);
  for (const [file, text] of loaded) {
    const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
    expect(code, file).not.toMatch(/\bBuffer\b|\bprocess\b|\brequire\b|node:/);
  }
});

test('package.json exports the client, and Node loads it by that name with its types beside it', () => {
  const code = `
    import { open, ReadError } from 'nightpress/client';
    import { fromFolder } from 'nightpress/client/node';
    const reader = await open(fromFolder(process.argv[1], 'https://cdn.example.com'));
    console.log(await reader.url('${hat}', { width: 640, format: 'webp' }), typeof ReadError);`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code, origin.folder], {
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  expect(stdout).toMatch(/^https:\/\/cdn\.example\.com\/b\/..\/\w{64}\.webp function\n$/);
  expect(readdirSync('dist/client')).toContain('index.d.ts');
});

/** The module script of the page with what it imports, run where there is nothing but what a browser has. */
async function showPage(originUrl: string): Promise<{ innerHTML: string; textContent: string }> {
  const html = await readFile('docs/examples/page.html', 'utf8');
  const script = /<script type="module">([\s\S]*?)<\/script>/.exec(html)?.[1] ?? '';
  const bundle = await rolldown({
    input: 'page',
    platform: 'browser',
    plugins: [
      {
        name: 'page',
        resolveId: (id) =>
          id === 'page' ? id : id === 'nightpress/client' ? path.resolve('dist/client/index.js') : undefined,
        load: (id) => (id === 'page' ? `globalThis.shown = (async () => {${hoisted(script)}})();` : undefined),
      },
    ],
  });
  const { output } = await bundle.generate({ format: 'iife' });
  const main = { innerHTML: '', textContent: '' };
  const browser: Record<string, unknown> = {
    ...{ fetch, crypto, TextEncoder, TextDecoder, URL, AbortController, Uint8Array, setTimeout, clearTimeout },
    document: { querySelector: () => main, documentElement: { dataset: { origin: originUrl } } },
  };
  browser.globalThis = browser;
  runInNewContext(output[0].code, browser);
  await browser.shown;
  return main;
}

/** An import cannot stand inside a function. */
function hoisted(script: string): string {
  return script.replace(/import \{ ([^}]+) \} from '([^']+)';/, "const { $1 } = await import('$2');");
}

test('the page of plain HTML shows its picture, and says so when there is none', async () => {
  const server = await serve(filesOf(origin.folder));
  try {
    const shown = await showPage(server.url);
    expect(shown.innerHTML).toMatch(
      /^<picture><source type="image\/avif" .*<img src="http:.*alt="A felt hat, &quot;Fedora/,
    );
    await origin.writeHead({ nightpress: 2 });
    expect((await showPage(server.url)).textContent).toBe('No picture (newer-format).');
  } finally {
    await server.end();
  }
});

test('the loader for Next.js answers each width with the smallest rendition that is large enough', async () => {
  const reader = await open(fromFolder(origin.folder, 'https://cdn.example.com'));
  const src = await reader.srcset(hat, { format: 'webp' });
  for (const [width, expected] of [
    [16, 320],
    [640, 640],
    [641, 1280],
    [3840, 1280],
  ] as const) {
    expect(loader({ src, width })).toBe(await reader.url(hat, { format: 'webp', width: expected }));
  }
});

test('the component for Astro renders the markup of the reader it shares', async () => {
  const [, code = ''] = /^---\n([\s\S]*?)---/.exec(await readFile('docs/examples/Picture.astro', 'utf8')) ?? [];
  const body = code.replace(/^import .*$/gm, '').replace(/interface Props \{[\s\S]*?\n\}/, '');
  const Component = async function* () {}.constructor; // the class of async generators is no global
  const render = Component('Astro', 'catalog', `${body}; yield markup;`);
  const catalog = await open(fromFolder(origin.folder, 'https://cdn.example.com'));
  const Astro = { props: { asset: hat, alt: 'A felt hat', sizes: '50vw', loading: 'eager' } };
  const { value } = await render(Astro, catalog).next();
  expect(value).toBe(await catalog.picture(hat, { alt: 'A felt hat', sizes: '50vw', loading: 'eager' }));
});
