import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import type { Result } from '../../src/domain/result.js';
import { endProcesses, type Left, processesOf, standsStill } from './processes.js';
import { until } from './until.js';

/**
 * A project in a folder of its own that nothing else knows: sources, one job `night`, state and origin. What it runs is
 * the real bin in processes of its own, told apart from everybody else's by their working folder.
 */
export interface World {
  readonly folder: string;
  readonly source: string;
  readonly origin: string;
  /** The job's work folder. */
  readonly state: string;
  start(args?: readonly string[], options?: StartOptions): Running;
  run(args?: readonly string[], options?: StartOptions): Promise<Ended>;
  write(key: string, bytes: Buffer | string): Promise<void>;
  remove(key: string): Promise<void>;
  /** Processes of this world that can still do something. */
  left(): readonly Left[];
  /** Kills what is left and deletes the folder. */
  end(): Promise<void>;
}

export interface WorldOptions {
  /** Text of the `recipes` object of the job file. */
  readonly recipes?: string;
  /** Text of the `gate` object and whatever keys follow it. */
  readonly gate?: string;
  /** Absolute path of another world's source. */
  readonly source?: string;
  /** Absolute path of a folder that exists: on another disk, for instance. */
  readonly origin?: string;
  /** The job's whole `origin`, when it is no folder. */
  readonly originConfig?: object;
  readonly state?: string;
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Other state folder: another host's publisher. */
  readonly state?: string;
  /** `run` unless told. */
  readonly verb?: string;
  readonly workers?: number;
  /** As people see it, without `--json`. */
  readonly plain?: boolean;
}

/** One line of `--json -v`. */
export interface Line {
  readonly type: string;
  readonly at?: string;
  readonly item?: string;
  readonly [other: string]: unknown;
}

export interface Running {
  readonly pid: number;
  /** What it printed so far. */
  readonly lines: readonly Line[];
  readonly ended: Promise<Ended>;
  signal(name: NodeJS.Signals): void;
  /** Resolves when it printed the n-th line of this type. */
  said(type: string, nth?: number): Promise<Line>;
  /** Started with `NIGHTPRESS_STOP`: resolves when it has said so and stands still; only then does SIGCONT reach it. */
  stoppedAt(type: string, nth?: number): Promise<void>;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly lines: readonly Line[];
  readonly stdout: string;
  readonly stderr: string;
  readonly result: Result | undefined;
}

export const bin = fileURLToPath(new URL('../../bin/nightpress.js', import.meta.url));

const tinyRecipes = `{
    pictures: image({ match: '**/*.jpg', widths: [16], formats: ['jpeg'] }),
    rest: copy({ match: '**/*.txt' }),
  }`;

