import type { Head } from '../../src/domain/head.js';
import { parseHead } from '../../src/domain/head-text.js';
import { liveFilesOf } from '../support/live-files.js';
import { age, aWorld, type Ended, fill, type Running, type StartOptions, type World } from '../support/world.js';
import type { RealServer } from './processes.js';
import { aBucket, type RealBucket, storeEnvironment } from './store.js';

/** A project that publishes to a bucket of a real store, by the real binary in processes of its own. */
export interface BucketWorld {
  readonly world: World;
  readonly bucket: RealBucket;
  start(args?: readonly string[], more?: StartOptions): Promise<Running>;
  night(args?: readonly string[], more?: StartOptions): Promise<Ended>;
  head(): Promise<Head | undefined>;
  liveFiles(): Promise<Readonly<Record<string, string>>>;
}

export const [pictures, texts] = [2, 3];

export async function aBucketWorld(store: RealServer, more: object = {}): Promise<BucketWorld> {
  const bucket = await aBucket(store);
  const { name, endpoint } = bucket;
  const originConfig = { type: 's3', bucket: name, prefix: 'site', endpoint, region: 'eu-central-1', ...more };
  return await inBucket(bucket, originConfig);
}

/** Another project with sources of its own that publishes to the same place. */
export async function aRivalOf({ bucket }: BucketWorld): Promise<BucketWorld> {
  const { name, endpoint } = bucket;
  return await inBucket(bucket, { type: 's3', bucket: name, prefix: 'site', endpoint, region: 'eu-central-1' });
}

async function inBucket(bucket: RealBucket, originConfig: object): Promise<BucketWorld> {
  const world = await aWorld({ originConfig });
  await fill(world, { pictures, texts });
  const start = async (args: readonly string[] = ['--now'], options: StartOptions = {}) => {
    await age(world);
    return world.start(args, { ...options, env: { ...storeEnvironment, ...options.env } });
  };
  const head = async () => {
    const text = await bucket.get('site/head.json');
    return text && parseHead(text.toString());
  };
  const liveFiles = async () => {
    const now = await head();
    return now ? await liveFilesOf(now, (key) => bucket.get(`site/${key}`)) : {};
  };
  return { world, bucket, start, night: async (...asked) => await (await start(...asked)).ended, head, liveFiles };
}
