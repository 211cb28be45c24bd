/** What most people write: a new pipeline for every output. Same sizes, formats and qualities as the run beside it. */
import { mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';

const [source, target, text] = process.argv.slice(2);
const { widths, formats } = JSON.parse(text);
const quality = {
  jpeg: { quality: 80 },
  webp: { quality: 75, effort: 4 },
  avif: { quality: 50, effort: 3, chromaSubsampling: '4:2:0' },
};
sharp.concurrency(1);
sharp.cache(false);
mkdirSync(target, { recursive: true });
for (const file of readdirSync(source)) {
  for (const width of widths) {
    for (const format of formats) {
      const name = path.join(target, `${file}-${width}.${format}`);
      await sharp(path.join(source, file))
        .autoOrient()
        .resize({ width })
        .toFormat(format, quality[format])
        .toFile(name);
    }
  }
}
