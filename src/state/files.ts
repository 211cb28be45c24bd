import { randomUUID } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { refuseNetwork } from './network.js';
import { storageFault } from './storage-fault.js';

/** The state folder, made if need be, on a file system whose locks can be trusted. */
export function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o755 });
  } catch (error) {
    throw storageFault(error, folder);
  }
  refuseNetwork(folder);
}

/** Writes bytes that survive a power cut under a name nobody else has; returns the name. */
export function writeDraft(file: string, bytes: string | Uint8Array): string {
  const draft = `${file}.draft-${randomUUID()}`;
  const descriptor = openSync(draft, 'wx', 0o644);
  try {
    writeFileSync(descriptor, bytes);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  return draft;
}

/** The old content or the new one, whole, whatever happens. */
export function replaceFile(file: string, bytes: string | Uint8Array): void {
  renameSync(writeDraft(file, bytes), file);
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
