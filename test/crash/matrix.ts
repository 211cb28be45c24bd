import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { crashPoints } from '../../src/engine/events.js';
import { checkpointed } from '../support/checkpoints.js';
import { standsStill } from '../support/processes.js';
import { flawsOf, liveSnapshot } from '../support/published.js';
import { type Readers, startReaders } from '../support/readers.js';
import { aSmallDisk, mayMount } from '../support/small-disk.js';
import { until } from '../support/until.js';
import { aWorld, type Ended, fill, pictureOf, type World } from '../support/world.js';
import { type Disturbance, disturbances, type Scene } from './matrix-faults.js';
import { type Cell, type MatrixReport, matrixText, summaryText, writeMatrix } from './matrix-report.js';

/**
 * Every named point of a night × every disturbance. A cell is a night of its own: a few files change, the run stops
 * itself at the point (`NIGHTPRESS_STOP`), something goes wrong, the run goes on and ends as it can; then all is well
 * again and `run` alone must end the night as an undisturbed twin over the same sources does, while readers look.
 */
export async function matrix(argv: readonly string[]): Promise<number> {
  const options = readOptions(argv);
  if (!options) return 2;
  if (!mayMount() && !process.env.NIGHTPRESS_UNSHARED && mayUnshare()) return again(argv);
  const scene = await aScene();
  try {
    const report = await watched(scene, options);
    process.stdout.write(
      options.json ? `${JSON.stringify(report)}\n` : `${matrixText(report)}\n\nmatrix: ${summaryText(report)}\n`,
    );
    if (options.write) await writeMatrix(report);
    return report.violations.length + report.cells.flatMap(({ violations }) => violations).length === 0 ? 0 : 1;
  } finally {
    await scene.end();
  }
}

interface Options {
  readonly points: readonly string[];
  readonly faults: readonly Disturbance[];
  readonly write: boolean;
  readonly json: boolean;
}

/** Of what comes again and again one in the middle, so that something is checkpointed and something is not. */
const allPoints: readonly string[] = crashPoints.map((point) =>
  point === 'item-started' || point === 'blob-stored' ? `${point}:3` : point,
);

function readOptions(argv: readonly string[]): Options | undefined {
  const [text, flag] = [{ type: 'string' }, { type: 'boolean' }] as const;
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: { matrix: flag, points: text, faults: text, write: flag, json: flag },
    });
    const points = chosen(values.points, allPoints);
    const names = chosen(
      values.faults,
      disturbances.map(({ name }) => name),
    );
    const faults = disturbances.filter(({ name }) => names.includes(name));
    return { points, faults, write: values.write ?? false, json: values.json ?? false };
  } catch (error) {
    const usage = 'usage: npm run torture -- --matrix [--points a,b] [--faults a,b] [--write] [--json]';
    process.stderr.write(`torture: ${(error as Error).message}\n${usage}\n`);
    return undefined;
  }
}

/** A name may be cut short, as long as it is the beginning of one. */
function chosen(text: string | undefined, all: readonly string[]): readonly string[] {
  if (text === undefined) return all;
  const wanted = text.split(',');
  const strange = wanted.find((name) => !all.some((one) => one.startsWith(name)));
  if (strange !== undefined) throw new Error(`'${strange}': expected some of ${all.join(', ')}`);
  return all.filter((one) => wanted.some((name) => one.startsWith(name)));
}

const unshare = ['--map-root-user', '--mount'];

function mayUnshare(): boolean {
  return spawnSync('unshare', [...unshare, 'true'], { stdio: 'ignore' }).status === 0;
}

/** The same in a user namespace, where mounting is allowed. */
function again(argv: readonly string[]): number {
  const program = process.argv[1] ?? '';
  const env = { ...process.env, NIGHTPRESS_UNSHARED: '1' };
  return spawnSync('unshare', [...unshare, process.execPath, program, ...argv], { stdio: 'inherit', env }).status ?? 1;
}

interface Stage extends Scene {
  readonly twin: World;
  readonly end: () => Promise<void>;
}

