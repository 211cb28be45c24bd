import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { refuseNetwork } from './network.js';
import { orFault } from './storage-fault.js';

/** The state folder, made if need be, on a file system whose locks can be trusted. */
export function makeFolder(folder: string): void {
  orFault(folder, () => mkdirSync(folder, { recursive: true, mode: 0o755 }));
  refuseNetwork(folder);
}

/** Writes a new file whose bytes survive a power cut; its name does once the folder is synced. */
export function writeSynced(file: string, bytes: string | Uint8Array): void {
  const descriptor = openSync(file, 'w', 0o644);
  try {
    writeFileSync(descriptor, bytes);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** The old content or the new one, whole, whatever happens. For callers that hold a lock: only one may do it. */
export function replaceFile(file: string, bytes: string | Uint8Array): void {
  const draft = `${file}.new`;
  writeSynced(draft, bytes);
  renameSync(draft, file);
  syncFolder(path.dirname(file));
}

export function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
