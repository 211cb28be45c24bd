import { parseArgs } from 'node:util';
import { type Pace, paceOf } from '../support/moments.js';
import { type Random, randomFrom } from '../support/random-sources.js';
import { startWatching } from '../support/readers.js';
import { until } from '../support/until.js';
import { aWorld, type Ended, type StartOptions } from '../support/world.js';
import type { SeenAtEdge } from './edge-reader.js';
import { type EdgeReport, edgeText, writeEdges } from './edge-report.js';
import { changeSources, fillSources } from './edge-sources.js';
import { anEdgeStage, type EdgeStage } from './edge-stage.js';
import { deck, rivalOf, type Scene } from './edge-trouble.js';

/**
 * `npm run torture:edges -- [--publishes 100] [--seed N] [--write]`: readers behind a real Varnish and a real nginx look all the
 * time while real processes publish to a real Ceph, and are killed, cut off and overtaken. After every disturbance a run must
 * end with 0 and what it says must be live and whole; every tenth time an undisturbed twin must come to the same snapshot.
 */
export async function edgeTorture(argv: readonly string[]): Promise<number> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...argv],
    options: { publishes: text, seed: text, write: { type: 'boolean' } },
  });
  const [publishes, seed] = [Number(values.publishes ?? 100), Number(values.seed ?? Date.now() % 1_000_000)];
  if (![publishes, seed].every(Number.isSafeInteger)) throw new Error('--publishes and --seed: expected whole numbers');
  process.stderr.write(`torture:edges: ${publishes} publishes, seed ${seed}\n`);
  const stage = await anEdgeStage();
  try {
    const report = await watched(stage, publishes, seed);
    process.stdout.write(`${edgeText(report)}\n`);
    if (values.write) await writeEdges(report);
    return report.violations.length === 0 ? 0 : 1;
  } finally {
    await stage.end();
  }
}

async function watched(stage: EdgeStage, publishes: number, seed: number): Promise<EdgeReport> {
  const startedAt = performance.now();
  await fillSources(stage.world);
  const pace = await calm(stage);
  const first = await stage.head();
  const [varnish, nginx] = stage.bases;
  const names = ['`nightpress/client` at Varnish', '`nightpress/client` at nginx', 'fetch at both in turn'];
  const calls = [
    ['client', varnish],
    ['client', nginx],
    ['raw', varnish, nginx],
  ];
  const program = new URL('edge-reader.ts', import.meta.url);
  const readers = startWatching<SeenAtEdge>(
    program,
    calls.map((call, at) => [...call, String(seed + at)]),
  );
  const tally: Tally = { counts: new Map(), violations: [] };
  try {
    await nights({ stage, pace, random: randomFrom(seed) }, tally, publishes);
  } catch (error) {
    tally.violations.push((error as Error).message);
  }
  const observed = await readers.stop();
  const last = await stage.head();
  return {
    date: new Date().toISOString().slice(0, 10),
    seed,
    publishes,
    seconds: Math.round((performance.now() - startedAt) / 1000),
    commits: (last?.seq ?? 0) - (first?.seq ?? 0),
    counts: [...tally.counts].sort(([a], [b]) => a.localeCompare(b)),
    readers: observed.map((seen, at) => ({ name: names[at] ?? '', ...seen })),
    violations: [...tally.violations, ...readers.violations],
  };
}

interface Tally {
  readonly counts: Map<string, number>;
  readonly violations: string[];
}

type Setting = Pick<Scene, 'stage' | 'pace' | 'random'>;

async function nights(setting: Setting, tally: Tally, publishes: number): Promise<void> {
  const { stage, random } = setting;
  let cards: (typeof deck)[number][] = [];
  for (let night = 1; night <= publishes && tally.violations.length === 0; night++) {
    if (cards.length === 0) cards = shuffled(deck, random);
    const trouble = cards.pop();
    const scene: Scene = {
      ...setting,
      label: `night ${night}`,
      count: (what) => void tally.counts.set(what, (tally.counts.get(what) ?? 0) + 1),
      object: (flaw) => void tally.violations.push(`night ${night}: ${flaw}`),
    };
    const before = (await stage.head())?.seq ?? 0;
    await changeSources(stage.world, random, scene.label);
    await trouble?.(scene);
    stage.cutter.forget();
    if (!trouble) scene.count('undisturbed');
    await finish(scene, before);
    if (night % 10 === 0 || night === publishes) await compare(scene);
    process.stderr.write(`night ${night}: ${trouble?.name ?? 'undisturbed'} ${tally.violations.join('; ')}\n`);
  }
}

function shuffled<T>(all: readonly T[], random: Random): T[] {
  const left = [...all];
  return all.flatMap(() => left.splice(random.below(left.length), 1));
}

/** The first run of each publisher, and a night that nobody disturbs: how long it takes. */
async function calm(stage: EdgeStage): Promise<Pace> {
  await undisturbed(stage, {});
  await undisturbed(stage, rivalOf(stage));
  await changeSources(stage.world, randomFrom(0), 'calm');
  return await undisturbed(stage, {});
}

async function undisturbed(stage: EdgeStage, publisher: StartOptions): Promise<Pace> {
  const startedAt = performance.now();
  const run = await stage.start(['--now'], publisher).ended;
  if (run.code !== 0) throw new Error(`an undisturbed publish ended with ${run.code}: ${run.stderr}`);
  return paceOf(run, performance.now() - startedAt);
}

/** Whatever happened: runs make it good, and what the last one says is live and whole. */
async function finish(scene: Scene, seqBefore: number): Promise<void> {
  const { stage, object } = scene;
  await until(() => stage.world.left().length === 0 || undefined, 'no process of a dead run is left');
  const run = await madeGood(scene);
  const head = await stage.head();
  if (run.code !== 0) object(`the finishing run ended with ${run.code}: ${run.stderr}`);
  if (!head || head.seq <= seqBefore) return object(`seq ${head?.seq} after ${seqBefore}`);
  const live = head.channels.live?.snapshot;
  if (live !== run.result?.snapshot) object(`live is ${live}, the run said ${run.result?.snapshot}`);
  for (const flaw of await stage.flaws(head)) object(flaw);
}

/** Ends a freeze, settles an unknown commit by hand half of the time, and runs. */
async function madeGood({ stage, random, count }: Scene): Promise<Ended> {
  if ((await stage.head())?.frozen) await stage.start([], { verb: 'unfreeze' }).ended;
  if (random.below(2) === 0) {
    const { lines } = await stage.start(['--resolve'], { verb: 'publish' }).ended;
    if (lines.some(({ landed }) => landed === false)) count('settled by publish --resolve: never landed');
    if (lines.some(({ landed }) => landed === true)) count('settled by publish --resolve: had landed');
  }
  return await stage.start(['--now']).ended;
}

/** A folder that nobody disturbs comes to the same snapshot from the same sources. */
async function compare({ stage, object, count }: Scene): Promise<void> {
  const twin = await aWorld({ source: stage.world.source });
  try {
    const undisturbed = (await twin.run(['--now'])).result?.snapshot;
    const live = (await stage.head())?.channels.live?.snapshot;
    if (live !== undisturbed) object(`live is ${live}, an undisturbed run made ${undisturbed}`);
    count('compared with an undisturbed twin');
  } finally {
    await twin.end();
  }
}
