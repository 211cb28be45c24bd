import type { Sharp } from 'sharp';
import { isoMediaType } from '../sniff-iso.js';
import { binaryType } from '../sniff-signatures.js';
import { fromPixels, type Pixels } from './decode.js';
import type { ImageFormat, ImageSettings } from './recipe.js';
import { sharp } from './sharp.js';

type Encoder = (pixels: Sharp, settings: ImageSettings) => Sharp;

/** Unless told to, sharp writes no metadata and no profile; a picture without profile is sRGB, which the pixels are. */
const encoders: Readonly<Record<ImageFormat, Encoder>> = {
  jpeg: (pixels, { quality, mozjpeg, background }) =>
    pixels.flatten({ background }).jpeg({ quality: quality.jpeg, mozjpeg }),
  webp: (pixels, { quality, effort }) => pixels.webp({ quality: quality.webp, effort: effort.webp }),
  avif: (pixels, { quality, effort }) =>
    pixels.avif({ quality: quality.avif, effort: effort.avif, chromaSubsampling: '4:2:0' }),
  png: (pixels) => pixels.png({ compressionLevel: 9 }),
};

export function encode(pixels: Pixels, format: ImageFormat, settings: ImageSettings): Promise<Buffer> {
  return encoders[format](fromPixels(pixels), settings).toBuffer();
}

/**
 * Proof that an output is what it should be: its type by content, no metadata, and every pixel decoded again. Returns
 * what is wrong, in words that follow the output's name; undefined when nothing is.
 */
export async function flawOf(bytes: Buffer, format: ImageFormat, expected: Pixels): Promise<string | undefined> {
  const type = binaryType(bytes) ?? isoMediaType(bytes);
  if (type !== `image/${format}`) return `is ${type ?? 'nothing known'}, expected image/${format}`;
  const open = () => sharp(bytes, { failOn: 'warning', limitInputPixels: false });
  const { exif, xmp, iptc, icc, orientation } = await open().metadata();
  if (exif || xmp || iptc || icc || orientation) return 'carries metadata, expected none';
  const { data, info } = await open().raw().toBuffer({ resolveWithObject: true });
  const pixels = info.width * info.height;
  const isWhole =
    info.width === expected.width && info.height === expected.height && data.length === pixels * info.channels;
  return isWhole ? undefined : `decodes to ${info.width}x${info.height}, expected ${expected.width}x${expected.height}`;
}
