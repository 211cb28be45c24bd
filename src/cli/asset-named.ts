import path from 'node:path';
import type { AssetKey, Job } from '../domain/types.js';
import { findAsset } from '../engine/find-asset.js';
import type { Night } from '../engine/night.js';
import type { Project } from '../job/load.js';
import type { State } from '../state/contract.js';
import { openNight } from './compose.js';
import { keyBelow } from './files-from.js';
import { neverStop } from './stop.js';

/** A night for commands that only look. */
export async function lookingNight(
  job: Job,
  state: State,
  at: { folder: string; clock: () => number },
): Promise<Night> {
  return await openNight({ ...at, job, state, stop: neverStop, workers: 1, emit: () => undefined, patience: 'look' });
}

/** The asset that a word means: key, path of a file, public path or URL. Throws `asset-unknown`. */
export async function assetNamed(night: Night, project: Project, word: string): Promise<AssetKey> {
  const { source, origin } = night.job;
  const below = (root: unknown) =>
    typeof root === 'string' ? filesNamed(project, word).flatMap((file) => keyBelow(root, file) ?? []) : [];
  return await findAsset(night, word, { keys: below(source.path), shown: below(origin.path) });
}

/** As absolute paths: from where the command is run, and from the project. */
export function filesNamed(project: Project, word: string): readonly string[] {
  return [process.cwd(), project.folder].map((base) => path.resolve(base, word));
}
