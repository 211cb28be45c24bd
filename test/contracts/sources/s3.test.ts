import { sources } from '../../../src/sources/index.js';
import { bucketAt, oneS3d, putObject } from '../../support/s3-source.js';
import { Bucket } from '../../support/s3d/index.js';
import { type SourceFixture, sourceSuite } from './suite.js';

const server = oneS3d();

sourceSuite('s3', {
  async kind() {
    const load = sources.s3;
    if (!load) throw new Error('the s3 source is not registered');
    return await load();
  },
  async make(): Promise<SourceFixture> {
    const bucket = new Bucket();
    server().buckets.set('media', bucket);
    putObject(server(), 'other/not-ours.jpg', 'beside the prefix');
    return {
      config: { type: 's3', ...bucketAt(server()), prefix: 'library/' },
      put: async (key, bytes) => putObject(server(), `library/${key}`, bytes),
      remove: async (key) => bucket.delete(`library/${key}`),
      lose: async () => void server().buckets.delete('media'),
      close: async () => undefined,
    };
  },
});
