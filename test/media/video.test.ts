import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { WorkResult } from '../../src/processors/contract.js';
import { recipeKind } from '../../src/processors/video/recipe.js';
import { processor } from '../../src/processors/video/work.js';
import { attempt } from '../contracts/processors/suite.js';
import { boxesOf, colourAt, combedFrames, frameTimes, lavfi, look, make } from '../support/clips.js';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'nightpress-video-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Works one clip that `ffmpeg` makes from `args`. */
async function work(args: readonly string[], settings: Record<string, unknown> = {}, ext = 'mp4') {
  return workFile(path.join(folder, `source.${ext}`), (file) => make(file, ...args), settings);
}

async function workFile(
  source: string,
  write: (file: string) => Promise<void>,
  settings: Record<string, unknown> = {},
) {
  await write(source);
  const input = { key: path.basename(source), write: async (file: string) => writeFile(file, await readFile(source)) };
  const fast = { preset: 'superfast', poster: false, ...settings };
  const attempted = await attempt(folder, { kind: 'video', settings: fast, input });
  return { ...attempted, path: (variant: string) => path.join(attempted.outbox, fileOf(attempted.result, variant)) };
}

function fileOf(result: WorkResult, variant: string): string {
  const output = outputsOf(result).find((one) => one.variant === variant);
  if (!output) throw new Error(`no ${variant} among ${outputsOf(result).map((one) => one.variant)}`);
  return output.file;
}

function outputsOf(result: WorkResult) {
  if (!result.ok) throw new Error(`${result.finding.code}: ${result.finding.message}`);
  return result.outputs;
}

function codeOf(result: WorkResult): string {
  return result.ok ? 'accepted' : result.finding.code;
}

function noticesOf(result: WorkResult): readonly string[] {
  outputsOf(result);
  return result.ok ? result.findings.map((finding) => finding.code) : [];
}

const second = 'testsrc2=size=320x240:rate=25:duration=1';
const tone = 'sine=frequency=440:sample_rate=44100:duration=1';

test('a clip with sound becomes one MP4 for each height and a poster', async () => {
  const { result, path: at } = await work([...lavfi(second, tone), '-c:a', 'aac'], {
    heights: [120, 180],
    poster: true,
  });
  expect(outputsOf(result).map(({ variant, ext, type, width, height }) => [variant, ext, type, width, height])).toEqual(
    [
      ['120p', 'mp4', 'video/mp4', 160, 120],
      ['180p', 'mp4', 'video/mp4', 240, 180],
      ['poster', 'jpg', 'image/jpeg', 160, 120],
    ],
  );
  const { streams } = await look(at('180p'));
  expect(streams).toMatchObject([
    {
      codec_name: 'h264',
      profile: 'High',
      pix_fmt: 'yuv420p',
      width: 240,
      height: 180,
      sample_aspect_ratio: '1:1',
      color_space: 'bt709',
      nb_read_frames: '25',
    },
    { codec_name: 'aac', channels: 1, sample_rate: '48000' },
  ]);
  expect(result).toMatchObject({ source: { type: 'video/mp4', width: 320, height: 240 }, findings: [] });
  const { duration = 0 } = result.ok ? result.source : {};
  expect(Math.abs(duration - 1)).toBeLessThan(0.1);
});

test('a clip without sound stays without', async () => {
  const { path: at } = await work(lavfi(second), { heights: [120] });
  expect((await look(at('120p'))).streams).toHaveLength(1);
});

test('six channels become two', async () => {
  const surround = 'anoisesrc=duration=1:amplitude=0.1,aformat=channel_layouts=5.1';
  const { path: at } = await work([...lavfi(second, surround), '-c:a', 'ac3'], { heights: [120] }, 'mkv');
  expect((await look(at('120p'))).streams[1]).toMatchObject({ codec_name: 'aac', channels: 2 });
});

test('nothing is enlarged: heights at or above the own collapse into the own, made even', async () => {
  const odd = 'testsrc2=size=161x121:rate=10:duration=0.5,format=yuv444p';
  const { result } = await work([...lavfi(odd), '-c:v', 'ffv1'], { heights: [720, 120, 1080], poster: true }, 'mkv');
  expect(outputsOf(result).map(({ variant, width, height }) => [variant, width, height])).toEqual([
    ['120p', 160, 120],
    ['poster', 160, 120],
  ]);
});

