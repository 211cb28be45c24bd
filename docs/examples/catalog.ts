import { open, type Reader } from 'nightpress/client';

/** One reader for the whole build: every page that imports it shows the same snapshot. */
export const catalog: Reader = await open(process.env.CATALOG_ORIGIN ?? 'https://cdn.example.com/catalog');
