import { rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { OutboxFile, WorkOrder, WorkResult } from '../contract.js';
import { encodeArguments } from '../ffmpeg-argv.js';
import { type CheckedOutputs, checkOutputs } from '../ffmpeg-check.js';
import { runFfmpeg } from '../ffmpeg-run.js';
import { failureOf } from '../ffmpeg-verdict.js';
import { refuse } from '../refuse.js';

/** Where to look, as shares of the length: a tenth to a fifth in, then wider, at last the first frame. */
const places = [0.15, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 0.05, 0] as const;

/** Mean luma, from 16 (black) to 235; a title in white on black is brighter than this. */
const darkest = 24;

/** In the outbox it has no extension: by `.jpg` ffmpeg would read it as one of a numbered series. */
const posterName = 'poster';

type Refusal = Extract<WorkResult, { ok: false }>;

/**
 * Takes a still from a finished rendition: upright, mapped, of known length and proven to decode, none of which can be
 * said of the source. The price is the encoder's loss; the alternative would be to seek in hostile files.
 * The first place that is not dark wins, else the brightest.
 */
export async function makePoster(
  clip: OutboxFile,
  order: WorkOrder,
  signal: AbortSignal,
): Promise<CheckedOutputs | Refusal> {
  const failure = await takeBestFrame(clip, order, signal);
  if (failure) return failure;
  const streams = [{ codec_type: 'video', codec_name: 'mjpeg', width: clip.width, height: clip.height }];
  const { outputBytes } = order.limits;
  const still = { variant: 'poster', ext: 'jpg', type: 'image/jpeg', frames: 1, limitBytes: outputBytes };
  return checkOutputs([{ file: posterName, streams, ...still }], order, signal);
}

async function takeBestFrame(clip: OutboxFile, order: WorkOrder, signal: AbortSignal): Promise<Refusal | undefined> {
  let best = { place: 0, luma: -1 };
  for (const place of places) {
    const taken = await takeFrame(clip, place, order, signal);
    if (!taken.ok) return taken;
    if (taken.luma > darkest) return undefined;
    if (taken.luma > best.luma) best = { place, luma: taken.luma };
  }
  if (best.luma < 0) return refuse('output-unsound', 'no frame of the clip makes a poster', 'recipe');
  const again = await takeFrame(clip, best.place, order, signal);
  return again.ok ? undefined : again;
}

/** Writes the frame at `place`, a share of the length, and tells its mean luma; -1 when there is none. */
async function takeFrame(
  clip: OutboxFile,
  place: number,
  order: WorkOrder,
  signal: AbortSignal,
): Promise<{ readonly ok: true; readonly luma: number } | Refusal> {
  const file = path.join(order.outbox, posterName);
  await rm(file, { force: true });
  let luma: number | undefined;
  const onOther = (line: string): void => {
    const [, value] = /^lavfi\.signalstats\.YAVG=(.+)$/.exec(line) ?? [];
    if (value !== undefined) luma ??= Number(value);
  };
  const input = {
    file: path.join(order.outbox, clip.file),
    demuxers: 'mov',
    seekSeconds: (clip.duration ?? 0) * place,
  };
  const options = ['-frames:v', '1', '-c:v', 'mjpeg', '-q:v', '3'];
  const output = { file, format: 'mjpeg', maps: ['[still]'], options, limitBytes: order.limits.outputBytes };
  const end = await runFfmpeg({ args: encodeArguments(input, [stillGraph], [output]), signal, onOther });
  const failure = await failureOf(end, order);
  if (failure) return failure;
  return { ok: true, luma: (await isThere(file)) ? (luma ?? 0) : -1 };
}

/** JPEG has its own colour matrix and the full range. */
const stillGraph = [
  '[0:v:0]signalstats',
  'metadata=mode=print:key=lavfi.signalstats.YAVG:file=-',
  'scale=flags=lanczos+accurate_rnd+full_chroma_int+bitexact:in_color_matrix=bt709:out_color_matrix=bt601:out_range=pc',
  'format=yuvj420p[still]',
].join(',');

/** A seek to where no frame follows ends well and writes an empty file, or none. */
function isThere(file: string): Promise<boolean> {
  return stat(file).then(
    ({ size }) => size > 0,
    () => false,
  );
}
