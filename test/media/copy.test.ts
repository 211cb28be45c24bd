import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { processor } from '../../src/processors/copy/work.js';
import { attempt } from '../contracts/processors/suite.js';
import { photo } from '../support/pictures.js';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'nightpress-copy-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const svg = '<svg xmlns="http://www.w3.org/2000/svg"/>';
const png = await photo(8, 8).png().toBuffer();

test.each<[string, string | Buffer, string, string]>([
  ['site/main.css', 'body { color: red }', 'text/css', 'css'],
  ['site/APP.JS', 'alert(1)', 'text/javascript', 'js'],
  ['data/list.json', '[1]', 'application/json', 'json'],
  ['notes', 'no extension', 'text/plain', 'txt'],
  ['.hidden', 'a dotfile has no extension', 'text/plain', 'txt'],
  ['notes.unknownext', 'words', 'text/plain', 'unknownext'],
  ['notes.e x t', 'words', 'text/plain', 'txt'],
  ['empty.css', '', 'text/css', 'css'],
  ['logo.svg', svg, 'image/svg+xml', 'svg'],
  ['logo.txt', svg, 'text/plain', 'txt'],
  ['logo.png', png, 'image/png', 'png'],
  ['logo.css', png, 'image/png', 'css'],
  ['logo', png, 'image/png', 'png'],
  ['paper.pdf', '%PDF-1.4\n', 'application/pdf', 'pdf'],
  ['raw.xyz', Buffer.from([1, 2, 3, 0, 255]), 'application/octet-stream', 'xyz'],
])('%s is copied byte for byte as what it is', async (key, bytes, type, ext) => {
  const input = { key, write: async (file: string) => await writeFile(file, bytes) };
  const { result, order } = await attempt(folder, { kind: 'copy', settings: {}, input });
  if (!result.ok) throw new Error(result.finding.message);
  expect(result.source).toEqual({ type });
  expect(result.outputs).toEqual([
    { file: 'original', variant: 'original', type, ext, sha256: order.input.sha256, bytes: order.input.bytes },
  ]);
});

test('bytes that are not those of the plan are not published', async () => {
  const { order } = await attempt(folder, {
    kind: 'copy',
    settings: {},
    input: { key: 'a.txt', write: async (file) => await writeFile(file, 'a') },
  });
  await rm(path.join(order.outbox, 'original'));
  await writeFile(order.input.file, 'b');
  const context = { sniffed: { type: 'text/plain' }, progress: () => undefined, signal: new AbortController().signal };
  const result = await processor.work({ ...order, settings: {} }, context);
  expect(result).toMatchObject({ ok: false, finding: { code: 'output-changed', class: 'infrastructure' } });
});
