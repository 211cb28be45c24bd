import { writeFile } from 'node:fs/promises';
import { photo } from '../../support/pictures.js';
import { processorContract } from './suite.js';

processorContract({
  kind: 'image',
  settings: { widths: [40, 20], formats: ['jpeg', 'webp', 'avif', 'png'], maxPixels: 50_000 },
  good: { key: 'photos/hero.jpg', write: async (file) => await writeFile(file, await photo(80, 60).jpeg().toBuffer()) },
  bad: [
    {
      because: 'half a picture',
      key: 'half.jpg',
      write: async (file) => {
        const whole = await photo(200, 200).jpeg().toBuffer();
        await writeFile(file, whole.subarray(0, whole.length / 2));
      },
    },
    {
      because: 'a sound named as a picture',
      key: 'sound.jpg',
      write: async (file) => await writeFile(file, 'RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0'),
    },
    {
      because: 'a kind of picture without decoder',
      key: 'old.bmp',
      write: async (file) => {
        const head = Buffer.alloc(58);
        head.write('BM', 'latin1');
        head.writeUInt32LE(40, 14);
        await writeFile(file, head);
      },
    },
    {
      because: 'more pixels than allowed',
      key: 'bomb.png',
      write: async (file) => await writeFile(file, await photo(300, 200).png().toBuffer()),
    },
  ],
});
