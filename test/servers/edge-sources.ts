import { changeAtRandom, type Random } from '../support/random-sources.js';
import { age, fill, type World } from '../support/world.js';

/** Always written together, with the same text: two of them with different texts are of different nights. */
export const twins = ['twins/a.txt', 'twins/b.txt', 'twins/c.txt'];

/** So many assets that a manifest takes several nodes. */
export async function fillSources(world: World): Promise<void> {
  await fill(world, { pictures: 2, texts: 280 });
  await writeTwins(world, 'the first night');
  await age(world); // so that a night looks only at what it changes
}

export async function changeSources(world: World, random: Random, label: string): Promise<void> {
  await changeAtRandom(world, random, label);
  await writeTwins(world, label);
}

async function writeTwins(world: World, label: string): Promise<void> {
  for (const twin of twins) await world.write(twin, `${label}\n`);
}
