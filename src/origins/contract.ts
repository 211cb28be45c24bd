import type { Head } from '../domain/head.js';
import type { Moved } from '../domain/moved.js';
import type { Problem } from '../domain/problems.js';
import type { Observation } from '../domain/store-tier.js';
import type { Derivative, Digest, Entry, SnapshotId } from '../domain/types.js';
import type { UploadMemory } from '../domain/uploads.js';

/** A blob's name at the origin is made of these two: `b/<aa>/<sha256>.<ext>`. */
export interface BlobName {
  readonly sha256: Digest;
  readonly ext: string;
}

/** One stored object as a listing shows it. */
export interface Stored {
  readonly kind: 'blob' | 'manifest';
  /** Key at the origin: `b/aa/….jpg`, `m/….json`. */
  readonly key: string;
  readonly sha256: Digest;
  readonly bytes: number;
  /** When it was stored, by the origin's own clock. */
  readonly at: number;
}

/**
 * `landed`: the head now is what was given. `lost`: another commit came first; nothing was written.
 * `unknown`: no answer; the head may still change (only remote origins).
 */
export type Swap = 'landed' | 'lost' | 'unknown';

/** What the head looked like when read: pass `version` back to `swapHead`. */
export interface HeadRead {
  readonly head: Head;
  /** Opaque; equal only while the head is unchanged. */
  readonly version: string;
  /** What the origin's clock said, in ms; absent where it has none but ours. */
  readonly at?: number;
}

/**
 * Where snapshots are published. Everything but the head is immutable and named by its sha256. Where the bytes of a name
 * lie is said by the head that was last read or written through this origin (`moved`): the same calls find them there.
 *
 * Durability: when `putBlob`, `putManifest` or `swapHead` resolves, a power cut does not undo it.
 * Idempotence: storing the same content again is harmless. Order law (ARCHITECTURE.md) is the caller's duty.
 * Errors: `origin-unreachable`, `origin-full`, `origin-busy` (others held it for too long), `credentials-refused`, `origin-corrupt` as `Fault`.
 * One that `passes` is temporary: the same call may be made again, `swapHead` only on a head read anew.
 */
export interface Origin {
  /** Undefined: nothing was ever published here. A head that cannot be read or parsed is `origin-corrupt`. */
  readHead(): Promise<HeadRead | undefined>;
  /**
   * Commits `next` if the head still is `base` (undefined: if there is none yet), in the way that `next.commitsBy` says.
   * One attempt, never a silent retry.
   * The caller has made every blob and manifest that `next` names durable, and `tree.prepare` done where it exists.
   */
  swapHead(next: Head, base: string | undefined): Promise<Swap>;

  /** The bytes of a manifest node, or undefined. Bytes whose sha256 differs from `digest` are `origin-corrupt`. */
  readManifest(digest: Digest): Promise<Buffer | undefined>;
  /** Stores a node under the sha256 of `bytes`, which is `digest`. */
  putManifest(digest: Digest, bytes: Buffer): Promise<void>;

  /** Size of a stored blob, or undefined. Does not read it. */
  blobBytes(name: BlobName): Promise<number | undefined>;
  /**
   * Stores the file at `from` as the blob `name`, hashing every byte on the way: bytes that are not `name.sha256` are
   * refused with an error of code `EBADHASH` and nothing is stored. `from` may be moved away or left; the caller deletes it.
   */
  putBlob(name: BlobName, from: string): Promise<void>;
  /** sha256 of the stored bytes, read whole; undefined when absent. */
  hashBlob(name: BlobName): Promise<Digest | undefined>;
  /** Takes a bad blob out of use so that `blobBytes` no longer finds it. */
  condemnBlob(name: BlobName): Promise<void>;

  /** Every blob and manifest stored here, in no order. */
  listStored(): AsyncIterable<Stored>;
  /**
   * Deletes stored objects by key. Absent keys are no error. Only collections and takedowns call this: inside `exclusively`, or
   * for keys that the head condemns.
   */
  remove(keys: readonly string[]): Promise<void>;

  /**
   * Runs `work` while no other process can move the head; inside, only the `swapHead` it is given may be used. Present
   * only where the origin can keep others out; elsewhere there is `condemning`, or nothing is collected.
   */
  readonly exclusively?: <T>(work: (swapHead: Origin['swapHead']) => Promise<T>) => Promise<T>;
  /** Present where others cannot be kept out while something is collected: see `domain/condemned.ts`. */
  readonly condemning?: Condemning;
  /**
   * Where the bytes of these blobs and manifest nodes lie, or would be stored now, when not under the key of their name.
   * Present where keys are condemned; whoever commits a head that names them says it in `moved`.
   */
  readonly moves?: (names: Named) => Promise<Moved>;
  /**
   * True where a swap that ended `unknown` may still land, at any time, as long as the head is the one it was based on:
   * whoever goes on commits first. A swap that throws was refused and will not land.
   */
  readonly lateSwaps?: boolean;
  /** True where a look costs no request: then runs look at more than they need. */
  readonly freeLooks?: boolean;
  /** How many calls of `putBlob` and `putManifest` at once make it faster; undefined: the number of workers. */
  readonly parallelPuts?: number;
  /** Present where an upload that was cut off is gone on with later. */
  readonly partialUploads?: PartialUploads;
  /** Present only where readers come in by names that somebody can take away. */
  readonly entrances?: Entrances;
  /** Present where it is not known beforehand what the store behind the origin can do. */
  readonly probe?: Probe;
  /** Present only where plain web servers read files: a tree of the snapshot's public paths, made before the swap. */
  readonly tree?: Tree;
}