export async function aWorld(options: WorldOptions = {}): Promise<World> {
  const folder = await realpath(await mkdtemp(path.join(tmpdir(), 'nightpress-world-')));
  const source = options.source ?? path.join(folder, 'media');
  const origin = options.origin ?? path.join(folder, 'public');
  const stateRoot = options.state ?? path.join(folder, '.nightpress');
  await mkdir(path.join(folder, 'jobs'), { recursive: true });
  await mkdir(source, { recursive: true });
  await writeFile(path.join(folder, 'jobs', 'night.ts'), jobText(source, origin, options));
  const start: World['start'] = (args = [], { env = {}, state = stateRoot, verb = 'run', workers = 2, plain } = {}) => {
    const flags = verb === 'run' ? ['-v', '-j', String(workers)] : [];
    return launch(folder, [verb, 'night', ...args, ...(plain ? [] : ['--json']), ...flags, '--state', state], env);
  };
  return {
    folder,
    source,
    origin,
    state: path.join(stateRoot, 'night'),
    start,
    run: (args, runOptions) => start(args, runOptions).ended,
    write: async (key, bytes) => {
      const file = path.join(source, key);
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, bytes);
    },
    remove: (key) => rm(path.join(source, key)),
    left: () => processesOf(folder),
    end: async () => {
      await endProcesses(folder);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** `length` is shorter than the time between openings, so any hour of the day has a window. */
function jobText(
  source: string,
  origin: string,
  {
    recipes = tinyRecipes,
    gate = `{ shrink: '50%' }`,
    originConfig = { type: 'directory', path: origin },
  }: WorldOptions,
): string {
  return `import { audio, copy, defineJob, image, video } from 'nightpress';
export default defineJob({
  source: { type: 'directory', path: ${JSON.stringify(source)} },
  window: { cron: '0 2 * * *', timezone: 'UTC', length: '4h' },
  recipes: ${recipes},
  gate: ${gate},
  origin: ${JSON.stringify(originConfig)},
});
export const kinds = [audio, copy, image, video];
`;
}

function launch(folder: string, args: readonly string[], env: Readonly<Record<string, string>>): Running {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, [bin, ...args], {
    cwd: folder,
    env: { PATH, HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: Line[] = [];
  let [stdout, stderr] = ['', ''];
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  createInterface({ input: child.stdout }).on('line', (text) => {
    stdout += `${text}\n`;
    if (text.startsWith('{') && text.endsWith('}')) lines.push(JSON.parse(text) as Line);
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      const result = lines.find((line) => line.type === 'result') as Result | undefined;
      resolve({ code, signal, lines, stdout, stderr, result });
    });
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${bin} cannot be started`);
  const said = (type: string, nth = 1) =>
    until(
      () => {
        const line = lines.filter((one) => one.type === type)[nth - 1];
        if (!line && child.exitCode !== null) throw new Error(`it ended without saying ${type}: ${stderr}`);
        return line;
      },
      `it says ${type} (${nth})`,
      30_000,
    );
  return {
    pid,
    lines,
    ended,
    signal: (name) => void child.kill(name),
    said,
    stoppedAt: async (type, nth) => {
      await said(type, nth);
      await standsStill(pid);
    },
  };
}

/** Whether there is a run for `run` alone to take up. Killed earlier, nothing tells that one was wanted. */
export function hasBegun({ lines }: Pick<Ended, 'lines'>): boolean {
  return lines.some((line) => line.type === 'phase');
}

/** Sources of a small night: so many pictures and texts, all different, the same for the same name. */
export async function fill(world: World, { pictures = 8, texts = 6 } = {}): Promise<void> {
  for (let n = 0; n < pictures; n++) await world.write(`pictures/p${n}.jpg`, await pictureOf(`p${n}`));
  for (let n = 0; n < texts; n++) await world.write(`texts/t${n}.txt`, `text ${n}\n`);
}

/** A small picture whose pixels follow from `name`. */
export async function pictureOf(name: string): Promise<Buffer> {
  const side = { width: 24, height: 16, channels: 3 as const };
  const bytes = Buffer.alloc(side.width * side.height * side.channels);
  const noise = createHash('sha256').update(name).digest();
  for (let at = 0; at < bytes.length; at++) bytes[at] = noise[at % noise.length] ?? 0;
  return await sharp(bytes, { raw: side }).jpeg().toBuffer();
}

/** Makes every source look older than the two seconds below which a listing is not trusted. */
export async function age(world: World, secondsAgo = 3600): Promise<void> {
  const at = new Date(Date.now() - secondsAgo * 1000);
  for (const entry of await readdir(world.source, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) await utimes(path.join(entry.parentPath ?? entry.path, entry.name), at, at);
  }
}

/** A file that changed a moment ago is looked at once more by the next run: waits until nothing is as young as that. */
export async function settle(world: World): Promise<void> {
  const files = await readdir(world.source, { recursive: true });
  const changes = await Promise.all(files.map((file) => stat(path.join(world.source, file))));
  const settledAt = Math.max(...changes.map(({ ctimeMs }) => ctimeMs)) + 2500;
  await until(() => Date.now() > settledAt || undefined, 'the sources are settled');
}

/** Everything that the logs of all runs say, in the order of time. */
export async function logged(world: World): Promise<readonly Line[]> {
  const folder = path.join(world.state, 'runs');
  const names = await readdir(folder).catch(() => []);
  const lines: Line[] = [];
  for (const name of names.filter((file) => file.endsWith('.jsonl') && file !== 'skipped.jsonl').sort()) {
    // The last line of a killed run may be cut off.
    const whole = (await readFile(path.join(folder, name), 'utf8')).split('\n').filter((text) => text.endsWith('}'));
    lines.push(...whole.map((text) => JSON.parse(text) as Line));
  }
  return lines.sort((a, b) => (a.at ?? '').localeCompare(b.at ?? ''));
}

/** How often each item was handed to a worker since this instant, by item. */
export async function executions(world: World, since = 0): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (const { type, item, at = '' } of await logged(world)) {
    if (type !== 'item-started' || item === undefined || Date.parse(at) < since) continue;
    counts.set(item, (counts.get(item) ?? 0) + 1);
  }
  return counts;
}
