import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Fault } from '../../src/domain/faults.js';
import { collect } from '../../src/engine/collect.js';
import { originIn } from '../support/bucket-whole.js';
import { NightWorld } from '../support/night-world.js';
import { type Asked, type S3d, startS3d, testCredentials } from '../support/s3d/index.js';

/**
 * Two publishers and two collectors at one bucket, every request held back for as long as chance will have it, days going
 * by meanwhile, and bytes that come back after they were collected. After every single change at the store all that the
 * head names must be there.
 */
const hour = 3_600_000;
const rounds = 8;
let s3d: S3d;
const worlds: NightWorld[] = [];
let now: number;

beforeEach(async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', testCredentials.accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', testCredentials.secretAccessKey);
  now = Date.now() + 24 * hour;
  s3d = await startS3d({ clock: () => now });
});

afterEach(async () => {
  for (const one of worlds.splice(0)) one.close();
  await s3d.close();
  vi.unstubAllEnvs();
});

/** Numbers from 0 to 1, the same for the same seed: mulberry32. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function aPublisher(): NightWorld {
  const origin = { type: 's3', bucket: 'media', prefix: 'site', endpoint: s3d.endpoint, region: 'eu-central-1' };
  const made = new NightWorld({ origin, keep: { last: 1, withinMs: hour } });
  worlds.push(made);
  return made;
}

/** Holds requests back until as many others came, or nobody else has anything to ask. */
function holdBack(random: () => number): void {
  const waiting: (() => void)[] = [];
  const release = () => waiting.splice(Math.floor(random() * waiting.length), 1)[0]?.();
  const idle = setInterval(release, 5).unref();
  s3d.hooks.push((asked: Asked) => {
    check(asked);
    if (random() < 0.5) release();
    if (random() > 0.3) return undefined;
    const until = new Promise<void>((resolve) => waiting.push(resolve));
    return { kind: 'late', until };
  });
  stopHolding = () => {
    clearInterval(idle);
    for (const open of waiting.splice(0)) open();
  };
}
let stopHolding: () => void = () => undefined;

const broken: string[] = [];
function check({ kind, key }: Pick<Asked, 'kind' | 'key'>): void {
  const origin = originIn(s3d);
  const missing = origin.hasHead() ? origin.missing() : [];
  if (missing.length > 0) broken.push(`before ${kind} ${key}: ${missing.join(' ')} of seq ${origin.head().seq}`);
}

test.each([1, 2, 3])(
  'whatever happens when, nothing that a head names is ever missing (seed %i)',
  async (seed) => {
    const random = chance(seed);
    const pick = <T>(from: readonly T[]) => from[Math.floor(random() * from.length)] as T;
    const publishers = [aPublisher(), aPublisher()];
    const texts = ['one', 'two', 'three', 'four'];
    const ends: string[] = [];
    holdBack(random);

    const publish = async (world: NightWorld): Promise<void> => {
      world.now = now;
      world.put(`${pick(['a', 'b', 'c'])}.txt`, pick(texts));
      const { exit, fault } = await world.run();
      ends.push(exit === 13 ? `run 13 ${fault?.message}` : `run ${exit}`);
    };
    const tidy = async (world: NightWorld): Promise<void> => {
      const parts = { origin: await world.openOrigin(), clock: () => now, job: world.job };
      const { objects } = await collect(parts, { remove: true, maxDelete: 1 }).catch((error: unknown) => {
        if (error instanceof Fault && error.code === 'swap-lost') return { objects: [] };
        throw error;
      });
      ends.push(`gc ${objects.length}`);
    };

    await publish(publishers[0] as NightWorld);
    for (let round = 0; round < rounds; round++) {
      const sleeper = tidy(pick(publishers));
      now += Math.floor(random() * 5 * 24 * hour);
      await Promise.all([...publishers.map(publish), tidy(pick(publishers)), sleeper]);
      now += Math.floor(random() * 5 * 24 * hour);
    }
    stopHolding();
    check({ kind: 'get', key: 'the end' });
    expect(broken.splice(0)).toEqual([]);
    expect(ends.filter((end) => end === 'run 0').length).toBeGreaterThan(rounds);
    expect(ends.filter((end) => end.startsWith('gc ') && end !== 'gc 0').length).toBeGreaterThan(0);
    expect(ends.filter((end) => end.startsWith('run 13'))).toEqual([]);
  },
  120_000,
);
