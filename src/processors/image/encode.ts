import type { Sharp } from 'sharp';
import { isoMediaType } from '../sniff-iso.js';
import { binaryType } from '../sniff-signatures.js';
import { fromPixels, type Pixels } from './decode.js';
import type { ImageFormat, ImageSettings } from './recipe.js';
import { sharp } from './sharp.js';
import type { Size } from './sizes.js';

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
 * Proof that an output is what it should be: its type by content, its size, no metadata, and its data decoded again to
 * the last byte. Returns what is wrong, in words that follow the output's name; undefined when nothing is.
 */
export async function flawOf(bytes: Buffer, format: ImageFormat, expected: Size): Promise<string | undefined> {
  const type = binaryType(bytes) ?? isoMediaType(bytes);
  if (type !== `image/${format}`) return `is ${type ?? 'nothing known'}, expected image/${format}`;
  const open = () => sharp(bytes, { failOn: 'warning', limitInputPixels: false });
  try {
    const { exif, xmp, iptc, icc, orientation, width, height } = await open().metadata();
    if (exif || xmp || iptc || icc || orientation) return 'carries metadata, expected none';
    if (width !== expected.width || height !== expected.height) {
      return `is ${width}x${height}, expected ${expected.width}x${expected.height}`;
    }
    await onePixel(open(), format, expected).raw().toBuffer();
    return undefined;
  } catch (error) {
    return `does not decode: ${error instanceof Error ? error.message : error}`;
  }
}

/**
 * What costs a whole decode and keeps nothing of it: the last pixel comes after all others. libwebp has a cheaper way,
 * shrinking while it decodes: every block is still rebuilt, only painting is spared. Of 900 damaged files of each format
 * (cut, one bit turned, 512 bytes zeroed) both refuse exactly those that a decode of all pixels refuses, in three
 * quarters and two fifths of its time. JPEG shrunk while decoding is cheaper still and missed one in nine.
 */
function onePixel(picture: Sharp, format: ImageFormat, { width, height }: Size): Sharp {
  if (format === 'webp') return picture.resize(1, 1, { fit: 'fill' });
  return picture.extract({ left: width - 1, top: height - 1, width: 1, height: 1 });
}