async function aScene(): Promise<Stage> {
  const folder = await mkdtemp(path.join(tmpdir(), 'nightpress-matrix-'));
  const disks = mayMount()
    ? {
        state: await aSmallDisk(path.join(folder, 'state'), 32),
        origin: await aSmallDisk(path.join(folder, 'origin'), 32),
      }
    : undefined;
  const world = await aWorld({ state: disks?.state.folder, origin: disks?.origin.folder });
  const twin = await aWorld({ source: world.source });
  const end = async () => {
    await world.end();
    await twin.end();
    disks?.state.unmount();
    disks?.origin.unmount();
    await rm(folder, { recursive: true, force: true });
  };
  return { world, twin, disks, faultFile: path.join(folder, 'fault.json'), end };
}

async function watched(stage: Stage, { points, faults }: Options): Promise<MatrixReport> {
  const startedAt = performance.now();
  await fill(stage.world, { pictures: 4, texts: 3 });
  await stage.world.run();
  await stage.twin.run([], { workers: 1 });
  const readers = startReaders(stage.world.origin, 1);
  const cells: Cell[] = [];
  const violations: string[] = [];
  try {
    for (const fault of faults) for (const point of points) cells.push(await cell(stage, readers, fault, point));
  } catch (error) {
    violations.push((error as Error).message);
  }
  const observed = await readers.stop();
  return {
    date: new Date().toISOString().slice(0, 10),
    seconds: Math.round((performance.now() - startedAt) / 1000),
    points,
    faults: faults.map(({ name, how }) => ({ name, how: how(stage) })),
    cells,
    observed,
    violations,
  };
}

async function cell(stage: Stage, readers: Readers, fault: Disturbance, point: string): Promise<Cell> {
  const { world, twin } = stage;
  const startedAt = performance.now();
  const seen = readers.violations.length;
  const before = await liveSnapshot(world.origin);
  await changeSources(world, `${fault.name} at ${point}`);
  const ended = await disturbed(stage, fault, point);
  const violations: string[] = [...(await aftermath(world, ended))];
  const moved = (await liveSnapshot(world.origin)) !== before;
  const safe = await checkpointed(world);
  const finish = [await world.run()];
  const calm = (await twin.run(['--now'], { workers: 1 })).result?.snapshot;
  violations.push(...untrue(fault, ended, { point, moved, isWhole: moved && finish[0]?.result?.snapshot === calm }));
  // A deadline that came ends the night truthfully; what it left is done in the next one.
  if (ended.code === 3) finish.push(await world.run(['--now']));
  const live = await liveSnapshot(world.origin);
  if (live !== calm) violations.push(`live is ${live}, an undisturbed run made ${calm}`);
  for (const run of finish)
    violations.push(...(run.code === 0 ? [] : [`run alone ended with ${run.code}: ${run.stderr}`]));
  violations.push(...(await leftovers(world)), ...readers.violations.slice(seen));
  const redone = finish.flatMap(started).filter((item) => safe.has(item));
  if (redone.length > 0) violations.push(`${redone.length} items were made again after their checkpoint`);
  const one: Cell = {
    point,
    fault: fault.name,
    ended: ended.signal ?? String(ended.code),
    moved,
    runs: finish.length,
    handedOut: timesHandedOut([ended, ...finish].flatMap(started)),
    again: redone.length,
    violations,
  };
  const took = Math.round(performance.now() - startedAt);
  process.stderr.write(
    `${fault.name} at ${point}: ${one.ended}${moved ? ', moved' : ''} (${took} ms) ${violations.join('; ')}\n`,
  );
  return one;
}

let night = 0;

async function changeSources(world: World, name: string): Promise<void> {
  const label = `${++night} ${name}`;
  for (let n = 0; n < 3; n++) await world.write(`pictures/p${n}.jpg`, await pictureOf(`${label} ${n}`));
  for (let n = 0; n < 2; n++) await world.write(`texts/t${n}.txt`, `${label} ${n}\n`);
  if (existsSync(path.join(world.source, 'texts/last.txt'))) await world.remove('texts/last.txt');
  else await world.write('texts/last.txt', label);
}

