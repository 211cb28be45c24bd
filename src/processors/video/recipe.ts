import { z } from 'zod';
import type { RecipeKind } from '../contract.js';

/** x264's own, without the fastest, which leaves the High profile, and the slowest, which is for records. */
export const videoPresets = [
  'superfast',
  'veryfast',
  'faster',
  'fast',
  'medium',
  'slow',
  'slower',
  'veryslow',
] as const;
export type VideoPreset = (typeof videoPresets)[number];

const schema = z.strictObject({
  heights: z
    .array(z.int().min(16).max(4320).multipleOf(2, 'an even number, as H.264 needs'))
    .min(1)
    .refine((heights) => new Set(heights).size === heights.length, 'each height once')
    .default([720]),
  poster: z.boolean().default(true),
  crf: z.int().min(1).max(51).default(23),
  preset: z.enum(videoPresets).default('medium'),
  audioKbps: z.int().min(32).max(320).default(128),
  maxFps: z.int().min(1).max(120).default(60),
});

export type VideoSettings = z.infer<typeof schema>;

/** A recipe for clips, as a job file writes it. */
export interface VideoRecipeOptions {
  /** Globs over asset keys. What a file is, is decided by its content: a file without moving pictures becomes a finding. */
  readonly match: string | readonly string[];
  /** How urgent these items are: higher is done first, and left for another night last; default 0. */
  readonly priority?: number;
  /** Items with nothing to show that may be published around, of those it works in a night: `3` or `'10%'`. */
  readonly tolerate?: number | `${number}%`;
  /** Public path template; the default is `{key}/{variant}.{ext}`, such as `clips/launch.mov/720p.mp4`. */
  readonly path?: string;
  /**
   * Heights in pixels as displayed, even, 16 to 4320; default `[720]`. One MP4 (H.264, AAC) for each, all from one
   * decode. Nothing is enlarged: heights at or above the source's own collapse into one at its own, named by it.
   */
  readonly heights?: readonly number[];
  /** Also a `poster.jpg` as large as the first height, from a frame that is not black where there is one; default true. */
  readonly poster?: boolean;
  /** x264's quality, 1 (best) to 51; six fewer double the bytes. Default 23. */
  readonly crf?: number;
  /**
   * CPU for fewer bytes. Default `medium`: a clip is made once and watched often. `veryfast` takes about half the CPU
   * and looks as good only at a third more bytes.
   */
  readonly preset?: VideoPreset;
  /** AAC, 32 to 320; default 128. Sound is the first track, stereo at most; a clip without sound stays silent. */
  readonly audioKbps?: number;
  /** Frames beyond so many in a second are dropped, none is ever invented; default 60. */
  readonly maxFps?: number;
  /** Bounds of one attempt, enforced from outside. Defaults: 7200 seconds, 3000 MB of memory, 8000 MB of output. */
  readonly limits?: { readonly seconds?: number; readonly memoryMB?: number; readonly outputMB?: number };
}

export type VideoRecipeInput = VideoRecipeOptions & { readonly kind: 'video' };

/**
 * Clips for the web: MP4 that starts at once, turned upright, square pixels, ordinary range of brightness, without
 * interlacing and without metadata (GPS positions too).
 */
export function video(options: VideoRecipeOptions): VideoRecipeInput {
  return { kind: 'video', ...options };
}

export const recipeKind: RecipeKind<VideoSettings> = {
  kind: 'video',
  version: 1,
  schema,
  path: '{key}/{variant}.{ext}',
  limits: { wallMs: 7_200_000, memoryBytes: 3_000_000_000, outputBytes: 8_000_000_000 },
  outputs: ({ heights, poster }) => [
    ...heights.map((height) => ({ variant: `${height}p`, ext: 'mp4' })),
    ...(poster ? [{ variant: 'poster', ext: 'jpg' }] : []),
  ],
  priorSeconds,
};

/** CPU of a preset against `medium` (x264 164, two clips). */
const presetCost: Readonly<Record<VideoPreset, number>> = {
  superfast: 0.35,
  veryfast: 0.5,
  faster: 0.75,
  fast: 0.9,
  medium: 1,
  slow: 1.6,
  slower: 3,
  veryslow: 5,
};

/** A camera writes about 1 MB a second; a second of 720p costs about as long to encode on one core. */
function priorSeconds({ heights, preset, maxFps }: VideoSettings, bytes: number): number {
  const sourceSeconds = bytes / 1e6;
  const pictures = heights.reduce((sum, height) => sum + (height / 720) ** 2, 0);
  return 0.5 + sourceSeconds * (0.2 + pictures * presetCost[preset] * (Math.min(maxFps, 30) / 30));
}
