import { once } from 'node:events';
import { vi } from 'vitest';
import { type S3d, type S3dOptions, startS3d, testCredentials } from './s3d/index.js';

/** A fake store, and its credentials in the environment; `endBucket` takes both back. */
export async function startBucket(options?: S3dOptions): Promise<S3d> {
  vi.stubEnv('AWS_ACCESS_KEY_ID', testCredentials.accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', testCredentials.secretAccessKey);
  return await startS3d(options);
}

export async function endBucket(s3d: S3d): Promise<void> {
  await s3d.close();
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
}

/**
 * Until `endBucket`, this process lives by the store's clock: the SDK takes any refusal by a store of another day for a
 * matter of clocks, and asks five times.
 */
export function liveBy(clock: () => number): void {
  vi.spyOn(Date, 'now').mockImplementation(clock);
}

/** The `origin` of a job that publishes to `site/` in the bucket `media`. */
export function originAt(endpoint: string) {
  return { type: 's3', bucket: 'media', prefix: 'site', endpoint, region: 'eu-central-1' };
}

/** Something that resolves when it is told to. */
export function gate() {
  const controller = new AbortController();
  return { until: once(controller.signal, 'abort'), open: () => controller.abort() };
}
