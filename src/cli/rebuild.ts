import { hostname } from 'node:os';
import path from 'node:path';
import type { SnapshotId } from '../domain/types.js';
import type { OpenUpload } from '../domain/uploads.js';
import { adoptLive } from '../engine/rebuild.js';
import type { State } from '../state/contract.js';
import { holdJobLock } from '../state/lock.js';
import { openState } from '../state/open.js';
import { type Loss, type Remains, readRemains } from '../state/remains.js';
import { draftFolder, dropDraft, replaceState } from '../state/replace.js';
import { type NightParts, openNight } from './compose.js';
import { neverStop } from './stop.js';

export interface Rebuilt {
  /** Null: the origin has a head, and nothing is live. */
  readonly snapshot: SnapshotId | null;
  readonly seq: number;
  readonly assets: number;
  /** Where the old state lies; null when there was none. */
  readonly aside: string | null;
  readonly losses: readonly Loss[];
}

type RebuildParts = Pick<NightParts, 'job' | 'folder' | 'clock'>;

/**
 * A new state, adopted from the origin, in the place of the job's; the old one is kept beside it. It is made in a folder
 * of its own first: whatever goes wrong before it is whole, the old one is not touched. Throws `run-locked` while a run
 * is live, the faults of `adoptLive`, and `state-unwritable`.
 */
export async function rebuildState(parts: RebuildParts): Promise<Rebuilt> {
  const { folder, clock } = parts;
  const lock = await holdJobLock(folder, { pid: process.pid, host: hostname(), startedAt: clock() });
  try {
    const draft = draftFolder(folder);
    const remains = readRemains(path.join(folder, 'state.db'), path.join(draft, 'remains'));
    const adopted = await adopt(parts, draft, remains);
    return { ...adopted, aside: replaceState(folder, clock()) ?? null, losses: remains.losses };
  } finally {
    dropDraft(folder);
    lock.release();
  }
}

async function adopt(
  { job, folder, clock }: RebuildParts,
  draft: string,
  { origin, groups, uploads }: Remains,
): Promise<Pick<Rebuilt, 'snapshot' | 'seq' | 'assets'>> {
  const state = openState(draft);
  try {
    const emit = () => undefined;
    const night = await openNight({ job, folder, state, workers: 1, clock, emit, stop: neverStop, patience: 'look' });
    await night.executors.reap(groups);
    for (const upload of uploads) goOnWith(state, upload);
    const { seq, channels } = await adoptLive(night, origin);
    return { snapshot: channels.live?.snapshot ?? null, seq, assets: state.assetKeys().length };
  } finally {
    state.close();
  }
}

function goOnWith({ uploads }: State, upload: OpenUpload): void {
  uploads.record(upload);
  for (const part of upload.parts) uploads.recordPart(upload.upload, part);
}
