import { randomUUID } from 'node:crypto';
import type { Observation } from '../../domain/store-tier.js';
import type { Probe, ProbeOptions } from '../contract.js';
import type { Limits } from './client.js';
import { placeOf, type S3Config } from './config.js';
import { tryCreating, trySwapping } from './probe-commits.js';
import { tryData } from './probe-data.js';
import { Scratch } from './scratch.js';
import { storeAt } from './store.js';
import { atStore } from './trouble.js';

/** Connections of its own, so many that all writers of a race are under way at once. */
export function probe(config: S3Config, limits: Limits): Probe {
  const place = placeOf(config);
  const look = async (options: ProbeOptions) => {
    const store = storeAt(config, { ...limits, sockets: Math.max(options.racers, 8) }, undefined);
    try {
      return await atStore(place, () => tidily(new Scratch(store, `tmp/probe/${randomUUID()}`), options));
    } finally {
      store.data.destroy();
      store.commits.destroy();
    }
  };
  return { place, singleWriter: config.singleWriter, look };
}

async function tidily(scratch: Scratch, options: ProbeOptions): Promise<readonly Observation[]> {
  try {
    const data = options.extent === 'all' ? await tryData(scratch, options.clock) : [];
    const seen = [...data, ...(await tryCreating(scratch, options)), ...(await trySwapping(scratch, options))];
    await scratch.clear();
    return seen;
  } catch (error) {
    await scratch.clear().catch(() => undefined); // what went wrong first is what has to be told
    throw error;
  }
}
