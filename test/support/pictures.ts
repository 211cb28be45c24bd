import type { Sharp } from 'sharp';
import { sharp } from '../../src/processors/image/sharp.js';

/** Something with slopes, edges and colours, the same every time; left and right, top and bottom all differ. */
export function photo(width: number, height: number): Sharp {
  const data = Buffer.alloc(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = (y * width + x) * 3;
      data[at] = Math.round((255 * x) / width);
      data[at + 1] = Math.round((255 * y) / height);
      data[at + 2] = (x >> 3) % 2 === (y >> 3) % 2 ? 200 : 60;
    }
  }
  return sharp(data, { raw: { width, height, channels: 3 } });
}

/** One colour all over. */
export function plain(width: number, height: number, colour: string): Sharp {
  return sharp({ create: { width, height, channels: 4, background: colour } });
}

/** Mean distance of two pictures' channels, 0 to 255, both brought to sRGB without alpha. */
export async function distance(one: Buffer | string, other: Buffer | string): Promise<number> {
  const [a, b] = await Promise.all(
    [one, other].map((picture) => sharp(picture).removeAlpha().toColourspace('srgb').raw().toBuffer()),
  );
  if (!a || !b || a.length !== b.length) throw new Error('pictures of different sizes have no distance');
  return a.reduce((sum, value, at) => sum + Math.abs(value - (b[at] ?? 0)), 0) / a.length;
}
