import type { WorkOrder, WorkResult } from '../contract.js';
import type { FfmpegInput, FfmpegOutput } from '../ffmpeg-argv.js';
import type { Expected } from '../ffmpeg-check.js';
import { isAudio, isVideo, type Probe, preferred, type Stream } from '../ffprobe.js';
import { refuse } from '../refuse.js';
import { channelsOf } from '../sound.js';
import { displayedSize, isHdr, type Rendition, renditionsOf, type Size } from './picture.js';
import type { VideoSettings } from './recipe.js';

type Refusal = Extract<WorkResult, { ok: false }>;

/** What of a source goes where. */
export interface Plan {
  readonly input: FfmpegInput;
  readonly picture: Stream & Size;
  readonly sound: Stream | undefined;
  readonly renditions: readonly [Rendition, ...Rendition[]];
  readonly hdr: boolean;
  readonly declaredSeconds: number | undefined;
}

/** The tracks that are used and the sizes that are made. A track that would be lost silently is refused. */
export function planClip(
  source: Probe,
  input: FfmpegInput,
  { heights }: VideoSettings,
): { readonly ok: true; readonly plan: Plan } | Refusal {
  const { streams, format } = source;
  const picture = preferred(streams.filter(isVideo));
  if (!picture) return refusePicture(streams);
  const sound = preferred(streams.filter(isAudio));
  const unheard = streams.find((stream) => stream.codec_type === 'audio');
  if (unheard && !sound) return refuse('decode-failed', `no decoder for its sound, codec '${codecOf(unheard)}'`);
  const renditions = renditionsOf(displayedSize(picture), heights);
  const declaredSeconds = longest(sound ? [picture, sound] : [picture], format.duration);
  return {
    ok: true,
    plan: { input, picture, sound, renditions, hdr: isHdr(picture), declaredSeconds },
  };
}

/** The longest of the tracks that are used; where one does not say, what the file says of all. */
function longest(tracks: readonly Stream[], ofFile: number | undefined): number | undefined {
  const lengths = tracks.flatMap(({ duration }) => (duration === undefined ? [] : [duration]));
  return lengths.length === tracks.length ? Math.max(...lengths) : ofFile;
}

function refusePicture(streams: readonly Stream[]): Refusal {
  const unseen = streams.find((stream) => stream.codec_type === 'video' && stream.disposition.attached_pic !== 1);
  if (!unseen) return refuse('no-video', 'it has no moving pictures, expected a video track');
  return refuse('decode-failed', `no decoder for its pictures, codec '${codecOf(unseen)}'`);
}

function codecOf(stream: Stream): string {
  return stream.codec_name ?? 'unknown';
}

/** The clip of a rendition as ffmpeg writes it; `n` numbers the graph's labels. */
export function clipOutput(
  plan: Plan,
  n: number,
  order: WorkOrder & { readonly settings: VideoSettings },
): Omit<FfmpegOutput, 'file'> {
  const { crf, preset, audioKbps } = order.settings;
  const times = ['-fps_mode', 'vfr', '-enc_time_base', timeBase];
  const coding = ['-c:v', 'libx264', '-profile:v', 'high', '-preset', preset, '-crf', String(crf)];
  const colours = ['-colorspace', 'bt709', '-color_primaries', 'bt709', '-color_trc', 'bt709', '-color_range', 'tv'];
  const sound = plan.sound ? ['-c:a', 'aac', '-b:a', `${audioKbps}k`] : [];
  return {
    format: 'mp4',
    maps: [`[v${n}]`, ...(plan.sound ? [`[a${n}]`] : [])],
    options: [...times, ...coding, ...colours, ...sound, '-movflags', '+faststart'],
    limitBytes: order.limits.outputBytes,
  };
}

/** Frames keep their own times; every usual rate, 24000/1001 too, and every millisecond is a whole number of these. */
const timeBase = '1:120000';

export const soundRate = 48_000;

/** What a finished clip must be. */
export function clipExpected(
  plan: Plan,
  rendition: Rendition,
  made: Pick<Expected, 'frames' | 'seconds' | 'limitBytes'>,
): Expected {
  const { width, height, variant } = rendition;
  const h264 = { codec_type: 'video', codec_name: 'h264', profile: 'High', pix_fmt: 'yuv420p' };
  const streams: Partial<Stream>[] = [{ ...h264, width, height, sample_aspect_ratio: '1:1', color_space: 'bt709' }];
  if (plan.sound) {
    const channels = channelsOf(plan.sound);
    streams.push({ codec_type: 'audio', codec_name: 'aac', sample_rate: soundRate, channels });
  }
  return { file: clipName(rendition), variant, ext: 'mp4', type: 'video/mp4', streams, ...made };
}

export function clipName(rendition: Rendition): string {
  return `${rendition.variant}.mp4`;
}
