import path from 'node:path';
import type { Entry, Made, Output } from '../domain/types.js';
import type { Origin } from '../origins/contract.js';
import type { OutboxFile } from '../processors/contract.js';
import type { Emit } from './events.js';
import { createPool, type Pool } from './pool.js';

/** Where verified outputs of one item lie, and where they go. */
export interface Storing {
  readonly origin: Origin;
  readonly outbox: string;
  /** Shared by all who store: it bounds how many puts wait for the origin at once. */
  readonly puts: Pool;
  readonly emit: Emit;
}

/**
 * Moves verified outputs from an outbox to the origin. Each is durable there, under its hash, when this resolves; when it
 * rejects, nothing is still on its way and the outbox may go.
 */
export async function storeOutputs(storing: Storing, files: readonly OutboxFile[]): Promise<readonly Output[]> {
  const stored = await Promise.allSettled(files.map((file) => storing.puts(() => storeOutput(storing, file))));
  return stored.map((one) => {
    if (one.status === 'rejected') throw one.reason;
    return one.value;
  });
}

async function storeOutput({ origin, outbox, emit }: Storing, { file, ...output }: OutboxFile): Promise<Output> {
  await origin.putBlob(output, path.join(outbox, file));
  emit({ type: 'blob-stored', sha256: output.sha256, bytes: output.bytes });
  return output;
}

/** As many puts at once as the origin makes use of. */
export function putPool(origin: Origin, workers: number): Pool {
  return createPool(origin.parallelPuts ?? workers);
}

/** True when the origin holds every output with its size. Reading the bytes is `verify --deep`. */
export async function holdsAll(origin: Origin, outputs: readonly Output[]): Promise<boolean> {
  for (const output of outputs) {
    if ((await origin.blobBytes(output)) !== output.bytes) return false;
  }
  return true;
}

/** Questions that wait for the origin's answer at once: they hide how long one takes, and are not many for a disk. */
const questions = 16;

/** Those of whose outputs the origin does not hold all, in the order given. */
export async function notHeld<T>(
  origin: Origin,
  asked: readonly T[],
  outputsOf: (one: T) => readonly Output[],
): Promise<readonly T[]> {
  const pool = createPool(questions);
  const held = await Promise.all(asked.map((one) => pool(() => holdsAll(origin, outputsOf(one)))));
  return asked.filter((_, index) => !held[index]);
}

/** What a manifest entry remembers of one item, in the shape a worker's result has. */
export function madeFromEntry(entry: Entry, recipe: string): Made | undefined {
  const item = entry.items[recipe];
  if (!item) return undefined;
  const { sha256: _asset, bytes: _bytes, ...source } = entry.source;
  const outputs = item.derivatives.map(({ path: _path, ...output }) => output);
  return { fingerprint: item.fingerprint, source, outputs, placeholder: item.placeholder };
}
