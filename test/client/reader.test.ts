import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { open, ReadError } from '../../src/client/index.js';
import { fromFolder } from '../../src/client/node.js';
import { blobKey, manifestKey } from '../../src/domain/origin-keys.js';
import type { Entry } from '../../src/domain/types.js';
import { type AnOrigin, anOrigin, aPicture, digestOf, entryOf } from '../support/an-origin.js';
import { type Answer, type Served, serve } from '../support/origin-server.js';
import { filesOf } from '../support/static-files.js';

let origin: AnOrigin;
const servers: Served[] = [];

beforeEach(async () => {
  origin = await anOrigin();
});
afterEach(async () => {
  await origin.end();
  for (const server of servers.splice(0)) await server.end();
});

async function served(answer: Answer = filesOf(origin.folder)): Promise<Served> {
  const server = await serve(answer);
  servers.push(server);
  return server;
}

/** The code of the fault that it ends with. */
async function faultOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ReadError)) throw new Error('expected a ReadError', { cause: error });
  return error.code;
}

const hat = 'products/hat.jpg';

/** As many texts as make a trie of more than one level. */
async function manyTexts(count: number): Promise<readonly Entry[]> {
  const text = await origin.derivative({
    path: 'x',
    type: 'text/plain',
    ext: 'txt',
    variant: 'original',
    text: 'same',
  });
  return Array.from({ length: count }, (_, n) => {
    const key = `texts/§ ${n}.txt`;
    return entryOf(key, 'text/plain', [{ ...text, path: key }], 'rest');
  });
}

test('every asset of a manifest of several levels is found, over http and in a folder, and nothing else is', async () => {
  const entries = await manyTexts(5000);
  await origin.publish([...entries, await aPicture(origin, hat)]);
  const { url, asked } = await served();
  for (const place of [url, `${url}/head.json`, fromFolder(origin.folder, 'https://cdn.example.com/c/')]) {
    const reader = await open(place, { keepNodes: 10 });
    for (const { key } of entries.filter((_, n) => n % 97 === 0)) expect((await reader.asset(key))?.key).toBe(key);
    expect(await reader.asset('texts/§ 5000.txt')).toBeUndefined();
    expect(await reader.url(hat)).toMatch(/^http.*\/b\/[0-9a-f]{2}\/[0-9a-f]{64}\.jpg$/);
    expect(new TextDecoder().decode(await reader.bytes('texts/§ 1.txt'))).toBe('same');
  }
  expect(asked.length).toBeGreaterThan(10);
  let count = 0;
  for await (const asset of (await open(url)).assets()) count += asset.key === '' ? 0 : 1;
  expect(count).toBe(5001);
});

test('what is no URL is told, with the way to read a folder', async () => {
  for (const place of [origin.folder, 'file:///srv/site', 'cdn.example.com', '']) {
    const refusal = await open(place).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(TypeError);
    expect(String(refusal)).toContain(`'${place}' cannot be fetched here: expected a URL`);
    expect(String(refusal)).toContain('fromFolder(folder, baseUrl)) of nightpress/client/node');
  }
});

