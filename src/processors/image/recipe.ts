import { z } from 'zod';
import type { RecipeKind } from '../contract.js';

export const imageFormats = ['avif', 'webp', 'jpeg', 'png'] as const;
export type ImageFormat = (typeof imageFormats)[number];

/** WebP ends here; one bound for all formats, so that all of an asset's pictures have the same sizes. */
export const longestSide = 16_383;

const quality = z.int().min(1).max(100);

const schema = z.strictObject({
  widths: z
    .array(z.int().min(1).max(longestSide))
    .min(1)
    .refine(isDistinct, 'each width once')
    .transform((widths) => [...widths].sort((a, b) => a - b)),
  formats: z
    .array(z.enum(imageFormats))
    .min(1)
    .refine(isDistinct, 'each format once')
    .transform((formats) => imageFormats.filter((format) => formats.includes(format))),
  quality: z
    .strictObject({ jpeg: quality.default(80), webp: quality.default(75), avif: quality.default(50) })
    .prefault({}),
  effort: z
    .strictObject({ webp: z.int().min(0).max(6).default(4), avif: z.int().min(0).max(9).default(3) })
    .prefault({}),
  mozjpeg: z.boolean().default(false),
  background: z
    .string()
    .regex(/^#[0-9a-fA-F]{6}$/, "a colour such as '#ffffff'")
    .transform((colour) => colour.toLowerCase())
    .default('#ffffff'),
  maxPixels: z.int().min(1).max(1_000_000_000).default(100_000_000),
});

export type ImageSettings = z.infer<typeof schema>;

/** A recipe for pictures, as a job file writes it. */
export interface ImageRecipeOptions {
  /** Globs over asset keys. What a file is, is decided by its content: a video named `.jpg` becomes a finding. */
  readonly match: string | readonly string[];
  /** How urgent these items are: higher is done first, and left for another night last; default 0. */
  readonly priority?: number;
  /** Items with nothing to show that may be published around, of those it works in a night: `3` or `'10%'`. */
  readonly tolerate?: number | `${number}%`;
  /** Public path template; the default is `{key}/{variant}.{ext}`, such as `photos/hero.jpg/640w.webp`. */
  readonly path?: string;
  /**
   * Widths in pixels, 1 to 16383. A photo is never enlarged: widths at or above its own collapse into one at its own
   * width, named by it. An SVG has no pixels of its own and is drawn at every width.
   */
  readonly widths: readonly number[];
  /** Transparency is kept by `avif`, `webp` and `png`; `jpeg` shows it on `background`. */
  readonly formats: readonly ImageFormat[];
  /** 1 to 100; the scales of the formats differ. Defaults: jpeg 80, webp 75, avif 50. */
  readonly quality?: { readonly jpeg?: number; readonly webp?: number; readonly avif?: number };
  /** CPU for fewer bytes: webp 0 to 6 (default 4), avif 0 to 9 (default 3; 4 takes five times as long for 4 % fewer bytes). */
  readonly effort?: { readonly webp?: number; readonly avif?: number };
  /** About a fifth smaller JPEGs for six times the CPU; default false. */
  readonly mozjpeg?: boolean;
  /** `#rrggbb` under transparent pixels in `jpeg`; default `#ffffff`. */
  readonly background?: string;
  /** Pixels a source may have, against decompression bombs; default 100 million. */
  readonly maxPixels?: number;
  /** Bounds of one attempt, enforced from outside. Defaults: 120 seconds, 1500 MB of memory, 1000 MB of output. */
  readonly limits?: { readonly seconds?: number; readonly memoryMB?: number; readonly outputMB?: number };
}

export type ImageRecipeInput = ImageRecipeOptions & { readonly kind: 'image' };

/**
 * Pictures in several widths and formats. Metadata is removed (GPS positions too), orientation applied, colours are
 * 8-bit sRGB; of an animation or a file with several pages the first is taken.
 */
export function image(options: ImageRecipeOptions): ImageRecipeInput {
  return { kind: 'image', ...options };
}

export const imageExtensions: Readonly<Record<ImageFormat, string>> = {
  avif: 'avif',
  webp: 'webp',
  jpeg: 'jpg',
  png: 'png',
};

export const recipeKind: RecipeKind<ImageSettings> = {
  kind: 'image',
  version: 1,
  schema,
  path: '{key}/{variant}.{ext}',
  limits: { wallMs: 120_000, memoryBytes: 1_500_000_000, outputBytes: 1_000_000_000 },
  outputs: ({ widths, formats }) =>
    widths.flatMap((width) => formats.map((format) => ({ variant: `${width}w`, ext: imageExtensions[format] }))),
  priorSeconds,
};

/** Measured CPU seconds per million pixels (sharp 0.35, one Zen 5 core); avif and webp by effort. */
const avifCost = [0.06, 0.17, 0.29, 0.46, 2.3, 4.5, 7.5, 12, 18, 27];
const webpCost = [0.03, 0.035, 0.04, 0.06, 0.085, 0.12, 0.17];
const decodeCost = 0.008;
const bytesPerPixel = 0.25;

function priorSeconds(settings: ImageSettings, bytes: number): number {
  const { effort, mozjpeg } = settings;
  const cost: Readonly<Record<ImageFormat, number>> = {
    avif: avifCost[effort.avif] ?? 0,
    webp: webpCost[effort.webp] ?? 0,
    jpeg: mozjpeg ? 0.07 : 0.011,
    png: 0.1,
  };
  const perMegapixel = settings.formats.reduce((sum, format) => sum + cost[format], 0);
  const sourceMegapixels = Math.min(bytes / bytesPerPixel, settings.maxPixels) / 1e6;
  const madeMegapixels = settings.widths.reduce(
    (sum, width) => sum + Math.min((width * width * 0.7) / 1e6, sourceMegapixels),
    0,
  );
  return 0.02 + sourceMegapixels * decodeCost + madeMegapixels * perMegapixel;
}

function isDistinct(values: readonly unknown[]): boolean {
  return new Set(values).size === values.length;
}