test('a clip filmed with the camera turned is published upright', async () => {
  const halves = 'color=red:size=160x120:rate=10:duration=0.5,drawbox=x=80:w=80:h=120:color=blue:t=fill';
  const flat = path.join(folder, 'flat.mp4');
  await make(flat, ...lavfi(halves));
  const turned = ['-i', flat, '-c', 'copy', '-metadata:s:v', 'rotate=90'];
  const { result, path: at } = await work(turned, { heights: [160] });
  expect(outputsOf(result)[0]).toMatchObject({ width: 120, height: 160 });
  expect(result).toMatchObject({ source: { width: 120, height: 160 } });
  const top = await colourAt(at('160p'), '100:40:10:10');
  const bottom = await colourAt(at('160p'), '100:40:10:110');
  const reds = [top[0], bottom[0]].sort((a, b) => a - b);
  expect(reds[0]).toBeLessThan(60);
  expect(reds[1]).toBeGreaterThan(200);
  expect((await look(at('160p'))).streams[0]).not.toHaveProperty('side_data_list');
});

test('pixels that are not square are made square', async () => {
  const { result, path: at } = await work(lavfi(`${second},setsar=2/1`), { heights: [720] });
  expect(outputsOf(result)[0]).toMatchObject({ variant: '240p', width: 640, height: 240 });
  expect((await look(at('240p'))).streams[0]).toMatchObject({ sample_aspect_ratio: '1:1' });
});

test('colours survive, whatever matrix and range they came in', async () => {
  for (const matrix of ['bt709', 'smpte170m']) {
    const colour = `color=0xc02040:size=160x120:rate=10:duration=0.3,scale=out_color_matrix=${matrix}:out_range=pc,format=yuv420p`;
    const tagged = ['-color_range', 'pc', '-colorspace', matrix, '-c:v', 'libx264', '-crf', '1'];
    const { path: at } = await work([...lavfi(colour), ...tagged], { heights: [120], crf: 5, poster: true });
    for (const file of [at('120p'), at('poster')]) {
      const [red, green, blue] = await colourAt(file, '80:60:40:30');
      expect(Math.hypot(red - 0xc0, green - 0x20, blue - 0x40)).toBeLessThan(12);
    }
  }
});

test('an HDR clip is mapped to the ordinary range', async () => {
  const white = 'color=0x949494:size=160x120:rate=10:duration=0.3,format=yuv420p10le';
  const pq = ['-color_trc', 'smpte2084', '-color_primaries', 'bt2020', '-colorspace', 'bt2020nc', '-color_range', 'tv'];
  const { result, path: at } = await work([...lavfi(white), '-c:v', 'libx264', ...pq], { heights: [120] });
  expect(noticesOf(result)).toEqual([]);
  const [stream] = (await look(at('120p'))).streams;
  expect(stream).toMatchObject({ pix_fmt: 'yuv420p', color_transfer: 'bt709', color_space: 'bt709' });
  const [red] = await colourAt(at('120p'), '80:60:40:30');
  expect(red).toBeGreaterThan(180); // white of a page is 58 % of the PQ signal, unmapped a dull grey of 148
});

test('an interlaced clip loses its combs', async () => {
  const moving = 'testsrc2=size=320x240:rate=50:duration=1,tinterlace=mode=interleave_top,setfield=tff';
  const mpeg2 = ['-c:v', 'mpeg2video', '-flags', '+ilme+ildct', '-top', '1', '-q:v', '2'];
  const { path: at } = await work([...lavfi(moving), ...mpeg2], { heights: [240] }, 'mpg');
  expect(await combedFrames(path.join(folder, 'source.mpg'))).toBe(25);
  expect(await combedFrames(at('240p'))).toBeLessThan(10);
});

test('frames keep their own times', async () => {
  const uneven = "testsrc2=size=160x120:rate=25:duration=1,settb=1/1000,setpts='N*40+if(gte(N,12),17,0)'";
  const exact = ['-fps_mode', 'passthrough', '-enc_time_base', '1:1000'];
  const { path: at } = await work([...lavfi(uneven), ...exact], { heights: [120] }, 'mkv');
  expect(await frameTimes(at('120p'))).toEqual(await frameTimes(path.join(folder, 'source.mkv')));
});

test('sound that begins late stays late', async () => {
  const late = [...lavfi('testsrc2=size=160x120:rate=10:duration=2'), '-itsoffset', '1', ...lavfi(tone)];
  const { path: at } = await work([...late, '-c:a', 'aac'], { heights: [120] }, 'mkv');
  const [, sound] = (await look(at('120p'))).streams;
  expect(Math.abs(Number(sound?.start_time) - 1)).toBeLessThan(0.1);
});

test('frames beyond the limit are dropped and none is invented', async () => {
  const fast = 'testsrc2=size=160x120:rate=120:duration=1';
  const capped = await work(lavfi(fast), { heights: [120], maxFps: 60 });
  expect((await look(capped.path('120p'))).streams[0]).toMatchObject({ nb_read_frames: '60' });
  const slow = await work(lavfi('testsrc2=size=160x120:rate=5:duration=1'), { heights: [120] });
  expect((await look(slow.path('120p'))).streams[0]).toMatchObject({ nb_read_frames: '5' });
});

test('the index lies in front of the media', async () => {
  const { path: at } = await work(lavfi(second), { heights: [120] });
  const boxes = await boxesOf(at('120p'));
  expect(boxes.indexOf('moov')).toBeLessThan(boxes.indexOf('mdat'));
});