test('a fetch of the caller, and a page, may know what to do with a relative URL', async () => {
  await origin.publish([await aPicture(origin, hat)]);
  const { url } = await served();
  const withFetch = await open('/media', { fetch: (place, init) => fetch(place.replace('/media', url), init) });
  expect(await withFetch.url(hat)).toMatch(/^\/media\/b\//);
  const { fetch: real } = globalThis;
  vi.stubGlobal('document', { baseURI: 'https://www.example.com/shop/' });
  vi.stubGlobal('fetch', (place: string, init: RequestInit) => real(place.replace('../media', url), init));
  try {
    expect(await (await open('../media')).url(hat)).toMatch(/^\.\.\/media\/b\//);
  } finally {
    vi.unstubAllGlobals();
  }
});

test('a picture without options is told what is missing', async () => {
  await origin.publish([await aPicture(origin, hat)]);
  const reader = await open((await served()).url);
  for (const options of [undefined, {}]) {
    const refusal = await reader.picture(hat, options as never).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(TypeError);
    expect(String(refusal)).toContain(`picture of '${hat}' without alt: expected { alt: 'what it shows' }`);
  }
});

test('a node is read once for many look-ups', async () => {
  await origin.publish(await manyTexts(3000));
  const { url, asked } = await served();
  const reader = await open(url);
  await Promise.all(Array.from({ length: 3000 }, (_, n) => reader.asset(`texts/§ ${n}.txt`)));
  expect(asked.length).toBe(new Set(asked).size);
  expect(asked.length).toBeLessThan(1 + 1 + 16 + 256);
});

test('a reader answers from its snapshot while the head moves on, and refresh gives a reader of the next', async () => {
  await origin.publish([await aPicture(origin, hat, 'of monday')]);
  const monday = await open(fromFolder(origin.folder, ''));
  const before = await monday.url(hat, { width: 320, format: 'webp' });
  expect(await monday.refresh()).toBe(monday);
  const second = await origin.publish([await aPicture(origin, hat, 'of tuesday')]);
  expect(await monday.url(hat, { width: 320, format: 'webp' })).toBe(before);
  const tuesday = await monday.refresh();
  expect([tuesday.snapshot, tuesday.seq]).toEqual([second, 2]);
  expect(await tuesday.url(hat, { width: 320, format: 'webp' })).not.toBe(before);
  expect(new TextDecoder().decode(await monday.bytes(hat, { width: 1 }))).toContain('of monday');
  const pinned = await open(fromFolder(origin.folder, ''), { snapshot: monday.snapshot });
  expect(await pinned.url(hat, { width: 320, format: 'webp' })).toBe(before);
  expect(await faultOf(open(fromFolder(origin.folder, ''), { snapshot: digestOf('x') }))).toBe('snapshot-unknown');
});

test('a head with a smaller seq, or of another origin, is refused, also by readers that never saw the newer one', async () => {
  await origin.publish([await aPicture(origin, hat, '1')]);
  const old = await origin.head();
  const first = await open(fromFolder(origin.folder, ''));
  await origin.publish([await aPicture(origin, hat, '2')]);
  const second = await first.refresh();
  await origin.writeHead(old);
  expect(await faultOf(second.refresh())).toBe('rewound');
  expect(await faultOf(first.refresh())).toBe('rewound');
  await origin.writeHead({ ...old, seq: 9, origin: 'somebody else' });
  expect(await faultOf(first.refresh())).toBe('foreign');
});

test('bytes that are not those of their name are refused: node, blob, too short, too long', async () => {
  const snapshot = await origin.publish([await aPicture(origin, hat)]);
  const node = path.join(origin.folder, manifestKey(snapshot));
  const good = await readFile(node, 'utf8');
  const reader = async () => await open(fromFolder(origin.folder, ''));
  const derivative = (await (await reader()).asset(hat))?.derivative();
  const blob = path.join(origin.folder, blobKey(derivative ?? { sha256: snapshot, ext: '' }));
  for (const [text, code] of [
    ['x', 'corrupt'],
    [`${await readFile(blob, 'utf8')} and more`, 'too-large'],
    [(await readFile(blob, 'utf8')).replace('p', 'q'), 'corrupt'],
  ] as const) {
    await writeFile(blob, text);
    expect(await faultOf((await reader()).bytes(hat))).toBe(code);
  }
  await writeFile(node, good.replace('640w', '641w'));
  expect(await faultOf((await reader()).asset(hat))).toBe('corrupt');
  const other = '{"children":[],"count":0,"nightpress":1}';
  await writeFile(path.join(origin.folder, manifestKey(digestOf(other))), other);
  const head = await origin.head();
  await origin.writeHead({ ...head, channels: { live: { ...head.channels.live, snapshot: digestOf(other) } } });
  expect(await faultOf((await reader()).asset(hat))).toBe('corrupt');
});

test('a failure is not remembered: what is mended is found at the next look', async () => {
  const snapshot = await origin.publish([await aPicture(origin, hat)]);
  const node = path.join(origin.folder, manifestKey(snapshot));
  const reader = await open(fromFolder(origin.folder, ''));
  await rename(node, `${node}.away`);
  expect(await faultOf(reader.asset(hat))).toBe('missing');
  await rename(`${node}.away`, node);
  expect((await reader.asset(hat))?.key).toBe(hat);
});

test('every way in which a server can fail has its name', async () => {
  const answers: Readonly<Record<string, Answer>> = {
    missing: (_, response) => void response.writeHead(404).end(),
    unreachable: (_, response) => void response.writeHead(503).end(),
    timeout: (_, response) => void response.write('{'),
    corrupt: (_, response) => void response.end('<html>'),
    'newer-format': (_, response) => void response.end('{"nightpress":2}'),
    'too-large': (_, response) => void response.end('x'.repeat(2000)),
  };
  for (const [code, answer] of Object.entries(answers)) {
    const { url } = await served(answer);
    expect(await faultOf(open(url, { timeoutMs: 300, maxBytes: 1000 })), code).toBe(code);
  }
  const { url, end } = await served();
  await end();
  expect(await faultOf(open(url))).toBe('unreachable');
  expect(await faultOf(open(fromFolder('/nowhere', '')))).toBe('missing');
});

test('nothing live, no such asset and no such rendition are told apart', async () => {
  await origin.publish([await aPicture(origin, hat)]);
  const reader = await open(fromFolder(origin.folder, ''));
  expect(await faultOf(reader.url('products/coat.jpg'))).toBe('asset-unknown');
  expect(await faultOf(reader.url(hat, { format: 'mp4' }))).toBe('no-rendition');
  expect(await faultOf(reader.picture(hat, { alt: '', recipe: 'clips' }))).toBe('no-rendition');
  const head = await origin.head();
  await origin.writeHead({ ...head, channels: {} });
  expect(await faultOf(open(fromFolder(origin.folder, '')))).toBe('unpublished');
});

test('a reader on a channel shows that channel, follows it, and shows what is live where there is no such channel', async () => {
  const live = await origin.publish([await aPicture(origin, hat)]);
  const before = await origin.head();
  const trial = await origin.publish([await aPicture(origin, hat, '2')]);
  const after = await origin.head();
  const shown = async (seq: number, preview: object | undefined) =>
    await origin.writeHead({ ...after, seq, channels: { live: before.channels.live, preview } });
  await shown(3, after.channels.live);
  const onPreview = await open(fromFolder(origin.folder, ''), { channel: 'preview' });
  expect(onPreview.snapshot).toBe(trial);
  expect((await open(fromFolder(origin.folder, ''))).snapshot).toBe(live);
  expect((await open(fromFolder(origin.folder, ''), { channel: 'nowhere' })).snapshot).toBe(live);
  await shown(4, before.channels.live);
  expect((await onPreview.refresh()).snapshot).toBe(live);
});

test('a reader says which channel it shows: what was asked for, or live where there is none of that name', async () => {
  await origin.publish([await aPicture(origin, hat)]);
  const head = await origin.head();
  const at = async (seq: number, preview: object | undefined) =>
    await origin.writeHead({ ...head, seq, channels: { ...head.channels, preview } });
  const channelOf = async (channel?: string) => (await open(fromFolder(origin.folder, ''), { channel })).channel;
  await at(2, head.channels.live);
  expect([await channelOf(), await channelOf('preview'), await channelOf('nope')]).toEqual(['live', 'preview', 'live']);
  const onPreview = await open(fromFolder(origin.folder, ''), { channel: 'preview' });
  await at(3, undefined);
  expect((await onPreview.refresh()).channel).toBe('live');
  expect(onPreview.channel).toBe('preview');
});

test('what was moved is read and linked where it lies now, blob and node alike; unknown fields of a head are let be', async () => {
  const snapshot = await origin.publish([await aPicture(origin, hat)]);
  const plain = await open(fromFolder(origin.folder, ''));
  const derivative = (await plain.asset(hat))?.derivative({ width: 320 });
  if (!derivative) throw new Error('no derivative');
  const moved = {
    [manifestKey(snapshot)]: `m/${snapshot}-4f2a.json`,
    [blobKey(derivative)]: `b/ff/${derivative.sha256}-4f2a.jpg`,
  };
  await mkdir(path.join(origin.folder, 'b/ff'), { recursive: true });
  for (const [from, to] of Object.entries(moved))
    await rename(path.join(origin.folder, from), path.join(origin.folder, to));
  expect(await faultOf(open(fromFolder(origin.folder, '')).then((reader) => reader.asset(hat)))).toBe('missing');
  await origin.writeHead({ ...(await origin.head()), moved, tomorrow: { is: 'another day' } });
  const reader = await open(fromFolder(origin.folder, 'https://cdn.example.com'));
  expect(await reader.url(hat, { width: 320 })).toBe(`https://cdn.example.com/${moved[blobKey(derivative)]}`);
  expect(new TextDecoder().decode(await reader.bytes(hat, { width: 320 }))).toContain(hat);
  for (const key of ['b/../../etc/passwd', '//evil.example.com/x', 'b/aa', 7]) {
    await origin.writeHead({ ...(await origin.head()), moved: { [blobKey(derivative)]: key } });
    const fault = open(fromFolder(origin.folder, ''));
    if (key === 'b/aa') await fault;
    else expect(await faultOf(fault), String(key)).toBe('corrupt');
  }
});
