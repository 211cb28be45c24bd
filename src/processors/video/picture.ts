import type { Stream } from '../ffprobe.js';

/** Pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** One height of a clip. */
export interface Rendition extends Size {
  /** `720p`. */
  readonly variant: string;
}

/** A stream's size as a player shows it: pixels made square, turned upright. */
export function displayedSize(stream: Size & Pick<Stream, 'sample_aspect_ratio' | 'side_data_list'>): Size {
  const [across = 0, down = 0] = (stream.sample_aspect_ratio ?? '1:1').split(':').map(Number);
  const stretch = across > 0 && down > 0 ? across / down : 1;
  const upright = { width: stream.width * stretch, height: stream.height };
  const rotation = stream.side_data_list.find((data) => data.rotation !== undefined)?.rotation ?? 0;
  return Math.abs(rotation) % 180 === 90 ? { width: upright.height, height: upright.width } : upright;
}

/** The renditions of a source, in the order of `heights`; never larger than the source, both sides even. */
export function renditionsOf(shown: Size, heights: readonly number[]): readonly [Rendition, ...Rendition[]] {
  const own = Math.max(2, Math.floor(shown.height / 2) * 2);
  const [first = own, ...rest] = new Set(heights.map((height) => (height < shown.height ? height : own)));
  const sized = (height: number): Rendition => ({
    variant: `${height}p`,
    width: Math.max(2, Math.round((shown.width * height) / shown.height / 2) * 2),
    height,
  });
  return [sized(first), ...rest.map(sized)];
}

/** Perceptual quantiser or hybrid log-gamma: on an ordinary screen such a picture looks grey until it is mapped. */
export function isHdr(stream: Pick<Stream, 'color_transfer'>): boolean {
  return stream.color_transfer === 'smpte2084' || stream.color_transfer === 'arib-std-b67';
}

export interface PictureWork {
  readonly stream: Stream & Size;
  readonly renditions: readonly [Rendition, ...Rendition[]];
  readonly maxFps: number;
  readonly toneMap: boolean;
}

/** The filter graph from one video stream to `[v0]`, `[v1]`, …: everything shared happens once, before the split. */
export function pictureGraph(work: PictureWork): readonly string[] {
  const { stream, renditions } = work;
  const shared = [
    ...(isInterlaced(stream) ? ['bwdif=mode=send_frame:deint=interlaced'] : []),
    cappedRate(work.maxFps),
    ...(work.toneMap ? toneMapping(stream, largest(renditions)) : []),
    `split=${renditions.length}${renditions.map((_, n) => `[s${n}]`).join('')}`,
  ];
  const from = work.toneMap ? 'bt709' : matrixOf(stream);
  return [
    `[0:${stream.index}]${shared.join(',')}`,
    ...renditions.map((rendition, n) => `[s${n}]${scaled(rendition, from)}[v${n}]`),
  ];
}

function isInterlaced({ field_order }: Stream): boolean {
  return ['tt', 'bb', 'tb', 'bt'].includes(field_order ?? '');
}

/**
 * Drops frames that come too early and never repeats one, so neither a frame rate nor a duration that lies can make
 * frames. A tenth of slack, because containers round times to milliseconds.
 */
function cappedRate(maxFps: number): string {
  return `select='isnan(prev_selected_t)+gte(t-prev_selected_t,${(0.9 / maxFps).toFixed(6)})'`;
}

const sharp = 'flags=lanczos+accurate_rnd+full_chroma_int+bitexact';

/** Colours are converted to what every player assumes, and said to be so. */
function scaled({ width, height }: Size, from: string): string {
  const colours = `in_color_matrix=${from}:out_color_matrix=bt709:out_range=tv`;
  const said = 'setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709';
  return `scale=${width}:${height}:${sharp}:${colours},format=yuv420p,setsar=1,${said}`;
}

/** Scaled first, because mapping works in floating point and costs by the pixel. */
function toneMapping({ color_transfer }: Stream, { width, height }: Size): readonly string[] {
  return [
    `scale=${width}:${height}:${sharp}`,
    'format=yuv420p10le',
    `zscale=tin=${color_transfer}:min=bt2020nc:pin=bt2020:rin=tv:t=linear:npl=100`,
    'format=gbrpf32le',
    'zscale=p=bt709',
    'tonemap=tonemap=hable:desat=0',
    'zscale=t=bt709:m=bt709:r=tv',
    'format=yuv420p',
  ];
}

function largest(renditions: readonly [Rendition, ...Rendition[]]): Rendition {
  return renditions.reduce((most, rendition) => (rendition.height > most.height ? rendition : most));
}

/** How the source's colours are to be read; where it does not say, as televisions do: by its height. */
function matrixOf(stream: Stream & Size): string {
  const named: Readonly<Record<string, string>> = {
    bt709: 'bt709',
    bt470bg: 'bt601',
    smpte170m: 'bt601',
    smpte240m: 'smpte240m',
    fcc: 'fcc',
    bt2020nc: 'bt2020',
    bt2020c: 'bt2020',
    gbr: 'auto',
  };
  return named[stream.color_space ?? ''] ?? (displayedSize(stream).height >= 720 ? 'bt709' : 'bt601');
}