test('nothing of the metadata is published', async () => {
  const told = ['location=+48.1372+011.5755/', 'title=secret title', 'comment=secret comment', 'artist=Jane'];
  const args = [...lavfi(second), ...told.flatMap((tag) => ['-metadata', tag]), '-metadata:s:v', 'handler_name=secret'];
  const { path: at } = await work(args, { heights: [120], poster: true });
  for (const variant of ['120p', 'poster']) {
    expect((await readFile(at(variant))).toString('latin1')).not.toMatch(/48\.13|secret|Jane/);
  }
});

test('the poster is not black when the clip begins in the dark', async () => {
  const dark = 'color=black:size=160x120:rate=10:duration=1.5';
  const light = 'color=white:size=160x120:rate=10:duration=0.5';
  const both = [...lavfi(dark, light), '-filter_complex', '[0][1]concat=n=2:v=1[v]', '-map', '[v]'];
  const { path: at } = await work(both, { heights: [120], poster: true });
  expect((await colourAt(at('poster'), '100:100:10:10'))[0]).toBeGreaterThan(200);
});

test.each([
  ['that is black throughout', 'color=black:size=160x120:rate=10:duration=1'],
  ['of a single frame', 'testsrc2=size=160x120:rate=25:duration=0.04'],
])('a clip %s has a poster all the same', async (_, graph) => {
  const { result } = await work(lavfi(graph), { heights: [120], poster: true });
  expect(outputsOf(result).map((output) => output.variant)).toEqual(['120p', 'poster']);
});

test('music with a cover picture is no video', async () => {
  const cover = path.join(folder, 'cover.png');
  await make(cover, ...lavfi('testsrc2=size=64x64:rate=1:duration=1'), '-frames:v', '1');
  const args = [
    ...lavfi(tone),
    '-i',
    cover,
    '-map',
    '0',
    '-map',
    '1',
    '-c:v',
    'copy',
    '-disposition:v',
    'attached_pic',
  ];
  expect(codeOf((await work(args, {}, 'mp3')).result)).toBe('no-video');
});

test('of several picture tracks the one marked as default is taken', async () => {
  const tracks = [
    ...lavfi('color=red:size=64x64:duration=0.2', 'color=blue:size=96x96:duration=0.2'),
    '-map',
    '0',
    '-map',
    '1',
  ];
  const { result } = await work([...tracks, '-disposition:v:0', '0', '-disposition:v:1', 'default'], {}, 'mkv');
  expect(result).toMatchObject({ source: { width: 96, height: 96 } });
});

test('a file cut off before its index is refused with what ffmpeg said', async () => {
  const { result } = await workFile(path.join(folder, 'cut.mp4'), async (file) => {
    await make(file, ...lavfi(second));
    await truncate(file, 5000);
  });
  if (result.ok) throw new Error('it was accepted');
  expect(result.finding).toMatchObject({ code: 'decode-failed', class: 'input' });
  expect(result.finding.message).toContain('moov atom not found');
  expect(result.finding.message).not.toMatch(/0x[0-9a-f]+/);
});

test('of a file cut off behind its index, what can be decoded is published and said to be short', async () => {
  const { result } = await workFile(path.join(folder, 'cut.mkv'), async (file) => {
    await make(file, ...lavfi('testsrc2=size=320x240:rate=25:duration=4'), '-g', '10');
    await truncate(file, Math.round((await readFile(file)).length / 2));
  });
  expect(noticesOf(result)).toContain('shorter-than-declared');
});

test('a declared duration of days decides nothing', async () => {
  const { result } = await workFile(path.join(folder, 'liar.mkv'), async (file) => {
    await make(file, ...lavfi(second));
    const bytes = await readFile(file);
    const at = bytes.indexOf(Buffer.from([0x44, 0x89, 0x88]));
    bytes.writeDoubleBE(143_165_643, at + 3);
    await writeFile(file, bytes);
  });
  expect(noticesOf(result)).toEqual(['shorter-than-declared']);
  expect(result.ok && (result.source.duration ?? 0)).toBeLessThan(2);
});

test('an output that reaches its limit is a finding, not a shorter clip', async () => {
  const { order } = await work(lavfi('testsrc2=size=320x240:rate=25:duration=2'), { heights: [240] });
  const outbox = await mkdtemp(path.join(folder, 'second-outbox-'));
  const limits = { ...order.limits, outputBytes: 20_000 };
  const settings = recipeKind.schema.parse(order.settings);
  const context = { sniffed: { type: 'video/mp4' }, progress: () => undefined, signal: new AbortController().signal };
  const result = await processor.work({ ...order, settings, limits, outbox }, context);
  expect(result).toMatchObject({ ok: false, finding: { code: 'output-limit', class: 'resource' } });
});
