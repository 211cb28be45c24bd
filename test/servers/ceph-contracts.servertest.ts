import { s3 as s3Origin } from '../../src/origins/s3/index.js';
import { s3 as s3Source } from '../../src/sources/s3/index.js';
import { originSuite } from '../contracts/origins/suite.js';
import { sourceSuite } from '../contracts/sources/suite.js';
import { startCeph } from './ceph.js';
import { aBucket, oneStore } from './store.js';

const ceph = oneStore(startCeph);

originSuite('s3 at Ceph', {
  trees: false,
  exclusive: false,
  kind: async () => s3Origin,
  async make() {
    const bucket = await aBucket(ceph());
    const { name, endpoint } = bucket;
    const prefix = 'site/catalog';
    return {
      config: { type: 's3', bucket: name, prefix, endpoint, region: 'eu-central-1' },
      damage: (key) => bucket.damage(`${prefix}/${key}`),
      everything: async () => [...(await bucket.keys()), ...(await bucket.uploads())],
      close: async () => undefined,
    };
  },
});

sourceSuite('s3 at Ceph', {
  kind: async () => s3Source,
  async make() {
    const bucket = await aBucket(ceph());
    const { name, endpoint } = bucket;
    await bucket.put('other/not-ours.jpg', 'beside the prefix');
    return {
      config: { type: 's3', bucket: name, endpoint, forcePathStyle: true, prefix: 'library/' },
      put: (key, bytes) => bucket.put(`library/${key}`, bytes),
      remove: (key) => bucket.delete(`library/${key}`),
      lose: () => bucket.drop(),
      close: async () => undefined,
    };
  },
});