export interface Named {
  readonly blobs: Iterable<BlobName>;
  readonly nodes: Iterable<Digest>;
}

/**
 * Lists of condemned keys. Where the head that was last read names any, `blobBytes` finds no blob under a condemned key,
 * and `putBlob` and `putManifest` store under a fresh one.
 */
export interface Condemning {
  /** Stores a list of keys, durably, and returns what the head has to call it; `txn` is that of the commit that will. */
  putList(list: { readonly txn: string; readonly keys: readonly string[] }): Promise<Digest>;
  /** Undefined: it is missing or damaged. Until no head names it any more, nothing can be stored: `origin-corrupt`. */
  readList(list: Digest): Promise<readonly string[] | undefined>;
  /** Deletes the lists stored before `olderThan` that are not in `keep`. */
  pruneLists(keep: ReadonlySet<Digest>, olderThan: number): Promise<void>;
}

/** The fixed names by which readers find the head. */
export interface Entrances {
  /** Those that lead elsewhere or nowhere. */
  lost(): Promise<readonly string[]>;
  /** Makes them lead to the head again. */
  mend(): Promise<void>;
}

export interface PartialUploads {
  /** Gives up every upload that was begun and not ended; nothing may be uploading. Returns how many. */
  abandon(): Promise<number>;
}

export interface Probe {
  /** Equal for equal stores. */
  readonly place: string;
  /** At most one machine ever publishes here, says the job. */
  readonly singleWriter: boolean;
  /**
   * Tries what the store does with objects of its own, apart from all that is published, and removes them, also when it
   * fails. Trouble that may pass proves nothing and is thrown as for the other calls.
   */
  look(options: ProbeOptions): Promise<readonly Observation[]>;
}

export interface ProbeOptions {
  /** `commits`: only what a commit relies on. */
  readonly extent: 'commits' | 'all';
  /** So many writers at once in a race, in so many races of each sort. */
  readonly racers: number;
  readonly rounds: number;
  readonly clock: () => number;
}

export interface Tree {
  /**
   * Makes the complete tree of `snapshot` durable. `entries` are all entries of the snapshot. Idempotent; a tree left
   * half-made by a dead process is made again, one that is there is mended. A blob that is missing is `origin-corrupt`.
   */
  prepare(snapshot: SnapshotId, entries: AsyncIterable<Entry>): Promise<void>;
  /** Whether there is a tree of this snapshot. */
  has(snapshot: SnapshotId): Promise<boolean>;
  /**
   * Why a public path does not show its blob, in words that follow the path; undefined when it does. Compares what the
   * file system knows of the two files; with `deep`, files that it does not know for the same are read.
   */
  whatIsWrong(snapshot: SnapshotId, derivative: Derivative, deep: boolean): Promise<string | undefined>;
  /**
   * Puts every public path of these entries that does not show its blob right, durably, each in one step for whoever
   * reads it; returns how many. Paths of other entries and paths whose blob is missing stay as they are, and so does a
   * snapshot that has no tree. Needed when a live blob was made again: no new snapshot, so no new tree, comes of that.
   */
  mend(snapshot: SnapshotId, entries: Iterable<Entry>): Promise<number>;
  /** Removes trees of snapshots not in `keep`; called after the swap. */
  prune(keep: readonly SnapshotId[]): Promise<void>;
}

export interface OriginKind {
  /** Checks the job file's `origin` object; relative paths are resolved against `project`. */
  check(config: unknown, project: string): OriginCheck;
  open(config: Readonly<Record<string, unknown>>, services: OriginServices): Origin;
}

export type OriginCheck =
  | {
      readonly ok: true;
      readonly config: { readonly type: string; readonly baseUrl?: string } & Readonly<Record<string, unknown>>;
      /** Local folder the origin writes, when it has one. */
      readonly folder?: string;
      /** Two jobs with the same place are refused at load. */
      readonly place: string;
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Given by the composition root, so that an origin needs nothing but its own contract and `domain`. */
export interface OriginServices {
  /**
   * Holds a kernel lock on `file` (created if absent) while `work` runs, waiting up to `waitMs`; the kernel drops it
   * when the process dies. Throws `run-locked` when it cannot be had in time.
   */
  holdLock<T>(file: string, waitMs: number, work: () => Promise<T>): Promise<T>;
  /** Remembers uploads in parts, durably. Absent: one that is cut off is begun anew. */
  readonly uploads?: UploadMemory;
  /** For who only looks: a store that says nothing for so long is given up, untried again. Absent: as long as a run waits. */
  readonly answerMs?: number;
}
