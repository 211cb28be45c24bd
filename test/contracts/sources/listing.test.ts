import { gzipSync } from 'node:zlib';
import { sources } from '../../../src/sources/index.js';
import { csv, InventoriedFolder, type InventoryRow, ndjson } from '../../support/inventory.js';
import { bucketAt, oneS3d, putObject } from '../../support/s3-source.js';
import { Bucket } from '../../support/s3d/index.js';
import { type SourceFixture, sourceSuite } from './suite.js';

const server = oneS3d();

/** Of files as NDJSON and as packed CSV, and of objects: every promise is kept by each. */
const shapes: readonly (readonly [string, string, (rows: readonly InventoryRow[]) => string | Buffer])[] = [
  ['of files, NDJSON', 'inventory.ndjson', ndjson],
  ['of files, CSV in gzip', 'inventory.csv.gz', (rows) => gzipSync(csv(rows))],
];

for (const [name, file, text] of shapes) {
  sourceSuite(`listing ${name}`, {
    kind: listing,
    async make(): Promise<SourceFixture> {
      const folder = await InventoriedFolder.make(file, text);
      return {
        config: { type: 'listing', file: folder.file, root: folder.root },
        put: (key, bytes) => folder.put(key, bytes),
        remove: (key) => folder.remove(key),
        lose: () => folder.lose(),
        close: () => folder.end(),
      };
    },
  });
}

sourceSuite('listing of objects', {
  kind: listing,
  async make(): Promise<SourceFixture> {
    const folder = await InventoriedFolder.make('inventory.ndjson', ndjson);
    const bucket = new Bucket();
    server().buckets.set('media', bucket);
    return {
      config: { type: 'listing', file: folder.file, ...bucketAt(server()) },
      put: async (key, bytes) => {
        await folder.put(key, bytes);
        putObject(server(), key, bytes);
      },
      remove: async (key) => {
        await folder.remove(key);
        bucket.delete(key);
      },
      lose: async () => {
        await folder.end();
      },
      close: () => folder.end(),
    };
  },
});

async function listing() {
  const load = sources.listing;
  if (!load) throw new Error('the listing source is not registered');
  return await load();
}
