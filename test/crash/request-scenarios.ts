import { sha256 } from '../../src/domain/digest.js';
import type { Head } from '../../src/domain/head.js';
import { blobKey } from '../../src/domain/origin-keys.js';
import type { Tier } from '../support/s3d/conditions.js';
import { age, fill, settle, type World } from '../support/world.js';

/** A bucket and a world in which commands are killed, each time from the same beginning. */
export interface Ground {
  readonly tier: Tier;
  prepare(stage: Stage): Promise<void>;
  readonly scenarios: readonly Scenario[];
}

/** One command; killed, it is said again. */
export interface Scenario {
  readonly name: string;
  readonly verb: string;
  args(head: Head | undefined): readonly string[];
  /** How it ends, said again when its commit has landed; 0 unless told. */
  readonly exitWhenDone?: number;
  /** Problems of what a finished command leaves, beside those that every command can have. */
  check?(head: Head, keys: readonly string[]): readonly string[];
}

/** What a beginning is made with. */
export interface Stage {
  readonly world: World;
  /** All but `run` as from another machine, which has no state. Throws unless it ends with 0. */
  call(verb: string, args: readonly string[]): Promise<void>;
  /** All that is at the origin happened so much earlier. */
  elapse(days: number): void;
}

/** More than an upload sends in one piece. */
const filmBytes = 17 << 20;

const later: Ground['prepare'] = async ({ world, call }) => {
  await fill(world, { pictures: 0, texts: 280 }); // more than a manifest holds in one node, so that nodes are written in an order
  await age(world);
  await settle(world); // so that only what changes is looked at again
  await call('run', ['--now']);
  for (const n of [1, 2]) await world.write(`texts/t${n}.txt`, `changed ${n}\n`);
  await world.write('texts/film.txt', Buffer.alloc(filmBytes, 'a long film. '));
  await world.remove('texts/t3.txt');
};

const garbage = 'the second a';
const withdrawn = 'the first a';

/**
 * `withdrawn` was collected once and is live again, so it lies under a fresh key; the list of then is so old that the head
 * is to forget it and its file to go; `garbage`, and what was written around it, was let go longer ago than the grace.
 */
const aged: Ground['prepare'] = async ({ world, call, elapse }) => {
  const night = async (key: string, text: string, ...more: readonly string[]) => {
    await world.write(`${key}.txt`, text);
    await call('run', ['--now', ...more]);
    elapse(1);
  };
  await world.write('b.txt', 'the first b');
  await world.write('c.txt', 'the first c');
  await night('a', withdrawn);
  await night('a', garbage);
  await night('b', 'the second b');
  elapse(4);
  await call('gc', collecting);
  await night('a', withdrawn);
  await night('b', 'the third b');
  await night('c', 'the second c');
  await night('c', 'the third c', '--channel', 'preview');
  elapse(62);
};

/** More than a tenth of so little. */
const collecting = ['--yes', '--max-delete', '100%'];

const isStored = (keys: readonly string[], text: string) => {
  const [name = ''] = blobKey({ sha256: sha256(text), ext: 'txt' }).split('.');
  return keys.some((key) => key.startsWith(name));
};

const agedScenarios: readonly Scenario[] = [
  {
    name: 'gc',
    verb: 'gc',
    args: () => collecting,
    check: ({ gc }, keys) => [
      ...(isStored(keys, garbage) ? ['garbage is left'] : []),
      ...(gc?.lists.length === 1 ? [] : [`the head names ${gc?.lists.length} lists`]),
    ],
  },
  {
    name: 'withdraw',
    verb: 'withdraw',
    args: () => ['a.txt', '--reason', 'a court said so', '--yes'],
    check: ({ withdrawn: all = [] }, keys) => [
      ...(isStored(keys, withdrawn) || isStored(keys, garbage) ? ['content of the asset is left'] : []),
      ...(all.length > 0 && all.every(({ erasedAt }) => erasedAt) ? [] : ['the head does not say that it is erased']),
    ],
  },
  {
    name: 'rollback',
    verb: 'rollback',
    args: (head) => [head?.retained.at(-2)?.snapshot ?? '', '--yes'],
    exitWhenDone: 2,
  },
  { name: 'promote', verb: 'promote', args: () => ['preview', 'live', '--yes'], exitWhenDone: 2 },
];

const run = (name: string): readonly Scenario[] => [{ name, verb: 'run', args: () => ['--now'] }];

const everywhere: readonly Omit<Ground, 'tier'>[] = [
  { prepare: later, scenarios: run('run, a later one') },
  { prepare: ({ world }) => fill(world, { pictures: 0, texts: 3 }), scenarios: run('run, the very first') },
  { prepare: aged, scenarios: agedScenarios },
];

/** Where the store compares and swaps, and where it only creates. */
export const grounds: readonly Ground[] = (['A', 'B'] as const).flatMap((tier) =>
  everywhere.map(({ prepare, scenarios }) => ({
    tier,
    prepare,
    scenarios: scenarios.map((one) => (tier === 'A' ? one : { ...one, name: `${one.name}, by the log` })),
  })),
);
