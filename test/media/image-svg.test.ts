import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sharp } from '../../src/processors/image/sharp.js';
import { attempt } from '../contracts/processors/suite.js';
import { plain } from '../support/pictures.js';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'nightpress-svg-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** `beside` are files lying in the folder of the drawing while it is worked on. */
async function draw(svg: string | Buffer, settings: Record<string, unknown> = {}, beside: Record<string, Buffer> = {}) {
  const { result, outbox } = await attempt(folder, {
    kind: 'image',
    settings: { widths: [100], formats: ['png'], ...settings },
    input: {
      key: 'a.svg',
      write: async (file) => {
        for (const [name, bytes] of Object.entries(beside)) await writeFile(path.join(path.dirname(file), name), bytes);
        await writeFile(file, typeof svg === 'string' ? svg.replaceAll('{here}', path.dirname(file)) : svg);
      },
    },
  });
  return { result, read: (file: string) => readFile(path.join(outbox, file)) };
}

async function made(svg: string, settings: Record<string, unknown> = {}, beside: Record<string, Buffer> = {}) {
  const { result, read } = await draw(svg, settings, beside);
  if (!result.ok) throw new Error(result.finding.message);
  return { ...result, read };
}

const start =
  '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:xi="http://www.w3.org/2001/XInclude"';
const square = '<rect x="25%" width="50%" height="100%" fill="#ff0000"/>';

describe('drawings', () => {
  test.each([
    ['small', 'width="10" height="5"'],
    ['large', 'width="4000" height="2000"'],
    ['larger than any picture may be', 'width="100000" height="50000"'],
    ['without a size of its own', 'viewBox="0 0 10 5"'],
    ['in other units', 'width="2cm" height="1cm"'],
  ])('a drawing that is %s is drawn at every width', async (_name, size) => {
    const drawing = await made(`${start} ${size}>${square}</svg>`, { widths: [64, 200] });
    expect(drawing.outputs.map(({ variant, width, height }) => [variant, width, height])).toEqual([
      ['200w', 200, 100],
      ['64w', 64, 32],
    ]);
    const { data } = await sharp(await drawing.read('200w.png'))
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect([...data.subarray(100 * 4, 101 * 4)]).toEqual([255, 0, 0, 255]);
    expect([...data.subarray(4 * 4, 5 * 4)]).toEqual([0, 0, 0, 0]);
  });

  test('a drawing smaller than a pixel keeps its shape', async () => {
    const drawing = await made(`${start} width="1.4" height="1">${square}</svg>`, { widths: [140] });
    expect(drawing.outputs[0]).toMatchObject({ width: 140, height: 102 }); // 1.4375 x 1 at sixteen times its size
  });

  test('a drawing is as wide as its pixels may be many', async () => {
    const drawing = await made(`${start} width="10" height="1000">${square}</svg>`, {
      widths: [100, 1000],
      maxPixels: 1_000_000,
    });
    expect(drawing.outputs.map(({ width, height }) => [width, height])).toEqual([[100, 10_000]]);
  });

  test('what stands before the root does not hide it', async () => {
    const prolog = '\uFEFF<?xml version="1.0"?>\n<!-- <html> -->\n<!DOCTYPE svg [ <!ENTITY c "#ff0000"> ]>\n';
    const drawing = await made(`${prolog}${start} width="4" height="4"><rect width="4" height="4" fill="&c;"/></svg>`);
    expect(drawing.source.type).toBe('image/svg+xml');
  });

  test('a compressed drawing has no decoder', async () => {
    const { result } = await draw(gzipSync(`${start} width="4" height="4"/>`));
    expect(result).toMatchObject({ ok: false, finding: { code: 'unsupported-type', class: 'input' } });
  });
});

/** The marker is green; nothing of it may appear in what is made. */
describe('drawings that reach for their neighbours', () => {
  const marker = async () => await plain(50, 50, '#00ff00').png().toBuffer();

  test.each([
    ['an image beside it', '<image width="100" height="100" href="marker.png"/>'],
    ['an image by xlink', '<image width="100" height="100" xlink:href="marker.png"/>'],
    ['an image by absolute path', '<image width="100" height="100" href="{here}/marker.png"/>'],
    ['an image by URL', '<image width="100" height="100" href="file://{here}/marker.png"/>'],
    ['an image in a parent folder', '<image width="100" height="100" href="../../marker.png"/>'],
    ['a path that looks like a query (CVE-2023-38633)', '<image width="100" height="100" href=".?../marker.png"/>'],
    ['a drawing beside it', '<use href="marker.svg#m"/>'],
    ['a style sheet beside it', '<style>@import "marker.css";</style>'],
    [
      'text beside it',
      '<text y="80" font-size="90" fill="#00ff00"><xi:include parse="text" href="marker.txt"/></text>',
    ],
    ['the network', '<image width="100" height="100" href="http://127.0.0.1:1/marker.png"/>'],
  ])('%s is not drawn', async (_name, body) => {
    const beside = {
      'marker.png': await marker(),
      'marker.svg': Buffer.from(`${start}><rect id="m" width="100" height="100" fill="#00ff00"/></svg>`),
      'marker.css': Buffer.from('svg { background: #00ff00 }'),
      'marker.txt': Buffer.from('MARKER'),
    };
    const { result, read } = await draw(`${start} width="100" height="100">${body}</svg>`, {}, beside);
    if (!result.ok) return; // refused is as good as not drawn
    const pixels = await sharp(await read('100w.png'))
      .raw()
      .toBuffer();
    expect(pixels.some((value) => value !== 0)).toBe(false);
  });

  test('given the path instead of the bytes, sharp refuses a drawing', async () => {
    const file = path.join(folder, 'a.svg');
    await writeFile(file, `${start} width="4" height="4"/>`);
    await expect(sharp(file).metadata()).rejects.toThrow(/unsupported image format/);
  });

  test.each([
    [
      'an entity that names a file',
      '<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/hostname">]>',
      '<text y="50">&x;</text>',
    ],
    ['entities that multiply', `<!DOCTYPE svg [<!ENTITY a "${'x'.repeat(50)}">${bomb()}]>`, '<text y="50">&j;</text>'],
  ])('%s is refused', async (_name, doctype, body) => {
    const { result } = await draw(`${doctype}${start} width="100" height="100">${body}</svg>`);
    expect(result).toMatchObject({ ok: false, finding: { code: 'decode-failed', class: 'input' } });
  });
});

function bomb(): string {
  const names = 'abcdefghij';
  return [...names.slice(1)].map((name, at) => `<!ENTITY ${name} "${`&${names[at]};`.repeat(10)}">`).join('');
}
