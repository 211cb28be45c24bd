import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { pictureOf, type World } from './world.js';

export interface Random {
  /** 0 ≤ x < 1. */
  fraction(): number;
  /** A whole number from 0 up to, not including, `limit`. */
  below(limit: number): number;
}

/** Mulberry32 (Tommy Ettinger, public domain): small, and the same everywhere for the same seed. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  const fraction = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return { fraction, below: (limit) => Math.floor(fraction() * limit) };
}

/** Some files rewritten, one or two added, one renamed, copied or removed: all of it follows from `random` and `label`. */
export async function changeAtRandom(world: World, random: Random, label: string): Promise<void> {
  const keys = await keysOf(world);
  const any = () => keys[random.below(keys.length)] ?? 'texts/t0.txt';
  for (let n = 0; n < 3 + random.below(4); n++) {
    const key = any();
    await world.write(key, await contentOf(key, `${label}, edit ${n}`));
  }
  for (let n = 0; n < 1 + random.below(2); n++) {
    const key = random.below(2) === 0 ? `pictures/${label} ${n}.jpg` : `texts/${label} ${n}.txt`;
    await world.write(key, await contentOf(key, `${label}, new ${n}`));
  }
  const [from, act] = [any(), random.below(3)];
  const bytes = await readFile(path.join(world.source, from));
  if (act < 2) await world.write(from.replace(/(\.\w+)$/, `, again in ${label}$1`), bytes);
  if (act > 0 && keys.length > 12) await world.remove(from);
}

async function contentOf(key: string, label: string): Promise<Buffer | string> {
  return key.endsWith('.jpg') ? await pictureOf(label) : `${label}\n`;
}

async function keysOf(world: World): Promise<readonly string[]> {
  const found = await readdir(world.source, { recursive: true });
  return found.filter((name) => /\.(jpg|txt)$/.test(name)).sort();
}
