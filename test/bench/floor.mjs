/**
 * The least that must be done: each picture decoded once at its largest size, each output encoded. CPU of only that, and
 * beside it the CPU of shrinking the decoded picture to the other widths, which no way of making them does without.
 */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';

const [source, text] = process.argv.slice(2);
const { widths, formats } = JSON.parse(text);
const quality = {
  jpeg: { quality: 80 },
  webp: { quality: 75, effort: 4 },
  avif: { quality: 50, effort: 3, chromaSubsampling: '4:2:0' },
};
sharp.concurrency(1);
sharp.cache(false);
const micros = { floor: 0, shrink: 0 };

async function counted(account, work) {
  const before = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(before);
  micros[account] += user + system;
  return result;
}

for (const file of readdirSync(source)) {
  const largest = Math.max(...widths);
  const open = sharp(path.join(source, file)).autoOrient().resize({ width: largest, fastShrinkOnLoad: false });
  const base = await counted('floor', () => open.raw().toBuffer({ resolveWithObject: true }));
  for (const width of widths) {
    const smaller = sharp(base.data, { raw: base.info }).resize({ width }).raw();
    const pixels =
      width === largest ? base : await counted('shrink', () => smaller.toBuffer({ resolveWithObject: true }));
    for (const format of formats)
      await counted('floor', () =>
        sharp(pixels.data, { raw: pixels.info }).toFormat(format, quality[format]).toBuffer(),
      );
  }
}
console.log(JSON.stringify({ cpu: micros.floor / 1e6, shrink: micros.shrink / 1e6 }));
