import { expect, test } from 'vitest';
import { sha256 } from '../../src/domain/digest.js';
import { nodeLoader } from '../../src/engine/base.js';
import type { Origin } from '../../src/origins/contract.js';

test('however many nodes are asked for, an origin reads sixteen at a time', async () => {
  const reading = { now: 0, most: 0 };
  const readManifest: Origin['readManifest'] = async (digest) => {
    reading.now++;
    reading.most = Math.max(reading.most, reading.now);
    await new Promise(setImmediate);
    reading.now--;
    return Buffer.from(digest);
  };
  const load = nodeLoader({ readManifest } as Origin);
  const digests = Array.from({ length: 100 }, (_, at) => sha256(`node ${at}`));
  const nodes = await Promise.all(digests.map(load));
  expect([nodes.map(String), reading.most]).toEqual([digests, 16]);
});
