import { readFileSync, statSync } from 'node:fs';
import { access, constants, mkdtemp, rm, stat, statfs, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { errno, Fault } from '../domain/faults.js';
import { mountKind } from '../domain/network-kinds.js';
import type { Job } from '../domain/types.js';
import { nextOpenings } from '../domain/window.js';
import { lookAtLive, refuseStranger } from '../engine/base.js';
import type { Night } from '../engine/night.js';
import { previewNight } from '../engine/preview.js';
import { sqliteVersion } from '../state/database.js';
import { isLocked, readLockHolder } from '../state/lock.js';
import { stateExists } from '../state/open.js';
import { hintOnChannel } from './options.js';
import { bytes, count, duration } from './render/units.js';

/** One thing doctor looked at. `problem`: the night would suffer; `note`: worth knowing. */
export interface Check {
  readonly name: string;
  readonly verdict: 'ok' | 'note' | 'problem';
  readonly detail: string;
  /** What to do about a problem. */
  readonly hint?: string;
}

export interface DoctorParts {
  readonly job: Job;
  /** A night over a scratch copy of the state. */
  readonly night: Night;
  readonly folder: string;
  /** Why the state could not be opened: the night is over an empty one. */
  readonly stateFault?: Fault;
}

type Look = (parts: DoctorParts) => Promise<Omit<Check, 'name'>>;

const looks: readonly (readonly [string, Look])[] = [
  ['node', async () => checkNode()],
  ['sqlite', async () => ok(`SQLite ${sqliteVersion()}`)],
  ['tools', checkTools],
  ['window', checkWindow],
  ['clock', checkClock],
  ['work folder', checkWorkFolder],
  ['state', checkState],
  ['lock', checkLock],
  ['source', checkSource],
  ['origin', checkOrigin],
  ['disk', checkDisk],
];

/** Those about the origin alone. */
export const ofOrigin: readonly string[] = ['origin', 'disk'];

/** Without these a look would only say the same once more. */
const needs: Readonly<Record<string, readonly string[]>> = { disk: ['tools', 'source', 'origin'] };

function notLooked(without: string): Omit<Check, 'name'> {
  return { verdict: 'note', detail: `what the next run needs is not known: see ${without}` };
}

/** Looks at everything, one after the other; a look that fails is a problem, never an exception. */
export async function examine(parts: DoctorParts, only?: readonly string[]): Promise<readonly Check[]> {
  const checks: Check[] = [];
  const chosen = looks.filter(([name]) => only?.includes(name) ?? true);
  for (const [name, look] of chosen) {
    const isInTheWay = (check: Check) => check.verdict === 'problem' && needs[name]?.includes(check.name);
    const before = checks.find(isInTheWay);
    checks.push({ name, ...(before ? notLooked(before.name) : await guarded(look, parts)) });
  }
  return checks;
}

async function guarded(look: Look, parts: DoctorParts): Promise<Omit<Check, 'name'>> {
  try {
    return await look(parts);
  } catch (error) {
    if (error instanceof Fault)
      return {
        verdict: 'problem',
        detail: error.message,
        hint: error.waysOut.map((way) => wayOut(parts.job, way)).join('; '),
      };
    if (errno(error) === undefined) throw error;
    return { verdict: 'problem', detail: (error as Error).message };
  }
}

function wayOut(job: Job, hint: string): string {
  return hintOnChannel(job, hint.replaceAll('{job}', job.name));
}

function ok(detail: string): Omit<Check, 'name'> {
  return { verdict: 'ok', detail };
}

function checkNode(): Omit<Check, 'name'> {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const enough = major > 20 || (major === 20 && minor >= 9);
  return enough
    ? ok(`Node ${process.versions.node}`)
    : { verdict: 'problem', detail: `Node ${process.versions.node}: expected 20.9 or newer` };
}

async function checkTools({ job, night }: DoctorParts): Promise<Omit<Check, 'name'>> {
  const found: string[] = [];
  for (const kind of new Set(job.recipes.map((recipe) => recipe.kind))) {
    const versions = await (await night.processor(kind)).tools();
    const told = Object.entries(versions).filter(
      ([tool]) => !['arch', 'concurrency', 'simd', 'threads', 'ffmpegBuild'].includes(tool),
    );
    found.push(`${kind}: ${told.map(([tool, version]) => `${tool} ${version}`).join(', ') || 'nothing but Node'}`);
  }
  return ok(found.join('; '));
}

async function checkWindow({ job, night }: DoctorParts): Promise<Omit<Check, 'name'>> {
  const [next] = nextOpenings(job.window, night.clock(), 1);
  if (!next) return { verdict: 'problem', detail: `'${job.window.cron}' never opens` };
  const opens = new Date(next.opens).toISOString();
  return ok(`next opens ${next.label} ${job.window.timezone} (${opens}), for ${duration(next.closes - next.opens)}`);
}

const skewLimitMs = 2000;

/** The file system's clock against ours: listings younger than two seconds are judged by it. */
async function checkClock({ night, folder }: DoctorParts): Promise<Omit<Check, 'name'>> {
  const probe = await mkdtemp(path.join(await existing(folder), '.doctor-'));
  try {
    const skewMs = Math.abs((await stat(probe)).mtimeMs - night.clock());
    if (skewMs <= skewLimitMs) return ok(`file system and process agree within ${duration(skewMs)}`);
    return {
      verdict: 'problem',
      detail: `the file system's clock is ${duration(skewMs)} apart`,
      hint: 'synchronise the clocks (NTP)',
    };
  } finally {
    await rm(probe, { recursive: true, force: true });
  }
}

async function checkWorkFolder({ folder }: DoctorParts): Promise<Omit<Check, 'name'>> {
  const place = await existing(folder);
  const probe = path.join(await mkdtemp(path.join(place, '.doctor-')), 'probe');
  try {
    await writeFile(probe, 'nightpress');
  } finally {
    await rm(path.dirname(probe), { recursive: true, force: true });
  }
  return ok(`${folder} can be written`);
}

async function checkState({ job, night, folder, stateFault }: DoctorParts): Promise<Omit<Check, 'name'>> {
  if (stateFault) throw stateFault;
  if (!stateExists(folder))
    return { verdict: 'note', detail: 'no local state yet; a run makes it, or adopts what is live at the origin' };
  const problems = night.state.integrity();
  if (problems.length === 0) return ok('sound');
  return {
    verdict: 'problem',
    detail: problems.join('; '),
    hint: wayOut(job, 'nightpress doctor {job} --rebuild'),
  };
}

async function checkLock({ night, folder }: DoctorParts): Promise<Omit<Check, 'name'>> {
  if (!isLocked(folder)) return ok('free');
  const holder = readLockHolder(folder);
  const run = night.state.openRun();
  const last = run?.plan && night.state.progress(run.id).lastEndedAt;
  const since = last === undefined ? 'no item ended yet' : `its last item ended ${duration(night.clock() - last)} ago`;
  const who = holder
    ? `pid ${holder.pid} on ${holder.host}, since ${new Date(holder.startedAt).toISOString()}`
    : 'a live process';
  const until = holder?.waitsUntil ?? 0;
  const waits = night.clock() < until ? `; waits for its window to close at ${new Date(until).toISOString()}` : '';
  return { verdict: 'note', detail: `held by ${who}; ${since}${waits}` };
}

async function checkSource({ night }: DoctorParts): Promise<Omit<Check, 'name'>> {
  const inventory = await night.source.scan();
  const errors = inventory.findings.filter((finding) => finding.severity === 'error');
  const outside = inventory.findings.find(({ code }) => code === 'row-outside');
  const ignored = outside ? `; ${outside.message}` : '';
  if (inventory.assets.length === 0)
    return { verdict: 'problem', detail: `the source is empty: expected assets (is it mounted?)${ignored}` };
  const detail = `${count(inventory.assets.length, 'asset')}, ${count(errors.length, 'finding')}`;
  if (errors.length === 0) return ok(`${detail}${ignored}`);
  return { verdict: 'note', detail: `${detail}; first: ${errors[0]?.message}` };
}

async function checkOrigin({ job, night }: DoctorParts): Promise<Omit<Check, 'name'>> {
  const head = (await night.origin.readHead())?.head;
  const remembered = night.state.origin();
  if (remembered) refuseStranger(remembered, head, job.name);
  const folder = localFolder(job);
  if (folder !== undefined) await access(await existing(folder), constants.W_OK);
  const live = head?.channels.live;
  await lookAtLive(night.origin, { snapshot: live?.snapshot });
  return ok(
    live
      ? `seq ${head.seq}, live snapshot ${live.snapshot.slice(0, 12)} from window ${live.window}`
      : 'nothing published yet',
  );
}

/** Outputs are seldom larger than their sources; staged copies lie beside them while they are worked. */
async function checkDisk({ job, night, folder }: DoctorParts): Promise<Omit<Check, 'name'>> {
  const { plan, comparison } = await previewNight(night);
  const todo = new Set(plan.items.filter((item) => !item.disposition).map((item) => item.key));
  const estimate = comparison.changes.reduce(
    (sum, { key, asset }) => sum + (todo.has(key) ? (asset?.bytes ?? 0) : 0),
    0,
  );
  const places = [folder, localFolder(job)].filter((place) => place !== undefined);
  const told: string[] = [];
  let short = false;
  for (const place of places) {
    const { bavail, bsize, type } = await statfs(await existing(place));
    short ||= bavail * bsize < estimate;
    told.push(`${place}: ${bytes(bavail * bsize)} free (${fileSystem(await existing(place), type)})`);
  }
  const detail = `the next run needs about ${bytes(estimate)}; ${told.join('; ')}`;
  return short ? { verdict: 'problem', detail, hint: 'free space before the window opens' } : ok(detail);
}

/** Its name where the kernel tells it, else its number. */
function fileSystem(folder: string, type: number): string {
  const number = `file system 0x${(type >>> 0).toString(16)}`;
  if (process.platform !== 'linux') return number;
  const name = mountKind(readFileSync('/proc/self/mountinfo', 'utf8'), statSync(folder).dev);
  return name ?? number;
}

function localFolder(job: Job): string | undefined {
  return typeof job.origin.path === 'string' ? job.origin.path : undefined;
}

/** The folder, or its nearest parent that exists. */
async function existing(folder: string): Promise<string> {
  try {
    await stat(folder);
    return folder;
  } catch (error) {
    const parent = path.dirname(folder);
    if (errno(error) !== 'ENOENT' || parent === folder) throw error;
    return await existing(parent);
  }
}
