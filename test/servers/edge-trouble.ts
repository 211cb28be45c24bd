import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Cut } from '../support/cutter.js';
import { type Pace, someTimeIn } from '../support/moments.js';
import type { Random } from '../support/random-sources.js';
import type { Ended, StartOptions } from '../support/world.js';
import { changeSources } from './edge-sources.js';
import type { EdgeStage } from './edge-stage.js';

/** What a publish is disturbed with. Every disturbance may leave a run undone; the next one must make it good. */
export interface Scene {
  readonly stage: EdgeStage;
  readonly random: Random;
  /** Of an undisturbed night. */
  readonly pace: Pace;
  /** Of this night, for what changes in it. */
  readonly label: string;
  /** How often what happened. */
  count(what: string): void;
  object(flaw: string): void;
}

type Trouble = (scene: Scene) => Promise<void>;

const headPut = /^PUT \S*\/head\.json/;

/** Ceph refuses the first form of a commit's condition, and takes the second: mostly that one is hit. */
const someCommit = (random: Random): number => (random.below(4) === 0 ? 1 : 2);

/** Another host's publisher: the same job and sources, a state of its own. */
export const rivalOf = ({ world }: EdgeStage): StartOptions => ({ state: path.join(world.folder, 'rival') });

async function ended(scene: Scene, args: readonly string[], options?: StartOptions): Promise<Ended> {
  return told(scene, await scene.stage.start(args, options).ended);
}

/** 0, staged behind a freeze, unknown, or to be tried again: whatever else a disturbed run ends with is a violation. */
const truthful = [0, 4, 6, 75];

function told({ count, object }: Scene, run: Ended): Ended {
  for (const { type } of run.lines) if (type === 'rebased') count('lost swaps, rebased');
  if (run.code === 6) count('outcomes unknown (exit 6)');
  if (run.signal === null && !truthful.includes(run.code ?? -1)) object(`a run ended with ${run.code}: ${run.stderr}`);
  return run;
}

/** One SIGKILL or several, at random moments. */
const kill: Trouble = async (scene) => {
  const { stage, random, pace, count } = scene;
  for (let n = 1 + random.below(2); n > 0; n--) {
    const run = stage.start(['--now']);
    await someTimeIn(run, random, pace);
    run.signal('SIGKILL');
    if (told(scene, await run.ended).signal) count('SIGKILL at a random moment');
  }
};

/** SIGKILL while the commit is on its way. */
const killAtCommit: Trouble = async (scene) => {
  const { stage, random, count } = scene;
  const at = random.below(2) === 0 ? 'request' : 'answer';
  const run = stage.start(['--now']);
  stage.cutter.next(headPut, { kind: 'strike', at, strike: () => run.signal('SIGKILL') }, someCommit(random));
  if (told(scene, await run.ended).signal) count(`SIGKILL at the ${at} of a commit`);
};

/** What is late lands during this run, or while the next one is at work. */
function someCut({ random, pace }: Scene): Cut {
  const until = delay(random.fraction() * (pace.startMs + pace.runMs) * 2);
  const all: readonly Cut[] = [{ kind: 'cut-answer' }, { kind: 'late', until }, { kind: 'slow', until }];
  return all[random.below(all.length + 1)] ?? { kind: 'reset' };
}

/** The commit's connection breaks or drags. */
const cut: Trouble = async (scene) => {
  const { cutter } = scene.stage;
  const [next, before] = [someCut(scene), cutter.made];
  cutter.next(headPut, next, someCommit(scene.random));
  await ended(scene, ['--now']);
  if (cutter.made > before) scene.count(`commit: ${next.kind}`);
};

/** Two publishers start at the same moment. */
const race: Trouble = async (scene) => {
  scene.count('two publishers at once');
  await Promise.all([ended(scene, ['--now']), ended(scene, ['--now'], rivalOf(scene.stage))]);
};

/** One stands still before its commit; another publishes newer sources meanwhile. */
const overtaken: Trouble = async (scene) => {
  await standingStill(scene, async () => {
    await changeSources(scene.stage.world, scene.random, `${scene.label}, meanwhile`);
    await ended(scene, ['--now'], rivalOf(scene.stage));
    scene.count('overtaken before the commit');
  });
};

/** One stands still before its commit; a person rolls back meanwhile, with a freeze or without. */
const rolledBack: Trouble = async (scene) => {
  const freezes = scene.random.below(2) === 0;
  await standingStill(scene, async () => {
    const words = ['--yes', '--reason', 'as a test', ...(freezes ? [] : ['--no-freeze'])];
    const { code } = await ended(scene, words, { verb: 'rollback' });
    if (code === 0) scene.count(freezes ? 'rolled back and frozen' : 'rolled back');
  });
};

async function standingStill(scene: Scene, meanwhile: () => Promise<void>): Promise<void> {
  const run = scene.stage.start(['--now'], { env: { NIGHTPRESS_STOP: 'head-ready' } });
  try {
    await run.stoppedAt('head-ready');
    await meanwhile();
  } finally {
    run.signal('SIGCONT');
  }
  told(scene, await run.ended);
}

/** One of these a night, in an order that the seed decides; `undefined`: a calm one. */
export const deck: readonly (Trouble | undefined)[] = [
  ...[undefined, undefined, undefined],
  ...[kill, kill, kill, kill, killAtCommit, killAtCommit],
  ...[cut, cut, cut, cut, cut],
  ...[race, race, overtaken, overtaken],
  ...[rolledBack, rolledBack],
];
