/**
 * The last step of `npm run build`: what the CLI and a worker load at start, in a few files instead of 250. Loading them
 * one by one took a third of the CPU of a short command. Packages with native code, or that are seldom needed, stay outside.
 */
import { rmSync } from 'node:fs';
import { rolldown } from 'rolldown';

const outside = [
  'better-sqlite3',
  'sharp',
  'fluent-ffmpeg',
  'file-type',
  'jiti',
  'prom-client',
  '@aws-sdk/client-s3',
  '@aws-sdk/credential-provider-node',
  'nightpress',
];

rmSync('dist/bundle', { recursive: true, force: true });
const bundle = await rolldown({
  input: { cli: 'dist/cli/main.js', worker: 'dist/worker/main.js' },
  platform: 'node',
  external: outside,
});
await bundle.write({ dir: 'dist/bundle', format: 'esm', chunkFileNames: '[name]-[hash].js' });
await bundle.close();
