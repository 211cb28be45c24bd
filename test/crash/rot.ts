import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { SnapshotId } from '../../src/domain/types.js';
import { checkpointed } from '../support/checkpoints.js';
import { flawsOf, liveSnapshot } from '../support/published.js';
import type { Random } from '../support/random-sources.js';
import { age, aWorld, type Ended, fill, type Line, type World } from '../support/world.js';

/**
 * What becomes of a night whose state was cut off or has flipped bits. Each damage is done to a copy of the same files,
 * and `run` must end in one of two ways:
 *
 *   named      exit 12 (13 and 1 where what is remembered of the origin is hit), the cause, what is live and the next
 *              command in the result; never a stack, and the origin is as it was
 *   harmless   the snapshot is the one that an undisturbed run makes
 *
 * Anything else is wrong: another snapshot, a missing asset, "unchanged" over sources that changed.
 */
export interface Scenario {
  readonly name: string;
  /** Leaves a state to damage, and sources for the next `run`. */
  readonly prepare: (world: World) => Promise<void>;
  /** Arguments of that run. */
  readonly args: readonly string[];
}

export const scenarios: readonly Scenario[] = [
  {
    name: 'closed',
    args: ['--now'],
    prepare: async (world) => {
      await world.run();
      await world.write('texts/t0.txt', 'changed since');
      await world.remove('texts/t1.txt');
      await age(world);
    },
  },
  {
    name: 'killed',
    args: [],
    prepare: async (world) => {
      await world.run();
      for (let n = 0; n < 4; n++) await world.write(`texts/t${n}.txt`, `changed ${n}`);
      await world.remove('texts/t5.txt');
      await world.run(['--now'], { env: { NIGHTPRESS_CRASH: 'manifest-ready' } });
    },
  },
];

export interface Damage {
  readonly file: 'state.db' | 'state.db-wal';
  readonly what: string;
  readonly bytes: Buffer;
}

export type Fate = 'refused at open' | 'named later' | 'harmless' | 'wrong';

export interface Suffered extends Pick<Damage, 'file' | 'what'> {
  readonly fate: Fate;
  /** The fault, or what is wrong. */
  readonly said: string;
  /** Items made again although a checkpoint held them: allowed, told. */
  readonly again: number;
}

/** A world to damage again and again. */
export class Patient {
  readonly #world: World;
  readonly #scenario: Scenario;
  readonly #calm: SnapshotId | undefined;
  readonly #safe: ReadonlySet<string>;

  private constructor(world: World, scenario: Scenario, calm: SnapshotId | undefined, safe: ReadonlySet<string>) {
    this.#world = world;
    this.#scenario = scenario;
    this.#calm = calm;
    this.#safe = safe;
  }

  static async prepare(scenario: Scenario): Promise<Patient> {
    const world = await aWorld({ recipes: `{ rest: copy({ match: '**/*.txt' }) }` });
    await fill(world, { pictures: 0, texts: 12 });
    await scenario.prepare(world);
    for (const name of ['public', '.nightpress']) {
      await cp(path.join(world.folder, name), path.join(world.folder, 'whole', name), copying);
    }
    const safe = await checkpointed(world);
    const calm = await world.run(scenario.args);
    const rest = [...safe].filter(
      (item) => !calm.lines.some((line) => line.type === 'item-started' && line.item === item),
    );
    return new Patient(world, scenario, calm.result?.snapshot ?? undefined, new Set(rest));
  }

