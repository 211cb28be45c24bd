import { entries } from '../domain/manifest.js';
import type { AssetKey, Derivative, Digest, Finding, SnapshotId } from '../domain/types.js';
import type { Origin } from '../origins/contract.js';
import type { State } from '../state/contract.js';
import { nodeLoader } from './base.js';

export interface Verification {
  readonly snapshot: SnapshotId;
  readonly assets: number;
  readonly blobs: number;
  readonly bytes: number;
  /** One per derivative that is not what its manifest says. */
  readonly findings: readonly Finding[];
  /** Assets whose derivatives must be made again. */
  readonly bad: readonly AssetKey[];
}

export interface VerifyOptions {
  /** Read and hash every blob instead of asking for its size. */
  readonly deep: boolean;
  /** Take bad blobs out of use and have the next run make them again. Needs the local state. */
  readonly condemn?: State;
}

/** Compares every blob of a snapshot with its manifest. Each blob is looked at once, however many paths share it. */
export async function verify(origin: Origin, snapshot: SnapshotId, options: VerifyOptions): Promise<Verification> {
  const looked = new Map<Digest, string | undefined>();
  const findings: Finding[] = [];
  const bad = new Map<AssetKey, Digest[]>();
  let [assets, bytes] = [0, 0];
  for await (const entry of entries(nodeLoader(origin), snapshot)) {
    assets++;
    for (const [recipe, item] of Object.entries(entry.items)) {
      for (const derivative of item.derivatives) {
        if (!looked.has(derivative.sha256)) {
          looked.set(derivative.sha256, await whatIsWrong(origin, derivative, options.deep));
          bytes += derivative.bytes;
        }
        const wrong = looked.get(derivative.sha256);
        if (wrong === undefined) continue;
        findings.push(badBlob({ key: entry.key, recipe, path: derivative.path, wrong }));
        bad.set(entry.key, [...(bad.get(entry.key) ?? []), item.fingerprint]);
        if (options.condemn) await origin.condemnBlob(derivative);
      }
    }
  }
  options.condemn?.forgetMade([...bad.values()].flat());
  options.condemn?.unsettle([...bad.keys()]);
  return { snapshot, assets, blobs: looked.size, bytes, findings, bad: [...bad.keys()] };
}

async function whatIsWrong(origin: Origin, derivative: Derivative, deep: boolean): Promise<string | undefined> {
  const size = await origin.blobBytes(derivative);
  if (size === undefined) return 'is missing';
  if (size !== derivative.bytes) return `has ${size} bytes, expected ${derivative.bytes}`;
  if (!deep) return undefined;
  const hash = await origin.hashBlob(derivative);
  return hash === derivative.sha256 ? undefined : `has other content than its name says (sha256 ${hash?.slice(0, 12)}…)`;
}

function badBlob({ key, recipe, path, wrong }: { key: AssetKey; recipe: string; path: string; wrong: string }): Finding {
  return { code: 'blob-bad', severity: 'error', class: 'infrastructure', key, recipe, message: `the blob of ${path} ${wrong}` };
}
