import { afterAll, beforeAll } from 'vitest';
import { type S3d, startS3d, testCredentials } from './s3d/index.js';

/** What the SDK's default chain finds first. */
export const credentialsInEnvironment: Readonly<Record<string, string>> = {
  AWS_ACCESS_KEY_ID: testCredentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: testCredentials.secretAccessKey,
};

/** One server for the tests of a file, with its credentials in the environment. */
export function oneS3d(): () => S3d {
  let server: S3d | undefined;
  beforeAll(async () => {
    Object.assign(process.env, credentialsInEnvironment);
    server = await startS3d();
  });
  afterAll(async () => {
    await server?.close();
    for (const name of Object.keys(credentialsInEnvironment)) delete process.env[name];
  });
  return () => {
    if (!server) throw new Error('the server is started before the first test');
    return server;
  };
}

export function bucketAt({ endpoint }: Pick<S3d, 'endpoint'>): {
  bucket: string;
  endpoint: string;
  forcePathStyle: boolean;
} {
  return { bucket: 'media', endpoint, forcePathStyle: true };
}

export function putObject(server: S3d, key: string, bytes: Uint8Array | string, at = Date.now()): void {
  server.bucket().put(key, { body: Buffer.from(bytes), headers: {}, at });
}
