import { z } from 'zod';
import type { WorkOrder, WorkResult } from './contract.js';
import { type FfmpegInput, probeArguments } from './ffmpeg-argv.js';
import { runTool } from './ffmpeg-run.js';
import { failureOf } from './ffmpeg-verdict.js';
import { refuse } from './refuse.js';

const decimal = z.string().transform(Number).pipe(z.number());
const tags = z.record(z.string(), z.string()).default({});

const streamSchema = z.object({
  index: z.int(),
  codec_type: z.string().optional(),
  codec_name: z.string().optional(),
  profile: z.string().optional(),
  width: z.int().optional(),
  height: z.int().optional(),
  sample_aspect_ratio: z.string().optional(),
  pix_fmt: z.string().optional(),
  field_order: z.string().optional(),
  color_range: z.string().optional(),
  color_space: z.string().optional(),
  color_transfer: z.string().optional(),
  color_primaries: z.string().optional(),
  duration: decimal.optional(),
  sample_rate: decimal.optional(),
  channels: z.int().optional(),
  disposition: z.record(z.string(), z.number()).default({}),
  side_data_list: z.array(z.looseObject({ rotation: z.number().optional() })).default([]),
  tags,
});

const probeSchema = z.object({
  streams: z.array(streamSchema).default([]),
  format: z.object({ duration: decimal.optional(), start_time: decimal.optional(), tags }),
});

/** One stream as ffprobe describes it: claims of the container and of the first packets, not of all that follows. */
export type Stream = z.infer<typeof streamSchema>;
export type Probe = z.infer<typeof probeSchema>;

/** Only what is used: the tags of a hostile file may be megabytes. */
const streamFields = Object.keys(streamSchema.shape).filter(
  (name) => !['disposition', 'side_data_list', 'tags'].includes(name),
);
const entries = [
  'format=duration,start_time',
  `stream=${streamFields.join(',')}`,
  'stream_disposition=default,attached_pic,timed_thumbnails,still_image',
  'stream_side_data=rotation',
];
const tagEntries = ['format_tags', 'stream_tags'];

/** A manifest is known that holds ffprobe for over half a minute; no honest file does. */
const probeMs = 30_000;
const longestAnswer = 4_000_000;

export interface ProbeCall {
  readonly input: FfmpegInput;
  readonly order: WorkOrder;
  readonly signal: AbortSignal;
  /** Ask for tags too; only for files of our own making. */
  readonly tags?: boolean;
}

/** What is in a file, without decoding all of it. A file that cannot be opened is a finding. */
export async function probe(call: ProbeCall): Promise<{ ok: true; probe: Probe } | Extract<WorkResult, { ok: false }>> {
  const lines: string[] = [];
  let length = 0;
  const end = await runTool({
    tool: 'ffprobe',
    args: probeArguments(call.input, call.tags ? [...entries, ...tagEntries] : entries),
    signal: call.signal,
    stallMs: probeMs,
    onLine: (line) => {
      length += line.length;
      if (length <= longestAnswer) lines.push(line);
      return false;
    },
  });
  const failure = await failureOf(end, call.order);
  if (failure) return failure;
  const parsed = probeSchema.safeParse(parseJson(lines.join('\n')));
  if (!parsed.success) return refuse('decode-failed', 'ffprobe describes it in a way that cannot be understood');
  return { ok: true, probe: parsed.data };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the schema refuses it, like any other answer that is none
  }
}

/** A picture track that plays: cover art and thumbnails are none, nor is a track whose pictures nobody can size. */
export function isVideo(stream: Stream): stream is Stream & { width: number; height: number } {
  const still = ['attached_pic', 'timed_thumbnails', 'still_image'].some((name) => stream.disposition[name] === 1);
  return stream.codec_type === 'video' && !still && hasSize(stream) && stream.pix_fmt !== undefined;
}

/** A sound track with a decoder; ffprobe leaves the channels of unknown codecs at zero. */
export function isAudio(stream: Stream): boolean {
  return (
    stream.codec_type === 'audio' &&
    stream.codec_name !== undefined &&
    (stream.channels ?? 0) > 0 &&
    (stream.sample_rate ?? 0) > 0
  );
}

function hasSize(stream: Stream): boolean {
  return (stream.width ?? 0) > 0 && (stream.height ?? 0) > 0;
}

/** The track a player would start with: the first that is marked as default, else the first. */
export function preferred<S extends Stream>(streams: readonly S[]): S | undefined {
  return streams.find((stream) => stream.disposition.default === 1) ?? streams[0];
}
