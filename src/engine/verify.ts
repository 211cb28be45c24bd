import { Fault } from '../domain/faults.js';
import { entries } from '../domain/manifest.js';
import { blobKey } from '../domain/origin-keys.js';
import type { AssetKey, Derivative, Digest, Entry, Finding, SnapshotId } from '../domain/types.js';
import type { Origin } from '../origins/contract.js';
import type { State } from '../state/contract.js';
import { nodeLoader } from './base.js';
import { mendTree, prepareTree } from './tree.js';

/** One derivative and what is wrong with it. */
interface Flaw {
  readonly key: AssetKey;
  readonly recipe: string;
  readonly fingerprint: Digest;
  readonly derivative: Derivative;
  readonly wrong: string;
}

export interface Verification {
  readonly snapshot: SnapshotId;
  readonly assets: number;
  readonly blobs: number;
  readonly bytes: number;
  /** Derivatives whose blob is not what the manifest says. */
  readonly bad: readonly Flaw[];
  /** Derivatives whose blob is good, but whose public path in the tree does not show it. */
  readonly misshown: readonly Flaw[];
  /** The tree is not there at all. */
  readonly treeMissing: boolean;
  /** Fixed names by which readers find what is live, that lead nowhere. */
  readonly lostEntrances: readonly string[];
  /** What is wrong with the manifest itself; then not all of the snapshot was looked at. */
  readonly damaged: string | undefined;
  /** One per flaw. */
  readonly findings: readonly Finding[];
}

export interface VerifyOptions {
  /** Read and hash every blob instead of asking for its size. */
  readonly deep: boolean;
  /** It is the live one: look also at the tree of plain web servers and at the names by which readers find the head. */
  readonly live?: boolean;
}

/** Compares every blob of a snapshot with its manifest, each once, however many paths share it. Changes nothing. */
export async function verify(origin: Origin, snapshot: SnapshotId, options: VerifyOptions): Promise<Verification> {
  const tree = options.live ? origin.tree : undefined;
  const treeMissing = tree !== undefined && !(await tree.has(snapshot));
  const lostEntrances = (options.live && (await origin.entrances?.lost())) || [];
  const look = lookOnce(origin, options.deep);
  const found = { assets: 0, bad: [] as Flaw[], misshown: [] as Flaw[] };
  const inspect = async (named: Omit<Flaw, 'wrong'>): Promise<void> => {
    const wrong = await look.at(named.derivative);
    if (wrong) return void found.bad.push({ ...named, wrong });
    const shown = treeMissing ? undefined : await tree?.whatIsWrong(snapshot, named.derivative, options.deep);
    if (shown) found.misshown.push({ ...named, wrong: shown });
  };
  const damaged = await untilDamaged(async () => {
    for await (const entry of entries(nodeLoader(origin), snapshot)) {
      found.assets++;
      for (const named of derivativesOf(entry)) await inspect(named);
    }
  });
  const verdict = { snapshot, ...look.totals(), ...found, treeMissing, lostEntrances, damaged };
  return { ...verdict, findings: findingsOf(verdict) };
}

/** A node that cannot be read hides what lies below it; what was seen until then is still worth telling. */
async function untilDamaged(read: () => Promise<void>): Promise<string | undefined> {
  try {
    await read();
    return undefined;
  } catch (error) {
    if (error instanceof Fault && error.code === 'origin-corrupt') return error.message;
    throw error;
  }
}

function lookOnce(origin: Origin, deep: boolean) {
  const looked = new Map<string, { readonly bytes: number; readonly wrong: string | undefined }>();
  return {
    async at(derivative: Derivative): Promise<string | undefined> {
      const key = blobKey(derivative);
      const known = looked.get(key) ?? { bytes: derivative.bytes, wrong: await whatIsWrong(origin, derivative, deep) };
      looked.set(key, known);
      return known.wrong;
    },
    totals: () => ({ blobs: looked.size, bytes: [...looked.values()].reduce((sum, { bytes }) => sum + bytes, 0) }),
  };
}

function derivativesOf({ key, items }: Entry): readonly Omit<Flaw, 'wrong'>[] {
  return Object.entries(items).flatMap(([recipe, { fingerprint, derivatives }]) =>
    derivatives.map((derivative) => ({ key, recipe, fingerprint, derivative })),
  );
}

async function whatIsWrong(origin: Origin, derivative: Derivative, deep: boolean): Promise<string | undefined> {
  const size = await origin.blobBytes(derivative);
  if (size === undefined) return 'is missing';
  if (size !== derivative.bytes) return `has ${size} bytes, expected ${derivative.bytes}`;
  if (!deep) return undefined;
  const hash = await origin.hashBlob(derivative);
  return hash === derivative.sha256
    ? undefined
    : `has other content than its name says (sha256 ${hash?.slice(0, 12)}…)`;
}

function findingsOf({
  snapshot,
  bad,
  misshown,
  treeMissing,
  lostEntrances,
  damaged,
}: Omit<Verification, 'findings'>): readonly Finding[] {
  const missing = `the tree of snapshot ${snapshot} is not there: plain web servers have nothing to show`;
  return [
    ...(damaged ? [{ code: 'manifest-bad', severity: 'error', message: damaged } as const] : []),
    ...lostEntrances.map((name) => {
      const message = `'${name}' does not lead readers to what is live`;
      return { code: 'entrance-lost', severity: 'error', message } as const;
    }),
    ...(treeMissing ? [{ code: 'tree-missing', severity: 'error', message: missing } as const] : []),
    ...bad.map((flaw) => finding('blob-bad', flaw, `the blob of ${flaw.derivative.path} ${flaw.wrong}`)),
    ...misshown.map((flaw) => finding('path-bad', flaw, `the public path ${flaw.derivative.path} ${flaw.wrong}`)),
  ];
}

function finding(code: string, { key, recipe }: Flaw, message: string): Finding {
  return { code, severity: 'error', class: 'infrastructure', key, recipe, message };
}

export interface Repair {
  /** Assets whose bad blobs were taken out of use: the next run makes them again. */
  readonly condemned: readonly AssetKey[];
  /** Public paths that show their blob again. */
  readonly mended: number;
  readonly treeMade: boolean;
  /** Fixed names that lead to what is live again. */
  readonly entrances: readonly string[];
}

/**
 * Acts on what `verify` found of the live snapshot. The caller holds the job's lock; a run may have come first, so every
 * blob is looked at again. The state is told before a blob is taken away: a crash in between leaves a bad blob, which
 * the next `verify` finds, and never a missing one of which no run knows.
 */
export async function repair(origin: Origin, state: State, found: Verification): Promise<Repair> {
  const still: Flaw[] = [];
  for (const flaw of found.bad) if (await whatIsWrong(origin, flaw.derivative, true)) still.push(flaw);
  const condemned = [...new Set(still.map(({ key }) => key))];
  state.forgetMade(still.map(({ fingerprint }) => fingerprint));
  state.condemn(condemned);
  for (const { derivative } of still) await origin.condemnBlob(derivative);
  const treeMade = found.treeMissing && still.length === 0 && found.damaged === undefined;
  if (treeMade) await prepareTree(origin, found.snapshot);
  const misshown = found.misshown.map(({ key }) => key);
  const mended = await mendTree(origin, found.snapshot, misshown);
  const entrances = found.lostEntrances;
  if (entrances.length > 0) await origin.entrances?.mend();
  return { condemned, mended, treeMade, entrances };
}
