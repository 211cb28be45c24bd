import { readFile } from 'node:fs/promises';
import type { Metadata, Sharp, SharpOptions } from 'sharp';
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
  /** Pixels that decoding has to go through; a drawing has none. */
  readonly sourcePixels: number;
  /** Decodes once, oriented, at the given size. */
  decode(size: Size): Promise<Pixels>;
}

/** How much damage is tolerated: sharp's `warning` is the strictest; `none` would publish half pictures. */
export type Strictness = 'warning' | 'error';

export async function openRaster({ input, settings }: ImageOrder, failOn: Strictness): Promise<Opened> {
  const open = (options?: SharpOptions) => sharp(input.file, { failOn, pages: 1, ...options });
  const head = await open({ limitInputPixels: false }).metadata();
  const size = head.autoOrient;
  return {
    size,
    pages: head.pages ?? 1,
    sizes: planSizes(settings.widths, size, widestRaster(size)),
    sourcePixels: size.width * size.height,
    decode: (wanted) => profiledPixels(open({ limitInputPixels: settings.maxPixels }).autoOrient(), head, wanted),
  };
}

/**
 * Brings a picture with a profile to sRGB, in the two cases where sharp's own way falls short:
 *
 *   8 bits   sharp converts every pixel of the source and then shrinks, which costs more than all the rest of decoding;
 *            shrunk first, in its own profile, it costs next to nothing. The TIFF between the two never touches a disk.
 *   16 bits  sharp brings it to Display P3 and leaves it there (pipeline.cc, `processingProfile`); naming sRGB once more
 *            takes it the rest of the way. To be removed when such a picture keeps its colours without.
 */
async function profiledPixels(source: Sharp, head: Metadata, size: Size): Promise<Pixels> {
  if (!head.hasProfile) return await pixelsOf(source, size);
  if (head.space === 'rgb16') return await pixelsOf(source.withIccProfile('srgb'), size);
  if (head.space !== 'srgb') return await pixelsOf(source, size);
  const shrunk = await resized(source, size).keepIccProfile().tiff({ compression: 'none' }).toBuffer();
  return await pixelsOf(sharp(shrunk, { limitInputPixels: false }), size);
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
  return { size, pages: 1, sizes, sourcePixels: 0, decode: (wanted) => pixelsOf(open(), wanted) };
}

/** Profiles, CMYK, grey and 16 bits all end as 8-bit sRGB. */
async function pixelsOf(source: Sharp, size: Size): Promise<Pixels> {
  const { data, info } = await resized(source, size)
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  if (channels !== 3 && channels !== 4) throw new Error(`decoded to ${channels} channels, expected 3 or 4`);
  return { data, width, height, channels };
}

/** Shrinking while decoding stops at twice the wanted size; the better filter does the rest. */
function resized(source: Sharp, { width, height }: Size): Sharp {
  return source.resize(width, height, { fit: 'fill', kernel: 'lanczos3', fastShrinkOnLoad: false });
}

export async function shrink(pixels: Pixels, size: Size): Promise<Pixels> {
  const isSame = size.width === pixels.width && size.height === pixels.height;
  return isSame ? pixels : await pixelsOf(fromPixels(pixels), size);
}

export function fromPixels({ data, width, height, channels }: Pixels): Sharp {
  return sharp(data, { raw: { width, height, channels }, limitInputPixels: false });
}