const patience = 60_000;
const preload = new URL('../support/fault-fs.mjs', import.meta.url).href;

async function disturbed(scene: Scene, fault: Disturbance, point: string): Promise<Ended> {
  const env = { NIGHTPRESS_STOP: point, NIGHTPRESS_FAULT_FILE: scene.faultFile, NODE_OPTIONS: `--import ${preload}` };
  const run = scene.world.start(['--now'], { env });
  const [type = point, nth = '1'] = point.split(':');
  await run.said(type, Number(nth));
  await standsStill(run.pid);
  const takeBack = fault.inject(scene, run);
  const tooLong = setTimeout(() => run.signal('SIGKILL'), patience);
  try {
    run.signal('SIGCONT');
    return await run.ended;
  } finally {
    clearTimeout(tooLong);
    takeBack();
  }
}

/** What must not be after a run, however it ended. */
async function aftermath(world: World, ended: Ended): Promise<readonly string[]> {
  const wrong = [...(await flawsOf(world.origin))];
  if (/^ {4}at /m.test(ended.stderr + ended.stdout)) wrong.push(`a stack instead of a sentence: ${ended.stderr}`);
  await until(() => world.left().length === 0 || undefined, 'nothing is left', 3000).catch(() =>
    wrong.push(`processes are left after 3 s: ${JSON.stringify(world.left())}`),
  );
  return wrong;
}

interface Truth {
  readonly point: string;
  readonly moved: boolean;
  /** What is live is what an undisturbed night makes live. */
  readonly isWhole: boolean;
}

/** Points with so much of a night still to come that no fault can go by unfelt. */
const early = /^(planned|item-started|blob-stored)\b/;

/** Whether the run said how it ended: 0 and 3 only with a new head, 6 when it cannot know, else its own code and no new head. */
function untrue(fault: Disturbance, ended: Ended, { point, moved, isWhole }: Truth): readonly string[] {
  const said = ended.signal ?? ended.code ?? 0;
  if (said === 'SIGKILL') return fault.exits.includes('SIGKILL') ? [] : ['it did not end'];
  if (said === 0 && isUnfelt(fault, ended, point)) return ['it was not felt: expected another end than 0'];
  if (said === 0) return isWhole ? [] : ['it said 0, and the night is not live'];
  if (said === 6) return [];
  const known = fault.exits.some((exit) => exit === said);
  if (!known) return [`it ended with ${said}: ${ended.result?.fault?.message ?? ended.stderr}`];
  return moved === (said === 3) ? [] : [`it ended with ${said}, and the head ${moved ? 'moved' : 'did not move'}`];
}

/** A deadline is felt only by what is still to be begun. */
function isUnfelt({ exits }: Disturbance, ended: Ended, point: string): boolean {
  return exits.length > 0 && early.test(point) && !(exits.includes(3) && isAllBegun(ended, point));
}

/** Nothing was begun after this point: on a quick machine the last items are in work when the third blob is stored. */
function isAllBegun({ lines }: Ended, point: string): boolean {
  const [type, nth = '1'] = point.split(':');
  const places = lines.flatMap((line, place) => (line.type === type ? [place] : []));
  const here = places[Number(nth) - 1];
  return here !== undefined && !lines.slice(here).some((line) => line.type === 'item-started');
}

async function leftovers(world: World): Promise<readonly string[]> {
  const left = ['staging', 'outbox'].filter((name) => existsSync(path.join(world.state, name)));
  return [...left.map((name) => `${name} was left`), ...(await flawsOf(world.origin))];
}

function started(ended: Ended): readonly string[] {
  return ended.lines.flatMap(({ type, item }) => (type === 'item-started' && item !== undefined ? [item] : []));
}

function timesHandedOut(items: readonly string[]): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  const times: Record<string, number> = {};
  for (const count of counts.values()) times[count] = (times[count] ?? 0) + 1;
  return times;
}
