import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach } from 'vitest';
import { itemId, sha256 } from '../../src/domain/digest.js';
import { Fault } from '../../src/domain/faults.js';
import type { Digest, Finding, ItemId, ListedAsset, Made, PartitionId, RunId } from '../../src/domain/types.js';
import type { FrozenPlan, NewItem, NewRun, PlanTotals, State } from '../../src/state/contract.js';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

/** Undone after the test, last first. */
export function afterTest(step: () => unknown): void {
  undo.push(step);
}

export function tempFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'nightpress-state-'));
  afterTest(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function closing(state: State): State {
  afterTest(() => state.close());
  return state;
}

/** The fault that `work` must throw. */
export function faultOf(work: () => unknown): Fault {
  try {
    work();
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error('expected a fault, nothing was thrown');
}

export const runA = '20261122T020003Z-aaaa' as RunId;
export const runB = '20261123T020003Z-bbbb' as RunId;
export const runC = '20261123T020003Z-cccc' as RunId;
export const night1 = { opens: 1000, closes: 2000, label: '2026-11-22T02:00' };
export const night2 = { opens: 3000, closes: 4000, label: '2026-11-23T02:00' };

export function digest(text: string): Digest {
  return sha256(text);
}

export function newRun(id: RunId, more: Partial<NewRun> = {}): NewRun {
  const log = `/logs/${id}.jsonl`;
  return { id, window: night1, scheduled: true, verb: 'run', startedAt: 1100, jobDigest: digest('job'), log, ...more };
}

export const totals: PlanTotals = {
  tools: { sharp: '0.35.5' },
  recipeSet: digest('recipes'),
  assets: { total: 3, added: 3, changed: 0, unchanged: 0, removed: 0, unmatched: 0 },
  unchangedItems: 0,
  predictedSeconds: 6,
  findings: [],
};

export function listed(key: string): ListedAsset {
  return { key, bytes: 10, modifiedAt: 500.25, listing: `listing of ${key}`, settled: true };
}

export const noon = 'aaaaaaaaaaaa' as PartitionId;
export const dusk = 'bbbbbbbbbbbb' as PartitionId;

export function newItem(key: string, partition: PartitionId, more: Partial<NewItem> = {}): NewItem {
  const id = itemId('pictures', key);
  return { id, key, recipe: 'pictures', because: 'never made', predictedSeconds: 2, partition, ...more };
}

export function idOf(key: string): ItemId {
  return itemId('pictures', key);
}

/** z.jpg and a.jpg in one partition, m.jpg in another: the plan's order is not the keys' order. */
export const plan: FrozenPlan = {
  totals,
  changes: ['a.jpg', 'm.jpg', 'z.jpg'].map((key) => ({ key, kind: 'added', asset: listed(key), recipes: 1 })),
  partitions: [
    { id: noon, ordinal: 0, items: 2, predictedSeconds: 4 },
    { id: dusk, ordinal: 1, items: 1, predictedSeconds: 2 },
  ],
  items: [newItem('z.jpg', noon), newItem('a.jpg', noon), newItem('m.jpg', dusk)],
};

export function made(fingerprint: string, ...blobs: readonly string[]): Made {
  const output = (blob: string) => ({ variant: blob, sha256: digest(blob), bytes: 1, type: 'image/webp', ext: 'webp' });
  return { fingerprint: digest(fingerprint), source: { type: 'image/jpeg', width: 4 }, outputs: blobs.map(output) };
}

export const decodeFailed: Finding = {
  code: 'decode-failed',
  severity: 'error',
  message: 'premature end of JPEG image',
  class: 'input',
};

/** A real process running `child.mjs`; killed with the test. `said` resolves with its next line. */
export function startChild(...args: readonly string[]): { readonly process: ChildProcess; said(): Promise<string> } {
  const script = fileURLToPath(new URL('./child.mjs', import.meta.url));
  const child = spawn(process.execPath, [script, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  afterTest(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  return { process: child, said: async () => String((await lines.next()).value) };
}

export function tell(child: { readonly process: ChildProcess }, line: string): void {
  child.process.stdin?.write(`${line}\n`);
}
