import { isDigest, isRecord } from '../domain/manifest-shape.js';
import { type Moved, movedProblem } from '../domain/moved.js';
import type { SnapshotId } from '../domain/types.js';
import { ReadError } from './errors.js';

/** What a reader needs of a head. Fields it does not know are none of its business. */
export interface ReadHead {
  readonly origin: string;
  readonly job: string;
  readonly seq: number;
  readonly live: SnapshotId | undefined;
  /** Everything the origin keeps whole: the live one, what was live before, what is staged or pinned. */
  readonly held: ReadonlySet<SnapshotId>;
  readonly moved: Moved | undefined;
}

/** Throws `corrupt` or `newer-format`. */
export function readHead(text: string): ReadHead {
  const head = parsed(text);
  if (!isRecord(head)) throw corrupt('is no object');
  if (head.nightpress !== 1) {
    const message = `head.json has format ${JSON.stringify(head.nightpress)}, this client reads 1: take a newer client`;
    throw new ReadError('newer-format', message);
  }
  const { origin, job, seq, channels } = head;
  if (typeof origin !== 'string' || typeof job !== 'string') throw corrupt('names no origin or job');
  if (typeof seq !== 'number' || !Number.isSafeInteger(seq) || seq < 1) throw corrupt('has no seq of at least 1');
  if (!isRecord(channels)) throw corrupt('has no channels');
  const problem = movedProblem(head.moved);
  if (problem) throw corrupt(`is damaged: moved ${problem}`);
  const live = channels.live === undefined ? undefined : snapshotOf(channels.live);
  const named = [...Object.values(channels), ...listOf(head.retained), ...listOf(head.pins)];
  return { origin, job, seq, live, held: new Set(named.map(snapshotOf)), moved: head.moved as Moved | undefined };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ReadError('corrupt', `head.json is not JSON (${text.length} characters)`, error);
  }
}

function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw corrupt('lacks a list of what it keeps');
  return value;
}

function snapshotOf(value: unknown): SnapshotId {
  if (isRecord(value) && isDigest(value.snapshot)) return value.snapshot;
  throw corrupt('names a snapshot that is no sha256');
}

function corrupt(what: string): ReadError {
  return new ReadError('corrupt', `head.json ${what}`);
}
