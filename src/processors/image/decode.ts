import { readFile } from 'node:fs/promises';
import type { Sharp, SharpOptions } from 'sharp';
import type { WorkOrder } from '../contract.js';
import type { ImageSettings } from './recipe.js';
import { sharp } from './sharp.js';
import { planSizes, type Size, widestDrawing, widestRaster } from './sizes.js';

export type ImageOrder = WorkOrder & { readonly settings: ImageSettings };

/** Decoded pixels: 8-bit sRGB, rows without gaps, with or without alpha. */
export interface Pixels extends Size {
  readonly data: Buffer;
  readonly channels: 3 | 4;
}

/** An opened source: its head is read, its pixels are not. */
export interface Opened {
  /** As displayed; of a drawing its own idea of its size. */
  readonly size: Size;
  /** Frames or pages; the first is used. */
  readonly pages: number;
  /** What to make of it, largest first. */
  readonly sizes: readonly Size[];
  /** Pixels that decoding has to go through. */
  readonly cost: number;
  /** Decodes once, oriented, at the given size. */
  decode(size: Size): Promise<Pixels>;
}

/** How much damage is tolerated: sharp's `warning` is the strictest; `none` would publish half pictures. */
export type Strictness = 'warning' | 'error';

export async function openRaster({ input, settings }: ImageOrder, failOn: Strictness): Promise<Opened> {
  const open = (options?: SharpOptions) => sharp(input.file, { failOn, pages: 1, ...options });
  const head = await open({ limitInputPixels: false }).metadata();
  const size = head.autoOrient;
  const isDeepWithProfile = head.space === 'rgb16' && head.hasProfile;
  const decode = (wanted: Size) => {
    const source = open({ limitInputPixels: settings.maxPixels }).autoOrient();
    return pixelsOf(isDeepWithProfile ? source.withIccProfile('srgb') : source, wanted);
  };
  const sizes = planSizes(settings.widths, size, widestRaster(size));
  return { size, pages: head.pages ?? 1, sizes, cost: size.width * size.height, decode };
}

/** What a small drawing is measured at: whole pixels at its own size would bend a 1.4 × 1 drawing into a square. */
const fineScale = 16;

/**
 * Given as a Buffer, so that the drawing has no place on disk from which it could reach its neighbours. sharp draws it
 * straight at the wanted size; how large it says it is bounds nothing, so the limit is on what is drawn.
 */
export async function openDrawing({ input, settings }: ImageOrder, failOn: Strictness): Promise<Opened> {
  const bytes = await readFile(input.file);
  const open = (options?: SharpOptions) => sharp(bytes, { failOn, limitInputPixels: false, ...options });
  const { autoOrient: size } = await open().metadata();
  const isSmall = Math.max(size.width, size.height) * fineScale <= 16_384;
  const shape = isSmall ? (await open({ density: 72 * fineScale }).metadata()).autoOrient : size;
  const sizes = planSizes(settings.widths, shape, widestDrawing(shape, settings.maxPixels));
  return { size, pages: 1, sizes, cost: 0, decode: (wanted) => pixelsOf(open(), wanted) };
}

/**
 * Profiles, CMYK, grey and 16 bits all end as 8-bit sRGB. sharp brings 16-bit pictures with a profile to Display P3 and
 * leaves them there; `withIccProfile('srgb')` above takes them the rest of the way (pipeline.cc, `processingProfile`; to
 * be removed when a 16-bit picture with a profile keeps its colours without it).
 *
 * Shrinking while decoding stops at twice the wanted size: the better filter does the rest at the same cost.
 */
async function pixelsOf(source: Sharp, { width, height }: Size): Promise<Pixels> {
  const { data, info } = await source
    .resize(width, height, { fit: 'fill', kernel: 'lanczos3', fastShrinkOnLoad: false })
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  if (info.channels !== 3 && info.channels !== 4)
    throw new Error(`decoded to ${info.channels} channels, expected 3 or 4`);
  return { data, width: info.width, height: info.height, channels: info.channels };
}

export async function shrink(pixels: Pixels, size: Size): Promise<Pixels> {
  const isSame = size.width === pixels.width && size.height === pixels.height;
  return isSame ? pixels : await pixelsOf(fromPixels(pixels), size);
}

export function fromPixels({ data, width, height, channels }: Pixels): Sharp {
  return sharp(data, { raw: { width, height, channels }, limitInputPixels: false });
}
