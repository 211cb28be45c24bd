import { directory } from '../../../src/origins/directory/index.js';
import { publisher, services } from './publisher.js';

/**
 * A publisher in a process of its own: `publish-many.ts ROOT SCRATCH NAME COUNT`. Publishes until COUNT of its snapshots
 * landed, prunes after each, and says each on stdout.
 */
const [root, scratch, name, count] = process.argv.slice(-4);
if (!root || !scratch) throw new Error('expected ROOT SCRATCH NAME COUNT');

const origin = directory.open({ type: 'directory', path: root }, services);
const { next } = publisher(origin, scratch);
for (let landed = 0; landed < Number(count); ) {
  const { head, base } = await next(`${name} ${landed}`);
  if ((await origin.swapHead(head, base)) !== 'landed') continue;
  landed++;
  const predecessor = head.retained.at(-2)?.snapshot;
  await origin.tree?.prune([head.channels.live, { snapshot: predecessor }].flatMap((one) => one?.snapshot ?? []));
  process.stdout.write(`landed ${head.seq}\n`);
}
