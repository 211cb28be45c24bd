import path from 'node:path';
import type { Entry, Made, Output } from '../domain/types.js';
import type { Origin } from '../origins/contract.js';
import type { OutboxFile } from '../processors/contract.js';
import type { Emit } from './events.js';

/** Moves verified outputs from an outbox to the origin. Each is durable there, under its hash, when this resolves. */
export async function storeOutputs(
  origin: Origin,
  outbox: string,
  files: readonly OutboxFile[],
  emit: Emit,
): Promise<readonly Output[]> {
  const outputs: Output[] = [];
  for (const { file, ...output } of files) {
    await origin.putBlob(output, path.join(outbox, file));
    emit({ type: 'blob-stored', sha256: output.sha256, bytes: output.bytes });
    outputs.push(output);
  }
  return outputs;
}

/** True when the origin holds every output with its size. Reading the bytes is `verify --deep`. */
export async function holdsAll(origin: Origin, outputs: readonly Output[]): Promise<boolean> {
  for (const output of outputs) {
    if ((await origin.blobBytes(output)) !== output.bytes) return false;
  }
  return true;
}

/** What a manifest entry remembers of one item, in the shape a worker's result has. */
export function madeFromEntry(entry: Entry, recipe: string): Made | undefined {
  const item = entry.items[recipe];
  if (!item) return undefined;
  const { sha256: _asset, bytes: _bytes, ...source } = entry.source;
  const outputs = item.derivatives.map(({ path: _path, ...output }) => output);
  return { fingerprint: item.fingerprint, source, outputs, placeholder: item.placeholder };
}
