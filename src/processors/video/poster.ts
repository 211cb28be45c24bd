import { rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { WorkOrder, WorkResult } from '../contract.js';
import { encodeArguments } from '../ffmpeg-argv.js';
import { runFfmpeg } from '../ffmpeg-run.js';
import { failureOf } from '../ffmpeg-verdict.js';
import { refuse } from '../refuse.js';

/** Where to look, as shares of the length: a tenth to a fifth in, then wider, at last the first frame. */
const places = [0.15, 0.1, 0.2, 0.3, 0.5, 0.7, 0.05, 0] as const;

/** Mean luma from 16 (black) to 235; a title in white on black is brighter than this. */
const darkest = 24;

export interface PosterCall {
  /** A finished rendition, absolute path. */
  readonly clip: string;
  readonly seconds: number;
  /** Name of the poster inside the outbox. */
  readonly file: string;
  readonly limitBytes: number;
}

type Refusal = Extract<WorkResult, { ok: false }>;
type Made = { readonly ok: true } | Refusal;

/**
 * Takes a still from a finished rendition: upright, mapped, of known length and proven to decode, which none of the
 * source can be trusted with. The price is the encoder's loss; seeking in hostile files would be the alternative.
 * The first place that is not dark wins, else the brightest.
 */
export async function makePoster(call: PosterCall, order: WorkOrder, signal: AbortSignal): Promise<Made> {
  let best = { place: 0, luma: -1 };
  for (const place of places) {
    const taken = await takeFrame(call, place, order, signal);
    if (!taken.ok) return taken;
    if (taken.luma > darkest) return { ok: true };
    if (taken.luma > best.luma) best = { place, luma: taken.luma };
  }
  const again = await takeFrame(call, best.place, order, signal);
  return again.ok && again.luma < 0
    ? refuse('output-unsound', 'no frame of the clip makes a poster', 'transient')
    : again;
}

/** The frame's mean luma; -1 when there is no frame at that place. */
async function takeFrame(
  call: PosterCall,
  place: number,
  order: WorkOrder,
  signal: AbortSignal,
): Promise<{ readonly ok: true; readonly luma: number } | Refusal> {
  const file = path.join(order.outbox, call.file);
  await rm(file, { force: true });
  let luma: number | undefined;
  const onOther = (line: string): void => {
    const [, value] = /^lavfi\.signalstats\.YAVG=(.+)$/.exec(line) ?? [];
    if (value !== undefined) luma ??= Number(value);
  };
  const input = { file: call.clip, demuxers: 'mov', seekSeconds: call.seconds * place };
  const options = ['-frames:v', '1', '-c:v', 'mjpeg', '-q:v', '3'];
  const output = { file, format: 'mjpeg', maps: ['[still]'], options, limitBytes: call.limitBytes };
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
async function isThere(file: string): Promise<boolean> {
  return stat(file).then(
    ({ size }) => size > 0,
    () => false,
  );
}
