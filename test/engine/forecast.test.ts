import path from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { gateRules } from '../../src/domain/gate.js';
import type { GateSpec } from '../../src/domain/types.js';
import { failingIn } from '../../src/engine/failing.js';
import { previewNight } from '../../src/engine/preview.js';
import { openScratchState, openState } from '../../src/state/open.js';
import { NightWorld } from '../support/night-world.js';

const hourMs = 3_600_000;
const keys = ['a/0.txt', 'a/1.txt', 'a/2.txt', 'b/0.txt', 'b/1.txt', 'c/0.txt', 'c/1.txt', 'c/2.txt'];

/** What became of a file since the night before. */
const fates = ['kept', 'changed', 'removed', 'broken'] as const;
type Fate = (typeof fates)[number];

const allowance = fc.oneof(
  fc.record({ count: fc.nat({ max: 4 }) }),
  fc.record({ share: fc.constantFrom(0, 0.01, 0.2, 0.5) }),
);
const gates: fc.Arbitrary<GateSpec> = fc.record(
  {
    tolerate: allowance,
    shrink: allowance,
    grow: allowance,
    required: fc.constantFrom(['a/0.txt'], ['b/**'], ['**/2.txt']),
    maxStaleMs: fc.constantFrom(20 * hourMs, 30 * hourMs, 60 * hourMs),
  },
  { requiredKeys: ['tolerate', 'shrink'] },
);

const anyFates = fc.array(fc.constantFrom<Fate>(...fates), { minLength: 8, maxLength: 8 });

const stories = fc.record({
  gate: gates,
  grouped: fc.boolean(),
  /** Of the second night, and of the third; a file that was not there at first appears when it is changed. */
  fates: fc.tuple(anyFates, fc.oneof({ weight: 2, arbitrary: anyFates }, fc.constant<Fate[]>([]))),
  atFirst: fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }),
  accepted: fc.option(fc.record({ first: fc.nat({ max: 3 }), hours: fc.constantFrom(undefined, 12, 500) })),
  approved: fc.subarray([...gateRules]),
  /** After the second night, in hours. */
  lookedAfter: fc.integer({ min: 1, max: 23 }),
});
type Story = typeof stories extends fc.Arbitrary<infer T> ? T : never;

function happen(world: NightWorld, fatesOf: readonly Fate[], night: number, there: Set<string>): void {
  keys.forEach((key, at) => {
    const fate = fatesOf[at] ?? 'kept';
    if (fate === 'removed' && there.delete(key)) world.remove(key);
    // Nobody can foretell a failure that is news: in the last night nothing new breaks.
    const isNew = fate === 'changed' || (fate === 'broken' && night === 2);
    if (!isNew) return;
    there.add(key);
    world.put(key, `${fate} in night ${night}: ${key}`);
    world.broken[fate === 'broken' ? 'add' : 'delete'](key);
  });
}

async function foretellAndRun(story: Story): Promise<{ foretold: readonly string[]; met: readonly string[] }> {
  const world = new NightWorld(story.grouped ? { groupBy: { kind: 'directory' } } : {});
  const folder = path.join(world.root, world.stateName);
  try {
    world.now = Date.UTC(2040, 0, 1, 2, 1);
    const there = new Set(keys.filter((_, at) => story.atFirst[at] || at === 0));
    for (const key of there) world.put(key, `first: ${key}`);
    await world.run();
    world.job = { ...world.job, gate: story.gate };
    happen(world, story.fates[0] ?? [], 2, there);
    world.nextDay();
    await world.run();
    happen(world, story.fates[1] ?? [], 3, there);
    world.now += story.lookedAfter * hourMs;
    const scratch = openScratchState(folder);
    const { decision, judgedIn } = await previewNight(await world.night(scratch)).finally(() => scratch.close());
    const state = openState(folder);
    const { accepted, approved } = story;
    if (accepted) {
      const failing = failingIn(state, world.now).slice(0, accepted.first);
      const until = accepted.hours === undefined ? undefined : world.now + accepted.hours * hourMs;
      state.accept(failing.map((one) => ({ ...one, code: one.finding.code, reason: 'old', until, at: world.now })));
    }
    for (const rule of approved) state.approve({ opens: judgedIn.opens, rule, reason: 'planned', at: world.now });
    state.close();
    const again = openScratchState(folder);
    const { holds } = await previewNight(await world.night(again)).finally(() => again.close());
    if (decision.kind === 'nothing') world.now = Math.max(world.now, judgedIn.opens);
    const result = await world.run();
    return { foretold: holds.map(({ rule }) => rule), met: (result.held ?? []).map(({ rule }) => rule) };
  } finally {
    world.close();
  }
}

test('what plan says the gate will object to is what the gate then objects to', async () => {
  let held = 0;
  await fc.assert(
    fc.asyncProperty(stories, async (story) => {
      const { foretold, met } = await foretellAndRun(story);
      held += met.length;
      expect(foretold).toEqual(met);
    }),
    { numRuns: Number(process.env.NIGHTPRESS_RUNS ?? 30) },
  );
  expect(held).toBeGreaterThan(3);
}, 240_000);
