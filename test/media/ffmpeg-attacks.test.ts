import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sha256 } from '../../src/domain/digest.js';
import type { ItemId } from '../../src/domain/types.js';
import { recipeKind as audioKind } from '../../src/processors/audio/recipe.js';
import { processor as audio } from '../../src/processors/audio/work.js';
import type { WorkOrder, WorkResult } from '../../src/processors/contract.js';
import { sniff } from '../../src/processors/sniff.js';
import { recipeKind as videoKind } from '../../src/processors/video/recipe.js';
import { processor as video } from '../../src/processors/video/work.js';
import { lavfi, make } from '../support/clips.js';

/**
 * Files that are scripts to ffmpeg: they name a neighbour's file, whose pictures and sound would then be published.
 * Each is given twice: as what it is, and as if the sniffer had been deceived.
 */
let folder = '';
let neighbour = '';
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'nightpress-attack-'));
  neighbour = path.join(folder, 'neighbour.ts');
  await make(neighbour, ...lavfi('testsrc2=size=64x64:rate=25:duration=0.4', 'sine=duration=0.4'), '-f', 'mpegts');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const scripts: Readonly<Record<string, () => string>> = {
  'an HLS playlist': () => hls(`file://${neighbour}`),
  'an HLS playlist with a path': () => hls(neighbour),
  'a concat script': () => 'ffconcat version 1.0\nfile neighbour.ts\n',
  'a DASH manifest': () =>
    `<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT1S"><Period><AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>file://${neighbour}</BaseURL></Representation></AdaptationSet></Period></MPD>`,
};

function hls(target: string): string {
  return `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:0.4,\n${target}\n#EXT-X-ENDLIST\n`;
}

/** Types whose demuxers a deceived sniffer might let at the file. */
const mistaken = ['video/mp4', 'video/mp2t', 'video/matroska', 'audio/mpeg', 'audio/ogg', 'audio/wav'];

for (const [name, write] of Object.entries(scripts)) {
  test(`${name} named like a clip is not given to ffmpeg`, async () => {
    const file = path.join(folder, 'x.mp4');
    await writeFile(file, write());
    for (const result of await workBoth(file, (await sniff(file)).type)) {
      expect(result).toMatchObject({ ok: false, finding: { code: 'unsupported-type', class: 'input' } });
    }
  });

  test(`${name} taken for a clip is refused by ffmpeg, and nothing of the neighbour comes out`, async () => {
    const file = path.join(folder, 'x.mp4');
    await writeFile(file, write());
    for (const type of mistaken) {
      for (const result of await workBoth(file, type)) expect(result.ok).toBe(false);
    }
  });
}

test('the neighbour itself is a clip like any other', async () => {
  const file = path.join(folder, 'real.mp4');
  await copyFile(neighbour, file);
  for (const result of await workBoth(file, (await sniff(file)).type)) expect(result.ok).toBe(true);
});

async function workBoth(file: string, type: string): Promise<readonly WorkResult[]> {
  const context = { sniffed: { type }, progress: () => undefined, signal: new AbortController().signal };
  const order = await orderFor(file);
  const clip = await video.work(
    { ...order, kind: 'video', settings: videoKind.schema.parse({ heights: [64] }) },
    context,
  );
  const again = await orderFor(file);
  const sound = await audio.work({ ...again, kind: 'audio', settings: audioKind.schema.parse({}) }, context);
  for (const [result, { outbox }] of [
    [clip, order],
    [sound, again],
  ] as const) {
    if (!result.ok) expect(await readdir(outbox)).toEqual([]);
  }
  return [clip, sound];
}

async function orderFor(file: string): Promise<Omit<WorkOrder, 'settings' | 'kind'>> {
  const outbox = await mkdtemp(path.join(folder, 'outbox-'));
  await mkdir(outbox, { recursive: true });
  const bytes = await readFile(file);
  const input = { file, sha256: sha256(bytes), bytes: bytes.length, key: 'x.mp4' };
  return { item: sha256('x') as string as ItemId, input, outbox, limits: videoKind.limits };
}
