import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { errno, Fault } from '../domain/faults.js';
import type { Job } from '../domain/types.js';
import { foldersOverlap, type Project } from '../job/load.js';
import { localSource } from './local-source.js';

/**
 * Where a dry run works:
 *
 *   <temporary>/work   staging, outbox and the log; no state, which lives in memory
 *   <temporary>/out    the derivatives, published as a night would publish them, when no `--out` says where
 *   <out>/.nightpress-dry-run   says that a dry run made the folder and the next one may replace what is in it
 */
export interface Place {
  readonly work: string;
  readonly out: string;
  /** Deletes what is temporary; afterwards only an `--out` is left. */
  remove(): void;
  readonly temporary: string;
}

const marker = '.nightpress-dry-run';
/** All that a directory origin and this file ever make in a folder. */
const ours = new Set([
  ...[marker, 'b', 'm', 'heads', 'trees', 'now', 'live', 'head.json'],
  ...['.lock.db', '.tmp', '.condemned'],
]);

export function makePlace(job: Job, project: Project, out: string | undefined): Place {
  if (out !== undefined) prepareOut(job, project, out);
  const temporary = mkdtempSync(path.join(tmpdir(), 'nightpress-dry-run-'));
  return {
    temporary,
    work: path.join(temporary, 'work'),
    out: out ?? path.join(temporary, 'out'),
    remove: () => rmSync(temporary, { recursive: true, force: true }),
  };
}

function prepareOut(job: Job, project: Project, out: string): void {
  refuseOverlap(job, project, out);
  const names = namesIn(out);
  const strange = names.includes(marker) ? names.find((name) => !ours.has(name)) : names[0];
  if (strange !== undefined) {
    const expected = 'expected a folder that is new, empty, or of an earlier dry run';
    throw new Fault('usage', `--out ${out} holds ${JSON.stringify(strange)}, which no dry run made: ${expected}`);
  }
  try {
    for (const name of names) rmSync(path.join(out, name), { recursive: true, force: true });
    mkdirSync(out, { recursive: true });
    writeFileSync(path.join(out, marker), 'A dry run of nightpress made this folder; the next one replaces it.\n');
  } catch (error) {
    throw unusable(out, error);
  }
}

function refuseOverlap(job: Job, project: Project, out: string): void {
  const taken = {
    source: localSource(job),
    origin: job.origin.path,
    'work folder': path.join(project.stateFolder, job.name),
  };
  for (const [what, folder] of Object.entries(taken)) {
    if (typeof folder !== 'string' || !foldersOverlap(out, folder)) continue;
    throw new Fault('usage', `--out ${out}: expected a folder apart from the job's ${what} ${folder}`);
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (errno(error) === 'ENOENT') return [];
    throw unusable(folder, error);
  }
}

function unusable(folder: string, cause: unknown): Fault {
  return new Fault('usage', `--out ${folder} cannot be used (${errno(cause)}): expected a folder to write to`, {
    cause,
  });
}
