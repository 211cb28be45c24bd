import { collectable, reachableFrom, rootsOf } from '../domain/collect.js';
import type { Head, Retained } from '../domain/head.js';
import { graceMs, retain } from '../domain/retention.js';
import { withdrawnBlobs } from '../domain/withdraw.js';
import type { Origin, Stored } from '../origins/contract.js';
import type { State } from '../state/contract.js';
import { nodeLoader } from './base.js';
import type { HeadParts } from './move-head.js';

export interface CollectParts extends HeadParts {
  /** Its checkpoints are roots. Without one, only their age protects blobs that a run has not published yet. */
  readonly state?: Pick<State, 'madeDigests'>;
}

/** What a head and what is stored at its origin come to. */
export interface Survey {
  /** Nothing needs them, and they are old enough. */
  readonly objects: readonly Stored[];
  /** What the head retains from now on. */
  readonly kept: readonly Retained[];
  /** Keys, as names say them, of all that this head needs. */
  readonly reachable: ReadonlySet<string>;
  /** Snapshots whose grace is over: the head no longer names them. */
  readonly forgotten: number;
  /** Snapshots that retention lets go now: their grace begins. */
  readonly letGo: number;
}

export interface SurveyAt {
  readonly head: Head;
  readonly stored: readonly Stored[];
  /** By the origin's clock, where it has one: that is the one the ages of objects go by. */
  readonly now: number;
}

/** Reads every manifest that the head keeps. Throws when one cannot be read: then nothing may be deleted. */
export async function survey(parts: CollectParts, { head, stored, now }: SurveyAt): Promise<Survey> {
  const { retained, moved } = head;
  const { kept } = retain(retained, parts.job.keep, { head, now, graceMs });
  const roots = rootsOf({ ...head, retained: kept }, { now, graceMs });
  const reachable = await reachableFrom(
    nodeLoader(parts.origin),
    roots.map((root) => root.snapshot),
  );
  const checkpoints = new Set(parts.state?.madeDigests());
  const withdrawn = withdrawnBlobs(head);
  const objects = collectable({ stored, reachable, moved, checkpoints, withdrawn, olderThan: now - graceMs });
  const before = new Set(droppedIn(retained));
  const letGo = droppedIn(kept).filter((snapshot) => !before.has(snapshot)).length;
  return { objects, kept, reachable, letGo, forgotten: retained.length - kept.length };
}

function droppedIn(retained: readonly Retained[]) {
  return retained.filter(({ droppedAt }) => droppedAt !== undefined).map(({ snapshot }) => snapshot);
}

export async function everything(origin: Origin): Promise<readonly Stored[]> {
  const stored: Stored[] = [];
  for await (const object of origin.listStored()) stored.push(object);
  return stored;
}
