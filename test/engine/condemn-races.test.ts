import { afterEach, beforeEach, expect, test } from 'vitest';
import { Fault } from '../../src/domain/faults.js';
import { collect } from '../../src/engine/collect.js';
import { endBucket, originAt, startBucket } from '../support/bucket-nights.js';
import { originIn } from '../support/bucket-whole.js';
import { randomFrom } from '../support/clocks.js';
import { NightWorld } from '../support/night-world.js';
import type { Asked, S3d } from '../support/s3d/index.js';

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
  now = Date.now() + 24 * hour;
  s3d = await startBucket({ clock: () => now });
});

afterEach(async () => {
  for (const one of worlds.splice(0)) one.close();
  await endBucket(s3d);
});

function aPublisher(): NightWorld {
  const origin = originAt(s3d.endpoint);
  const made = new NightWorld({ origin, keep: { last: 1, withinMs: hour } });
  worlds.push(made);
  return made;
}

/** Holds requests back until as many others came, or nobody else has anything to ask. */
function holdBack(random: () => number): void {
  const waiting: (() => void)[] = [];
  const release = () => waiting.splice(Math.floor(random() * waiting.length), 1)[0]?.();
  const idle = setInterval(release, 5).unref();
  s3d.hooks.push(async (asked: Asked) => {
    await check(asked);
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
async function check({ kind, key }: Pick<Asked, 'kind' | 'key'>): Promise<void> {
  const flaws = await originIn(s3d).flaws();
  if (flaws.length > 0) broken.push(`before ${kind} ${key}: ${flaws.join('; ')}`);
}

test.each([1, 2, 3])(
  'whatever happens when, nothing that a head names is ever missing (seed %i)',
  async (seed) => {
    const random = randomFrom(seed);
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
    await check({ kind: 'get', key: 'the end' });
    expect(broken.splice(0)).toEqual([]);
    expect(ends.filter((end) => end === 'run 0').length).toBeGreaterThan(rounds);
    expect(ends.filter((end) => end.startsWith('gc ') && end !== 'gc 0').length).toBeGreaterThan(0);
    expect(ends.filter((end) => end.startsWith('run 13'))).toEqual([]);
  },
  120_000,
);
