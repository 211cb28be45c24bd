import path from 'node:path';
import { mediaType } from '../../domain/media-types.js';
import type { Processor, WorkContext, WorkOrder, WorkResult } from '../contract.js';
import { encodeArguments, type FfmpegInput } from '../ffmpeg-argv.js';
import { checkOutputs, type Expected } from '../ffmpeg-check.js';
import { type FfmpegEnd, runFfmpeg } from '../ffmpeg-run.js';
import { ffmpegVersions } from '../ffmpeg-tools.js';
import { failureOf, noticesOf } from '../ffmpeg-verdict.js';
import { isAudio, preferred, probe, type Stream } from '../ffprobe.js';
import { refuse } from '../refuse.js';
import { channelsOf, soundGraph } from '../sound.js';
import { type AudioFormat, type AudioSettings, audioExtensions } from './recipe.js';

type AudioOrder = WorkOrder & { readonly settings: AudioSettings };
type Refusal = Extract<WorkResult, { ok: false }>;

/** How ffmpeg makes and names each format. */
interface Coding {
  readonly encoder: string;
  readonly codec: string;
  readonly muxer: string;
  readonly type: string;
  readonly options: readonly string[];
}

const codings: Readonly<Record<AudioFormat, Coding>> = {
  aac: { encoder: 'aac', codec: 'aac', muxer: 'ipod', type: 'audio/mp4', options: ['-movflags', '+faststart'] },
  mp3: {
    encoder: 'libmp3lame',
    codec: 'mp3',
    muxer: 'mp3',
    type: 'audio/mpeg',
    options: ['-id3v2_version', '0', '-write_id3v1', '0'],
  },
  opus: { encoder: 'libopus', codec: 'opus', muxer: 'ogg', type: 'audio/ogg', options: [] },
};

export const processor: Processor<AudioSettings> = {
  tools: () => ffmpegVersions(Object.values(codings).map(({ encoder }) => encoder)),

  async work(order, context) {
    const { demuxers } = mediaType(context.sniffed.type);
    if (!demuxers) return refuse('unsupported-type', `it is ${context.sniffed.type}, expected sound`);
    const input = { file: order.input.file, demuxers };
    const probed = await probe({ input, order, signal: context.signal });
    if (!probed.ok) return probed;
    const { streams, format } = probed.probe;
    const sound = preferred(streams.filter(isAudio));
    if (!sound) return refuseSound(streams);
    const job = { order, context, sound, declaredSeconds: sound.duration ?? format.duration };
    const end = await encode(input, job);
    const failure = await failureOf(end, order);
    if (failure) return failure;
    if (end.seconds === 0) return refuse('decode-failed', 'not one sample could be decoded');
    return finish(end, job);
  },
};

function refuseSound(streams: readonly Stream[]): Refusal {
  const unknown = streams.find((stream) => stream.codec_type === 'audio');
  if (!unknown) return refuse('no-audio', 'it has no sound, expected an audio track');
  return refuse('decode-failed', `no decoder for its sound, codec '${unknown.codec_name ?? 'unknown'}'`);
}

/** One order with what its source turned out to be. */
interface SoundJob {
  readonly sound: Stream;
  readonly order: AudioOrder;
  readonly context: WorkContext;
  readonly declaredSeconds: number | undefined;
}

function encode(input: FfmpegInput, { order, context, sound, declaredSeconds }: SoundJob): Promise<FfmpegEnd> {
  const { formats, kbps } = order.settings;
  const outputs = formats.map((format, n) => {
    const { encoder, muxer, options } = codings[format];
    return {
      file: path.join(order.outbox, fileOf(format, order.settings)),
      format: muxer,
      maps: [`[a${n}]`],
      options: ['-c:a', encoder, '-b:a', `${kbps[format]}k`, ...options],
      limitBytes: order.limits.outputBytes,
    };
  });
  const rates = formats.map((format) => rateOf(format, sound));
  return runFfmpeg({
    args: encodeArguments(input, soundGraph(sound, rates, alone(declaredSeconds)), outputs),
    signal: context.signal,
    onSeconds: (seconds) => context.progress(declaredSeconds ? Math.min(0.9, (0.9 * seconds) / declaredSeconds) : 0),
  });
}

/**
 * Sound that a clip begins with later begins at once without the clip. Less than a tenth of a second gets silence behind
 * it, because encoders swallow what does not fill one of their frames.
 */
function alone(declaredSeconds = 0): readonly string[] {
  const isClick = declaredSeconds > 0 && declaredSeconds < 0.1;
  return ['asetpts=PTS-STARTPTS', ...(isClick ? ['apad=whole_dur=0.1'] : [])];
}

/** Music from discs keeps its rate where the codec has it; all else becomes the rate that every codec has. */
function rateOf(format: AudioFormat, sound: Stream): number {
  return format !== 'opus' && sound.sample_rate === 44_100 ? 44_100 : 48_000;
}

function fileOf(format: AudioFormat, { kbps }: AudioSettings): string {
  return `${kbps[format]}k.${audioExtensions[format]}`;
}

async function finish(end: FfmpegEnd, job: SoundJob): Promise<WorkResult> {
  const { order, context, declaredSeconds } = job;
  const [first, ...others] = order.settings.formats.map((format) => expect(format, end, job));
  if (!first) throw new Error('a recipe for sound without a format');
  const checked = await checkOutputs([first, ...others], order, context.signal);
  if (!checked.ok) return checked;
  const [{ duration }] = checked.outputs;
  const findings = noticesOf(end, { seconds: duration, declared: declaredSeconds }, order);
  return { ...checked, source: { type: context.sniffed.type, duration }, findings };
}

function expect(format: AudioFormat, end: FfmpegEnd, { order, sound }: SoundJob): Expected {
  const { codec, type } = codings[format];
  return {
    file: fileOf(format, order.settings),
    variant: `${order.settings.kbps[format]}k`,
    ext: audioExtensions[format],
    type,
    streams: [
      { codec_type: 'audio', codec_name: codec, sample_rate: rateOf(format, sound), channels: channelsOf(sound) },
    ],
    seconds: end.seconds,
    limitBytes: order.limits.outputBytes,
  };
}
