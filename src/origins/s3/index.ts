import type { Origin, OriginKind, OriginServices } from '../contract.js';
import { blobBytes, condemnBlob, hashBlob, putBlob } from './blobs.js';
import { type Limits, looking, usualLimits } from './client.js';
import { Commits } from './commit.js';
import { condemning, moves } from './condemning.js';
import { check, readConfig } from './config.js';
import { putManifest, readManifest } from './manifests.js';
import { abandonUploads } from './multipart.js';
import { probe } from './probe.js';
import { guarded, storeAt } from './store.js';
import { listStored, remove } from './stored.js';
import { atStore } from './trouble.js';

/** S3 and what speaks its language; `commit.ts` says how the head moves there. */
export const s3: OriginKind = { check, open };

function open(config: Readonly<Record<string, unknown>>, services: OriginServices): Origin {
  const { answerMs } = services;
  return openStore(config, services, answerMs === undefined ? usualLimits : looking(answerMs));
}

/** The `origin` of a job file. Credentials are no part of it: the coordinator looks for them as other AWS tools do. */
export interface S3OriginInput {
  readonly type: 's3';
  readonly bucket: string;
  /** What keys begin with; nothing else may write below it. */
  readonly prefix?: string;
  /** Where the store is, when it is not AWS. */
  readonly endpoint?: string;
  readonly region: string;
  /** The URL under which a CDN or web server shows what lies below the prefix. */
  readonly baseUrl?: string;
  /** `endpoint/bucket/key` instead of `bucket.endpoint/key`. */
  readonly forcePathStyle?: boolean;
  /** Allows a store without conditional writes: at most one machine may ever publish there. */
  readonly singleWriter?: boolean;
}

/** Each has at most 16 MiB in memory, those in parts share eight parts: 240 MiB, when one of eight is in parts. */
const parallelPuts = 8;

export function openStore(
  config: Readonly<Record<string, unknown>>,
  { uploads }: Pick<OriginServices, 'uploads'>,
  limits: Limits,
): Origin {
  const read = readConfig(config);
  const store = storeAt(read, limits, uploads);
  const commits = new Commits(store);
  return {
    readHead: () => atStore(store.place, () => commits.readHead()),
    swapHead: (next, base) => atStore(store.place, () => commits.swapHead(next, base)),
    readManifest: guarded(store, readManifest),
    putManifest: guarded(store, putManifest),
    blobBytes: guarded(store, blobBytes),
    putBlob: guarded(store, putBlob),
    hashBlob: guarded(store, hashBlob),
    condemnBlob: guarded(store, condemnBlob),
    listStored: () => listStored(store),
    remove: guarded(store, remove),
    condemning: condemning(store),
    entrances: commits.entrances,
    moves: guarded(store, moves),
    lateSwaps: true,
    parallelPuts,
    partialUploads: { abandon: guarded(store, abandonUploads) },
    probe: probe(read, limits),
  };
}
