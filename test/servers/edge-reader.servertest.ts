import { rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Head, serializeHead } from '../../src/domain/head.js';
import { blobKey, manifestKey } from '../../src/domain/origin-keys.js';
import type { Entry } from '../../src/domain/types.js';
import { type AnOrigin, anOrigin, digestOf, entryOf } from '../support/an-origin.js';
import { type Served, serve } from '../support/origin-server.js';
import { type Readers, startWatching } from '../support/readers.js';
import { filesOf } from '../support/static-files.js';
import { until } from '../support/until.js';
import type { SeenAtEdge } from './edge-reader.js';
import { twins } from './edge-sources.js';

/** The readers of `npm run torture:edges` at an origin that is not what it says: what they find nothing wrong with is right. */
let origin: AnOrigin;
/** One for each reader, to tell apart who asked. */
let servers: readonly [Served, Served];
let readers: Readers<SeenAtEdge>;

beforeEach(async () => {
  origin = await anOrigin();
  servers = [await serve(filesOf(origin.folder)), await serve(filesOf(origin.folder))];
});
afterEach(async () => {
  for (const server of servers) await server.end();
  await origin.end();
});

async function entry(key: string, night: string): Promise<Entry> {
  const derivative = { path: key, type: 'text/plain', ext: 'txt', variant: 'original', text: `${key} of ${night}` };
  const made = entryOf(key, 'text/plain', [await origin.derivative(derivative)], 'rest');
  return { ...made, source: { ...made.source, sha256: digestOf(night) } };
}

const publish = async (...nights: readonly string[]) =>
  await origin.publish(await Promise.all(twins.map((twin, at) => entry(twin, nights[at % nights.length] ?? ''))));

async function look(): Promise<void> {
  const program = new URL('edge-reader.ts', import.meta.url);
  readers = startWatching(program, [
    ['client', servers[0].url, '1'],
    ['raw', servers[1].url, servers[1].url, '2'],
  ]);
  await looked();
}

/** Each of them began one look and another, so the first was to its end. */
async function looked(): Promise<void> {
  const heads = ({ asked }: Served) => asked.filter((key) => key.startsWith('/head.json')).length;
  const before = servers.map(heads);
  const isDone = () => servers.every((server, at) => heads(server) >= (before[at] ?? 0) + 2) || undefined;
  await until(isDone, 'they have looked', 60_000);
}

/** In one step, as a store does it. */
async function rewind(head: Head): Promise<void> {
  const file = path.join(origin.folder, 'head.json');
  await writeFile(`${file}.new`, serializeHead(head));
  await rename(`${file}.new`, file);
}

async function everyFlaw(): Promise<readonly string[]> {
  await readers.stop();
  return ['reader 1', 'reader 2'].map((name) => readers.violations.find((flaw) => flaw.startsWith(name)) ?? '');
}

test('an origin that is whole, and one whose head goes back, are no violation; the older head is refused', async () => {
  await publish('monday');
  const monday = await origin.head();
  await publish('tuesday');
  await look();
  await rewind(monday);
  await looked();
  const seen = await readers.stop();
  expect(readers.violations).toEqual([]);
  for (const one of seen) expect([one.snapshots, one.refused > 0, one.blobs > 0]).toEqual([1, true, true]);
});

test('assets of two nights in one snapshot are told', async () => {
  await publish('monday', 'tuesday');
  await look();
  const mixed = expect.stringContaining('mixes nights');
  expect(await everyFlaw()).toEqual([mixed, mixed]);
});

test('a blob with other bytes is told', async () => {
  await publish('monday');
  for (const twin of twins) {
    const sha256 = digestOf(`${twin} of monday`);
    await writeFile(path.join(origin.folder, blobKey({ sha256, ext: 'txt' })), `${twin} of sunday`);
  }
  await look();
  expect(await everyFlaw()).toEqual([
    expect.stringContaining('bytes of sha256'),
    expect.stringContaining('other bytes than its name says'),
  ]);
});

test('a manifest node that is missing is told', async () => {
  const snapshot = await publish('monday');
  await rm(path.join(origin.folder, manifestKey(snapshot)));
  await look();
  expect(await everyFlaw()).toEqual([expect.stringContaining('is not there'), expect.stringContaining('answers 404')]);
});
