import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { mediaType } from '../domain/media-types.js';
import type { Digest } from '../domain/types.js';
import type { OutboxFile, WorkOrder, WorkResult } from './contract.js';
import { decodeArguments } from './ffmpeg-argv.js';
import { type FfmpegEnd, runFfmpeg } from './ffmpeg-run.js';
import { probe, type Stream } from './ffprobe.js';
import { wrongBoxOrder } from './mp4-index.js';
import { refuse } from './refuse.js';
import { sniff } from './sniff.js';
import { meterToolCpu } from './tool-cpu.js';

/** What a finished output must be. */
export interface Expected {
  /** Name inside the outbox. */
  readonly file: string;
  readonly variant: string;
  readonly ext: string;
  readonly type: string;
  /** Exactly these streams, in this order; every property named must be as named. */
  readonly streams: readonly Partial<Stream>[];
  /** Video frames that went in. */
  readonly frames?: number;
  /** Length of what went in, as ffmpeg told it while writing; absent for a still picture. */
  readonly seconds?: number;
  /** The size at which ffmpeg ends a file without a word. */
  readonly limitBytes: number;
}

type Refusal = Extract<WorkResult, { ok: false }>;
type NonEmpty<T> = readonly [T, ...T[]];

export interface CheckedOutputs {
  readonly ok: true;
  readonly outputs: NonEmpty<OutboxFile>;
  /** CPU of the tools that checked. */
  readonly verifyCpuMs: number;
}

/**
 * Proves outputs before they count: size limit, type by content, streams, no metadata, every frame decodes without a
 * word, number of frames and length, and the index of an MP4 in front. Then hashes them.
 */
export async function checkOutputs(
  expected: NonEmpty<Expected>,
  order: WorkOrder,
  signal: AbortSignal,
): Promise<CheckedOutputs | Refusal> {
  const readCpu = await meterToolCpu();
  const outputs: OutboxFile[] = [];
  for (const one of expected) {
    const checked = await checkOutput(one, order, signal);
    if (!checked.ok) return checked;
    outputs.push(checked.output);
  }
  return { ok: true, outputs: outputs as [OutboxFile, ...OutboxFile[]], verifyCpuMs: await readCpu() };
}

async function checkOutput(
  expected: Expected,
  order: WorkOrder,
  signal: AbortSignal,
): Promise<{ readonly ok: true; readonly output: OutboxFile } | Refusal> {
  const file = path.join(order.outbox, expected.file);
  const { size } = await stat(file);
  if (size >= expected.limitBytes) {
    const problem = `${expected.file} reached ${size} bytes, expected fewer than ${expected.limitBytes}`;
    return refuse('output-limit', problem, 'resource');
  }
  const { type } = await sniff(file);
  if (type !== expected.type) return unsound(expected, `its type is ${type}, expected ${expected.type}`);
  const input = { file, demuxers: demuxersOf(type) };
  const probed = await probe({ input, order, signal, tags: true });
  if (!probed.ok) return unsound(expected, probed.finding.message);
  const decoded = await runFfmpeg({ args: decodeArguments(input), signal });
  const complaint =
    wrongTags([probed.probe.format, ...probed.probe.streams]) ??
    wrongStreams(expected.streams, probed.probe.streams) ??
    wrongContent(expected, decoded, probed.probe.format.start_time) ??
    (input.demuxers.includes('mp4') ? await wrongBoxOrder(file) : undefined);
  if (complaint !== undefined) return unsound(expected, complaint);
  return { ok: true, output: await describe(expected, file, { bytes: size, seconds: decoded.seconds }) };
}

/** Our own mistake or the tool's, never the input's. The same bytes would come out again, so nobody tries again unasked. */
function unsound(expected: Expected, complaint: string): Refusal {
  return refuse('output-unsound', `${expected.file}: ${complaint}`, 'recipe');
}

/** A still picture is no asset for ffmpeg, but our own poster is read back by it. */
function demuxersOf(type: string): string {
  return type === 'image/jpeg' ? 'jpeg_pipe' : (mediaType(type).demuxers ?? '');
}

/** Written by muxers of their own accord: brands, the kind of a track, the encoder's name without its version. */
const harmlessTags = [
  ...['major_brand', 'minor_version', 'compatible_brands'],
  ...['handler_name', 'vendor_id', 'language', 'encoder'],
];

function wrongTags(parts: readonly Pick<Stream, 'tags'>[]): string | undefined {
  const names = parts.flatMap((part) => Object.keys(part.tags)).filter((name) => !harmlessTags.includes(name));
  return names.length > 0 ? `it carries metadata: ${names.join(', ')}` : undefined;
}

function wrongStreams(wanted: Expected['streams'], found: readonly Stream[]): string | undefined {
  if (found.length !== wanted.length) return `it has ${found.length} streams, expected ${wanted.length}`;
  return wanted.map((stream, n) => difference(stream, found[n])).find((problem) => problem !== undefined);
}

function difference(wanted: Partial<Stream>, found: Stream | undefined): string | undefined {
  const seen: Readonly<Record<string, unknown>> = { ...found };
  const wrong = Object.entries(wanted).find(([name, value]) => seen[name] !== value);
  return wrong && `${wrong[0]} is ${String(seen[wrong[0]])}, expected ${String(wrong[1])}`;
}

function wrongContent(expected: Expected, decoded: FfmpegEnd, start = 0): string | undefined {
  const { exitCode, stderr, stalled, frames, seconds } = decoded;
  if (stalled) return 'its decoding stood still';
  if (exitCode !== 0 || stderr !== '') return `it does not decode cleanly: ${stderr.split('\n', 1)[0]}`;
  if (expected.frames !== undefined && frames !== expected.frames) {
    return `${frames} frames came out, expected the ${expected.frames} that went in`;
  }
  return wrongLength(expected, seconds + start); // ffmpeg counts from where a file begins; a late beginning is no loss
}

/**
 * A tenth of a second is what encoders of sound add. Only a clip may be longer than ffmpeg said while it wrote: the time
 * is told in decoding order, which runs behind by the frames x264 holds back. Its frames have been counted.
 */
function wrongLength({ seconds: wanted, frames }: Expected, seconds: number): string | undefined {
  if (wanted === undefined) return undefined;
  const isRight = seconds > wanted - 0.1 && (frames !== undefined || seconds < wanted + 0.1);
  return isRight ? undefined : `it lasts ${seconds.toFixed(3)} s, expected ${wanted.toFixed(3)} s`;
}

async function describe(
  expected: Expected,
  file: string,
  measured: { readonly bytes: number; readonly seconds: number },
): Promise<OutboxFile> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  const { variant, ext, type } = expected;
  const video = expected.streams.find((stream) => stream.codec_type === 'video');
  return {
    file: expected.file,
    variant,
    sha256: hash.digest('hex') as Digest,
    bytes: measured.bytes,
    type,
    ext,
    ...(video && { width: video.width, height: video.height }),
    ...(expected.seconds !== undefined && { duration: Math.round(measured.seconds * 1000) / 1000 }),
  };
}
