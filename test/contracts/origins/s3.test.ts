import { vi } from 'vitest';
import { s3 } from '../../../src/origins/s3/index.js';
import { type S3dOptions, startS3d, testCredentials } from '../../support/s3d/index.js';
import { type OriginHarness, originSuite } from './suite.js';

const harnessOf = (options: S3dOptions, commitsBy?: 'log'): OriginHarness => ({
  trees: false,
  exclusive: false,
  commitsBy,
  kind: async () => s3,
  async make() {
    const s3d = await startS3d({ pageSize: 3, ...options });
    vi.stubEnv('AWS_ACCESS_KEY_ID', testCredentials.accessKeyId);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', testCredentials.secretAccessKey);
    const prefix = 'site/catalog';
    return {
      config: { type: 's3', bucket: 'media', prefix, endpoint: s3d.endpoint, region: 'eu-central-1' },
      async damage(key) {
        const stored = s3d.bucket().get(`${prefix}/${key}`);
        if (!stored) throw new Error(`${key} is not there to be damaged`);
        const body = Buffer.from(stored.body);
        body[body.length - 1] = (body.at(-1) ?? 0) ^ 1;
        body[0] = (body[0] ?? 0) ^ 1;
        s3d.bucket().put(`${prefix}/${key}`, { ...stored, etag: undefined, body });
      },
      everything: async () => [...s3d.bucket().keys(), ...s3d.bucket().uploads.keys()],
      close: async () => {
        vi.unstubAllEnvs();
        await s3d.close();
      },
    };
  },
});

originSuite('s3', harnessOf({}));
originSuite(
  's3 with the quirks of Ceph 16 and Swift 2.30',
  harnessOf({
    etagForm: 'unquoted',
    quirks: ['a swap in the right form that loses is a 500', 'no ETag of a completed upload', 'wants Content-MD5'],
  }),
);
originSuite('s3 that creates once and does not compare and swap', harnessOf({ tier: 'B' }, 'log'));
originSuite('s3 that compares and swaps, under a head with a log', harnessOf({}, 'log'));
