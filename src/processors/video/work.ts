import path from 'node:path';
import { mediaType } from '../../domain/media-types.js';
import type { Processor, WorkContext, WorkOrder, WorkResult } from '../contract.js';
import { encodeArguments } from '../ffmpeg-argv.js';
import { checkOutputs, type Expected } from '../ffmpeg-check.js';
import { type FfmpegEnd, runFfmpeg } from '../ffmpeg-run.js';
import { canToneMap, ffmpegVersions } from '../ffmpeg-tools.js';
import { failureOf, noticesOf } from '../ffmpeg-verdict.js';
import { probe } from '../ffprobe.js';
import { notice, refuse } from '../refuse.js';
import { soundGraph } from '../sound.js';
import { displayedSize, pictureGraph, type Rendition } from './picture.js';
import { clipExpected, clipName, clipOutput, type Plan, planClip, posterExpected, soundRate } from './plan.js';
import { makePoster } from './poster.js';
import type { VideoSettings } from './recipe.js';

type VideoOrder = WorkOrder & { readonly settings: VideoSettings };

export const processor: Processor<VideoSettings> = {
  tools: () => ffmpegVersions(['libx264', 'aac', 'mjpeg']),

  async work(order, context) {
    const { demuxers } = mediaType(context.sniffed.type);
    if (!demuxers) return refuse('unsupported-type', `it is ${context.sniffed.type}, expected a video`);
    const input = { file: order.input.file, demuxers };
    const probed = await probe({ input, order, signal: context.signal });
    if (!probed.ok) return probed;
    const planned = planClip(probed.probe, input, order.settings);
    if (!planned.ok) return planned;
    const { plan } = planned;
    const toneMap = plan.hdr && (await canToneMap());
    const end = await encode(plan, toneMap, order, context);
    const failure = await failureOf(end, order);
    if (failure) return failure;
    if (end.frames === 0) return refuse('decode-failed', 'not one frame could be decoded');
    const unmapped = plan.hdr && !toneMap ? [notice('hdr-not-mapped', pale)] : [];
    const findings = [...noticesOf(end, plan.declaredSeconds, order), ...unmapped];
    const finished = await finish(plan, end, order, context);
    return finished.ok ? { ...finished, findings } : finished;
  },
};

const pale = 'this ffmpeg lacks the filters zscale and tonemap: the colours of the HDR clip look pale';

/** Every rendition from one decode. */
function encode(plan: Plan, toneMap: boolean, order: VideoOrder, context: WorkContext): Promise<FfmpegEnd> {
  const { picture, renditions, sound, declaredSeconds } = plan;
  const pictures = pictureGraph({ stream: picture, renditions, maxFps: order.settings.maxFps, toneMap });
  const rates = renditions.map(() => soundRate);
  const outputs = renditions.map((rendition, n) => ({
    file: path.join(order.outbox, clipName(rendition)),
    ...clipOutput(plan, n, order),
  }));
  return runFfmpeg({
    args: encodeArguments(plan.input, [...pictures, ...(sound ? soundGraph(sound, rates) : [])], outputs),
    signal: context.signal,
    onSeconds: (seconds) => context.progress(declaredSeconds ? Math.min(0.9, (0.9 * seconds) / declaredSeconds) : 0),
  });
}

/** Poster, and the proof of everything made. */
async function finish(plan: Plan, end: FfmpegEnd, order: VideoOrder, context: WorkContext): Promise<WorkResult> {
  const [first, ...others] = plan.renditions;
  const { frames, seconds } = end;
  const limitBytes = order.limits.outputBytes;
  const expectClip = (rendition: Rendition): Expected => clipExpected(plan, rendition, { frames, seconds, limitBytes });
  const posters: Expected[] = [];
  if (order.settings.poster) {
    const poster = posterExpected(first, limitBytes);
    const clip = path.join(order.outbox, clipName(first));
    const made = await makePoster({ clip, seconds, file: poster.file, limitBytes }, order, context.signal);
    if (!made.ok) return made;
    posters.push(poster);
  }
  const expected = [expectClip(first), ...others.map(expectClip), ...posters] as const;
  const checked = await checkOutputs(expected, order, context.signal);
  if (!checked.ok) return checked;
  const { width, height } = displayedSize(plan.picture);
  const [{ duration }] = checked.outputs;
  const source = { type: context.sniffed.type, width: Math.round(width), height: Math.round(height), duration };
  return { ...checked, source, findings: [] };
}
