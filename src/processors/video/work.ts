import path from 'node:path';
import { mediaType } from '../../domain/media-types.js';
import type { Finding } from '../../domain/types.js';
import type { OutboxFile, Processor, WorkContext, WorkOrder, WorkResult } from '../contract.js';
import { encodeArguments } from '../ffmpeg-argv.js';
import { checkOutputs } from '../ffmpeg-check.js';
import { type FfmpegEnd, runFfmpeg } from '../ffmpeg-run.js';
import { canToneMap, ffmpegVersions } from '../ffmpeg-tools.js';
import { failureOf, noticesOf } from '../ffmpeg-verdict.js';
import { probe } from '../ffprobe.js';
import { notice, refuse } from '../refuse.js';
import { soundGraph } from '../sound.js';
import { displayedSize, pictureGraph } from './picture.js';
import { clipExpected, clipName, clipOutput, type Plan, planClip, soundRate } from './plan.js';
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
    return finish({ plan, toneMap, end }, order, context);
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

interface Encoded {
  readonly plan: Plan;
  readonly toneMap: boolean;
  readonly end: FfmpegEnd;
}

/** Proves the clips, then takes the poster from the first: only now its length is known. */
async function finish(encoded: Encoded, order: VideoOrder, context: WorkContext): Promise<WorkResult> {
  const { plan, end } = encoded;
  const [first, ...others] = plan.renditions;
  const made = { frames: end.frames, seconds: end.seconds, limitBytes: order.limits.outputBytes };
  const expected = [clipExpected(plan, first, made), ...others.map((one) => clipExpected(plan, one, made))] as const;
  const clips = await checkOutputs(expected, order, context.signal);
  if (!clips.ok) return clips;
  const [clip] = clips.outputs;
  const poster = order.settings.poster ? await makePoster(clip, order, context.signal) : undefined;
  if (poster && !poster.ok) return poster;
  const { width, height } = displayedSize(plan.picture);
  return {
    ok: true,
    source: {
      type: context.sniffed.type,
      width: Math.round(width),
      height: Math.round(height),
      duration: clip.duration,
    },
    outputs: [...clips.outputs, ...(poster?.outputs ?? [])],
    findings: findingsOf(encoded, clip, order),
    verifyCpuMs: clips.verifyCpuMs + (poster?.verifyCpuMs ?? 0),
  };
}

function findingsOf({ plan, toneMap, end }: Encoded, clip: OutboxFile, order: VideoOrder): readonly Finding[] {
  const notices = noticesOf(end, { seconds: clip.duration, declared: plan.declaredSeconds }, order);
  return plan.hdr && !toneMap ? [...notices, notice('hdr-not-mapped', pale)] : notices;
}