  async file(name: Damage['file']): Promise<Buffer> {
    const file = path.join(this.#world.folder, 'whole/.nightpress/night', name);
    return existsSync(file) ? await readFile(file) : Buffer.alloc(0);
  }

  async suffer(damage: Damage): Promise<Suffered> {
    await this.#restore();
    await writeFile(path.join(this.#world.state, damage.file), damage.bytes);
    const before = await liveSnapshot(this.#world.origin);
    let ended = await this.#world.run(this.#scenario.args, { workers: 1 });
    // Nothing is left that tells of a run outside the schedule, and none is begun: whoever wanted it asks again.
    if (ended.code === 0 && !ended.lines.some(isRun)) ended = await this.#world.run(['--now'], { workers: 1 });
    const live = await liveSnapshot(this.#world.origin);
    const flaws = await flawsOf(this.#world.origin);
    const items = ended.lines.filter(({ type, item = '' }) => type === 'item-started' && this.#safe.has(item));
    const { file, what } = damage;
    const judged = judge(ended, { before, live, calm: this.#calm, flaws });
    const isNamed = judged.fate === 'refused at open' || judged.fate === 'named later';
    const told = isNamed ? await this.#rebuilt(judged) : judged;
    return { file, what, again: items.length, ...told };
  }

  end(): Promise<void> {
    return this.#world.end();
  }

  /** The command that the fault names mends it: afterwards `run` makes what an undisturbed one does. */
  async #rebuilt(judged: Judged): Promise<Judged> {
    if (!judged.said.startsWith('state-')) return judged;
    const rebuilt = await this.#world.start(['--rebuild', '--yes'], { verb: 'doctor' }).ended;
    const ended = await this.#world.run(['--now'], { workers: 1 });
    const live = await liveSnapshot(this.#world.origin);
    if (rebuilt.code === 0 && ended.code === 0 && live === this.#calm) return judged;
    return { fate: 'wrong', said: `after --rebuild (${rebuilt.code}) and run (${ended.code}) live is ${live}` };
  }

  async #restore(): Promise<void> {
    for (const name of ['public', '.nightpress']) {
      await rm(path.join(this.#world.folder, name), { recursive: true, force: true });
      await mkdir(path.join(this.#world.folder, name));
      await cp(path.join(this.#world.folder, 'whole', name), path.join(this.#world.folder, name), copying);
    }
  }
}

const copying = { recursive: true, verbatimSymlinks: true, preserveTimestamps: true } as const;

interface Seen {
  readonly before: SnapshotId | undefined;
  readonly live: SnapshotId | undefined;
  readonly calm: SnapshotId | undefined;
  readonly flaws: readonly string[];
}

function isRun({ type }: Line): boolean {
  return type === 'run';
}

type Judged = Pick<Suffered, 'fate' | 'said'>;

function judge(ended: Ended, { before, live, calm, flaws }: Seen): Judged {
  const { result, stderr, code } = ended;
  if (/^ {4}at /m.test(stderr) || !result) return { fate: 'wrong', said: `a stack: ${stderr}` };
  if (flaws.length > 0) return { fate: 'wrong', said: flaws.join('; ') };
  if (code === 0)
    return live === calm ? { fate: 'harmless', said: '' } : { fate: 'wrong', said: `0, and live is ${live}` };
  const { fault, next } = result;
  const isTold = fault !== undefined && result.live?.snapshot === before && next.length > 0;
  if (!isTold || live !== before) return { fate: 'wrong', said: `exit ${code}: ${JSON.stringify(fault)}` };
  const began = ended.lines.some(isRun);
  return { fate: began ? 'named later' : 'refused at open', said: `${fault.code}: ${fault.message}` };
}

/** At every page boundary, and once within a page. */
export function cuts(file: Damage['file'], whole: Buffer): readonly Damage[] {
  const lengths = Array.from({ length: Math.floor(whole.length / 4096) }, (_, page) => page * 4096);
  return [...lengths, whole.length - 1].map((length) => ({
    file,
    what: `cut off after ${length} bytes`,
    bytes: whole.subarray(0, length),
  }));
}

/** One bit each, where there is something: a byte that is zero is mostly one that nothing was written to. */
export function flips(file: Damage['file'], whole: Buffer, count: number, random: Random): readonly Damage[] {
  const used = [...whole.keys()].filter((at) => whole[at] !== 0);
  return Array.from({ length: count }, () => {
    const at = used[random.below(used.length)] ?? 0;
    const bit = random.below(8);
    const bytes = Buffer.from(whole);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
    return { file, what: `bit ${bit} of byte ${at} flipped`, bytes };
  });
}
