import { constants } from 'node:fs';
import { access, lstat, rm } from 'node:fs/promises';
import { Fault } from '../../domain/faults.js';
import type { Origin, OriginKind, OriginServices, Tree } from '../contract.js';
import { blobBytes, condemnBlob, hashBlob, putBlob } from './blobs.js';
import { lostEntrances, makeEntrances, readHead, swapHead } from './commit.js';
import { check, readConfig } from './config.js';
import { type Disk, diskAt } from './disk.js';
import { putManifest, readManifest } from './manifests.js';
import { whatIsShown } from './shown.js';
import { listStored, remove } from './stored.js';
import { mendTree, prepareTree, pruneTrees } from './tree.js';
import { onDisk, unlessAbsent } from './trouble.js';

/** A folder of this machine as an origin; `disk.ts` says what lies in it. */
export const directory: OriginKind = { check, open };

/** Others hold the lock for a commit, which is short, or while collecting, which is not. */
const lockWaitMs = 600_000;

type Exclusively = NonNullable<Origin['exclusively']>;

/** The `origin` of a job file. */
export interface DirectoryOriginInput {
  readonly type: 'directory';
  /** The folder, relative to the project; made when it is not there. Nothing else may write in it. */
  readonly path: string;
  /** The URL under which a CDN or web server shows the folder. */
  readonly baseUrl?: string;
  /** Whether plain web servers find every public path below `live` (hard links; the default). */
  readonly tree?: boolean;
  /** Allows a network file system, whose locks protect nobody: at most one machine may ever publish here. */
  readonly singleWriter?: boolean;
}

/** What waits for the disk waits together: a file system makes many files durable in the time it takes for one. */
const parallelPuts = 8;

function open(config: Readonly<Record<string, unknown>>, services: OriginServices): Origin {
  const { path: root, tree } = readConfig(config);
  const disk = diskAt(root);
  const swap: Origin['swapHead'] = (next, base) => onDisk(root, () => swapHead(disk, next, base, tree));
  const exclusively: Exclusively = async (work) => {
    await onDisk(root, () => disk.ensure(root));
    await onDisk(root, () => access(root, constants.W_OK)); // said here in the origin's words, not in the lock's
    return await services
      .holdLock(disk.at('.lock.db'), lockWaitMs, () => work(swap))
      .catch((error) => {
        throw inOurWords(error, root);
      });
  };
  return {
    readHead: () => onDisk(root, () => readHead(disk)),
    swapHead: (next, base) => exclusively((swapLocked) => swapLocked(next, base)),
    readManifest: (digest) => readManifest(disk, digest),
    putManifest: (digest, bytes) => putManifest(disk, digest, bytes),
    blobBytes: (name) => blobBytes(disk, name),
    putBlob: (name, from) => putBlob(disk, name, from),
    hashBlob: (name) => hashBlob(disk, name),
    condemnBlob: (name) => condemnBlob(disk, name),
    listStored: () => listStored(disk),
    remove: (keys) => remove(disk, keys),
    exclusively,
    freeLooks: true,
    parallelPuts,
    entrances: {
      lost: () => onDisk(root, () => lostEntrances(disk, tree)),
      mend: () => exclusively(() => onDisk(root, () => makeEntrances(disk, tree))),
    },
    ...(tree && { tree: treeOf(disk, exclusively) }),
  };
}

/** Who holds the origin is no other run of the job: it publishes by hand or collects, and will be done. */
function inOurWords(error: unknown, root: string): unknown {
  if (!(error instanceof Fault) || error.code !== 'run-locked') return error;
  const message = `another publisher or collector is at origin ${root}: ${error.message}`;
  return new Fault('origin-busy', message, { cause: error });
}

function treeOf(disk: Disk, exclusively: Exclusively): Tree {
  return {
    prepare: (snapshot, entries) => onDisk(disk.root, () => prepareTree(disk, snapshot, entries)),
    has: (snapshot) =>
      onDisk(disk.root, async () => (await unlessAbsent(lstat(disk.at('trees', snapshot)))) !== undefined),
    whatIsWrong: (snapshot, derivative, deep) =>
      onDisk(disk.root, () => whatIsShown(disk, disk.at('trees', snapshot), derivative, deep)),
    mend: (snapshot, entries) => onDisk(disk.root, () => mendTree(disk, snapshot, entries)),
    async prune(keep) {
      const pruned = await exclusively(() => onDisk(disk.root, () => pruneTrees(disk, keep)));
      for (const tree of pruned) await onDisk(disk.root, () => rm(tree, { recursive: true, force: true }));
    },
  };
}
