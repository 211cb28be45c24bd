import { afterEach, expect, test } from 'vitest';
import { copyRecipe, NightWorld } from '../support/night-world.js';

let world: NightWorld;

afterEach(() => world.close());

test('items whose paths turn out to collide after the work step back, and the rest is published', async () => {
  // `{width}` is known only after the work: no plan can see it coming.
  world = new NightWorld({ recipes: [copyRecipe('all', '**/*', { path: '{name}-{width}.{ext}' })] });
  world.put('one/same.txt', 'first');
  world.put('two/same.txt', 'second');
  world.put('other.txt', 'third');
  const result = await world.run();
  expect(result).toMatchObject({ outcome: 'incomplete', items: { total: 3, done: 1, failed: 2 } });
  expect(result.findings.map((finding) => finding.code)).toEqual(['path-collision', 'path-collision']);
});
