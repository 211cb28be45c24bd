import { copy, defineJob, image } from 'nightpress';

/** A shop's pictures at three widths and three formats; documents and data go along as they are. */
export default defineJob({
  source: { type: 'directory', path: 'fixtures/catalog' },
  window: { cron: '0 2 * * *', timezone: 'Europe/Berlin', length: '4h' },
  recipes: {
    pictures: image({
      match: '**/*.{jpg,jpeg,png,svg,gif,avif,webp,tif,tiff}',
      widths: [320, 640, 1280],
      formats: ['avif', 'webp', 'jpeg'],
    }),
    documents: copy({ match: '**/*.{pdf,json,woff2}' }),
  },
  gate: { tolerate: '1%', shrink: '10%' },
  origin: { type: 'directory', path: 'public/catalog', baseUrl: 'https://cdn.example.com/catalog' },
  keep: { last: 14, within: '30d' },
});
