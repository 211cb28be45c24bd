import { PutBucketPolicyCommand, S3Client } from '@aws-sdk/client-s3';
import type { Head } from '../../src/domain/head.js';
import { parseHead } from '../../src/domain/head-text.js';
import { type Cutter, startCutter } from '../support/cutter.js';
import { flawsOf } from '../support/live-files.js';
import { aWorld, type Running, type StartOptions, type World } from '../support/world.js';
import { startNginxCache, startVarnishCache } from './caches.js';
import { startCeph } from './ceph.js';
import { aBucket, type RealBucket, storeCredentials, storeEnvironment } from './store.js';

/** A project that publishes by real processes to a real Ceph, through a way that can be cut, with two real caches in front. */
export interface EdgeStage {
  readonly world: World;
  /** Of the way from the publishers to the store; the caches have their own. */
  readonly cutter: Cutter;
  /** What readers ask: Varnish, nginx. */
  readonly bases: readonly [string, string];
  start(args: readonly string[], more?: StartOptions): Running;
  /** The head as the store has it. */
  head(): Promise<Head | undefined>;
  /** What is not there, or not itself, of all that the head names. */
  flaws(head: Head): Promise<readonly string[]>;
  end(): Promise<void>;
}

const token = 'only-the-publisher-knows';
const prefix = 'site';

export async function anEdgeStage(): Promise<EdgeStage> {
  const ends: (() => Promise<void>)[] = [];
  const end = async () => {
    for (const one of ends.splice(0).reverse()) await one();
  };
  const kept = <T extends { end(): Promise<void> }>(one: T): T => {
    ends.push(() => one.end());
    return one;
  };
  try {
    const store = kept(await startCeph());
    const bucket = await aBucket(store);
    await letEverybodyRead(bucket);
    const cutter = await startCutter(store.port);
    ends.push(() => cutter.close());
    const ports = [
      kept(await startVarnishCache(store.port, token)).port,
      kept(await startNginxCache(store.port, token)).port,
    ];
    const world = kept(
      await aWorld({ originConfig: originAt(cutter, bucket), gate: gateAndEdge(ports[1] ?? 0, bucket) }),
    );
    return { ...acting(world, bucket), cutter, bases: basesOf(ports, bucket), end };
  } catch (error) {
    await end();
    throw error;
  }
}

function acting(world: World, bucket: RealBucket): Pick<EdgeStage, 'world' | 'start' | 'head' | 'flaws'> {
  const env = { ...storeEnvironment, PURGE_TOKEN: token };
  return {
    world,
    start: (args, more = {}) => world.start(args, { ...more, env: { ...env, ...more.env } }),
    head: async () => {
      const text = await bucket.get(`${prefix}/head.json`);
      return text && parseHead(text.toString());
    },
    flaws: (head) => flawsOf(head, (key) => bucket.get(`${prefix}/${key}`)),
  };
}

function originAt({ endpoint }: Cutter, { name }: RealBucket): object {
  return { type: 's3', bucket: name, prefix, endpoint, region: 'eu-central-1' };
}

/** Only nginx is told what is live; Varnish shows the old head for as long as it may. Hosts as in `edges.servertest.ts`. */
function gateAndEdge(port: number, { name }: RealBucket): string {
  const edge = {
    type: 'http-purge',
    urls: `http://localhost:${port}/${name}/${prefix}`,
    servers: `http://127.0.0.1:${port}`,
    tokenEnv: 'PURGE_TOKEN',
  };
  return `{ shrink: '50%' },\n  edges: [${JSON.stringify(edge)}]`;
}

function basesOf(ports: readonly number[], { name }: RealBucket): [string, string] {
  const [varnish, nginx] = ports.map((port) => `http://localhost:${port}/${name}/${prefix}`);
  return [varnish ?? '', nginx ?? ''];
}

/** What a bucket behind a CDN is: readers may get its objects, and nothing else. */
async function letEverybodyRead({ name, endpoint }: RealBucket): Promise<void> {
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials: storeCredentials });
  const statement = { Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: `arn:aws:s3:::${name}/*` };
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
  await client.send(new PutBucketPolicyCommand({ Bucket: name, Policy }));
  client.destroy();
}
