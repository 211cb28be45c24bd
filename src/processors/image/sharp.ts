import sharp from 'sharp';

/**
 * sharp as this house uses it; nobody else imports it.
 *
 * One thread per picture, because the bytes of an AVIF depend on the number of threads; no cache, because a night never
 * sees a file twice. Loaders are an allow-list: SVG from a Buffer only, because librsvg, given a path, draws files lying
 * beside it. A loader with a hole that has no patch yet is taken away here.
 */
sharp.concurrency(1);
sharp.cache(false);
sharp.simd(true);
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({
  operation: [
    ...['Jpeg', 'Png', 'Webp', 'Heif', 'Tiff', 'Nsgif'].flatMap((format) => [
      `VipsForeignLoad${format}File`,
      `VipsForeignLoad${format}Buffer`,
    ]),
    'VipsForeignLoadSvgBuffer',
  ],
});

export { sharp };
