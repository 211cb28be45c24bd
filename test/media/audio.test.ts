import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { WorkResult } from '../../src/processors/contract.js';
import { attempt } from '../contracts/processors/suite.js';
import { boxesOf, lavfi, look, make } from '../support/clips.js';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'nightpress-audio-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Works one sound that `ffmpeg` makes from `args`. */
async function work(args: readonly string[], settings: Record<string, unknown> = {}, ext = 'wav') {
  const source = path.join(folder, `source.${ext}`);
  await make(source, ...args);
  return workFile(source, settings);
}

async function workFile(source: string, settings: Record<string, unknown> = {}) {
  const input = { key: path.basename(source), write: async (file: string) => writeFile(file, await readFile(source)) };
  const attempted = await attempt(folder, { kind: 'audio', settings, input });
  return { ...attempted, path: (file: string) => path.join(attempted.outbox, file) };
}

function outputsOf(result: WorkResult) {
  if (!result.ok) throw new Error(`${result.finding.code}: ${result.finding.message}`);
  return result.outputs;
}

const tone = 'sine=frequency=440:sample_rate=44100:duration=1';

test('each format becomes one file with its bit rate, mono stays mono', async () => {
  const { result, path: at } = await work(lavfi(tone), { formats: ['opus', 'mp3', 'aac'], kbps: { aac: 64 } });
  expect(outputsOf(result).map(({ variant, ext, type, file }) => [variant, ext, type, file])).toEqual([
    ['64k', 'm4a', 'audio/mp4', '64k.m4a'],
    ['192k', 'mp3', 'audio/mpeg', '192k.mp3'],
    ['96k', 'ogg', 'audio/ogg', '96k.ogg'],
  ]);
  const expected = [
    ['64k.m4a', 'aac', '44100'],
    ['192k.mp3', 'mp3', '44100'],
    ['96k.ogg', 'opus', '48000'],
  ] as const;
  for (const [file, codec_name, sample_rate] of expected) {
    const { streams, format } = await look(at(file));
    expect(streams).toMatchObject([{ codec_name, sample_rate, channels: 1 }]);
    expect(Math.abs(Number(format.duration) - 1)).toBeLessThan(0.1);
  }
  expect(outputsOf(result).every(({ duration = 0 }) => Math.abs(duration - 1) < 0.1)).toBe(true);
});

test('six channels become two, and rates that codecs lack become 48 kHz', async () => {
  const surround = 'anoisesrc=duration=1:amplitude=0.1:sample_rate=96000,aformat=channel_layouts=5.1';
  const { path: at } = await work(lavfi(surround), { formats: ['mp3'] });
  expect((await look(at('192k.mp3'))).streams).toMatchObject([{ channels: 2, sample_rate: '48000' }]);
});

test('cover and tags are not published, and an M4A has its index in front', async () => {
  const cover = path.join(folder, 'cover.png');
  await make(cover, ...lavfi('testsrc2=size=64x64:rate=1:duration=1'), '-frames:v', '1');
  const picture = ['-i', cover, '-map', '0', '-map', '1', '-c:v', 'copy', '-disposition:v', 'attached_pic'];
  const tags = ['-metadata', 'title=secret title', '-metadata', 'artist=Jane'];
  const { path: at } = await work([...lavfi(tone), ...picture, ...tags], { formats: ['aac', 'mp3', 'opus'] }, 'mp3');
  for (const file of ['128k.m4a', '192k.mp3', '96k.ogg']) {
    expect((await readFile(at(file))).toString('latin1')).not.toMatch(/secret|Jane|IHDR/);
    expect((await look(at(file))).streams).toHaveLength(1);
  }
  const boxes = await boxesOf(at('128k.m4a'));
  expect(boxes.indexOf('moov')).toBeLessThan(boxes.indexOf('mdat'));
});

test('of a clip the sound is taken', async () => {
  const args = [...lavfi('testsrc2=size=64x64:rate=10:duration=1', tone), '-c:a', 'aac'];
  const { result, path: at } = await work(args, {}, 'mp4');
  expect(result).toMatchObject({ ok: true, findings: [] });
  expect((await look(at('128k.m4a'))).streams).toMatchObject([{ codec_type: 'audio' }]);
});

test('sound that begins late in a clip begins at once when it stands alone', async () => {
  const late = [...lavfi('testsrc2=size=64x64:rate=10:duration=2'), '-itsoffset', '1', ...lavfi(tone)];
  const { result, path: at } = await work([...late, '-c:a', 'aac'], { formats: ['aac', 'mp3', 'opus'] }, 'mkv');
  outputsOf(result);
  for (const file of ['128k.m4a', '192k.mp3', '96k.ogg']) {
    expect(Math.abs(Number((await look(at(file))).format.duration) - 1)).toBeLessThan(0.1);
  }
});

test('a clip without sound is a finding that says so', async () => {
  const { result } = await work(lavfi('testsrc2=size=64x64:rate=10:duration=0.3'), {}, 'mp4');
  expect(result).toMatchObject({ ok: false, finding: { code: 'no-audio', class: 'input' } });
});

test('a click of a few samples is published', async () => {
  const { result } = await work(lavfi('sine=frequency=440:sample_rate=8000:duration=0.001'), {
    formats: ['aac', 'mp3', 'opus'],
  });
  expect(outputsOf(result)).toHaveLength(3);
});

test('of a recording cut off in the middle, what can be decoded is published and said to be short', async () => {
  const source = path.join(folder, 'cut.flac');
  await make(source, ...lavfi('anoisesrc=duration=4:amplitude=0.3:seed=7'));
  await truncate(source, Math.round((await readFile(source)).length / 2));
  const { result } = await workFile(source);
  expect(outputsOf(result)).toHaveLength(1);
  expect(result.ok && result.findings.map((finding) => finding.code)).toContain('shorter-than-declared');
});
