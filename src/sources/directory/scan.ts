import { isUtf8 } from 'node:buffer';
import { lstatSync, readdirSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { errno } from '../../domain/faults.js';
import type { Finding, Inventory, ListedAsset } from '../../domain/types.js';
import { assetOf, refusedAsset } from '../file-asset.js';
import { refused } from '../findings.js';
import { skippedNames } from '../keys.js';
import { locate, within } from '../locate.js';
import { type Root, unreachable } from '../root.js';

interface Walk {
  readonly root: string;
  readonly now: number;
  readonly assets: ListedAsset[];
  readonly findings: Finding[];
  readonly unreadable: string[];
  /** Key prefixes of folders not yet listed. */
  readonly folders: string[];
  entries: number;
}

/** Entries between two turns of the event loop: signals and progress wait some 10 ms. */
const batch = 2_000;

/**
 * Lists the tree with synchronous calls: over 100,000 files they take a third of the time of `fs/promises`, whose every
 * call is a trip to the thread pool.
 */
export async function scanFolder(root: () => Root, now: number): Promise<Inventory> {
  const walk: Walk = { root: root().real, now, assets: [], findings: [], unreadable: [], folders: [''], entries: 0 };
  for (let prefix = walk.folders.pop(); prefix !== undefined; prefix = walk.folders.pop()) {
    await listFolder(walk, prefix);
  }
  root(); // still the folder it was: what was not found is not there
  const { assets, findings, unreadable } = walk;
  if (walk.entries === 0) findings.push(empty);
  assets.sort((a, b) => (a.key < b.key ? -1 : 1));
  return { assets, findings, unreadable };
}

const empty: Finding = {
  code: 'source-empty',
  severity: 'notice',
  message: 'the source folder is empty: if it lies on a volume, is that mounted?',
};

async function listFolder(walk: Walk, prefix: string): Promise<void> {
  const folder = within(walk.root, prefix);
  try {
    for (const name of readNames(walk, prefix, folder)) {
      if (++walk.entries % batch === 0) await setImmediate();
      if (!skippedNames.has(name)) listEntry(walk, prefix + name, folder + name);
    }
  } catch (error) {
    refuseFolder(walk, prefix, error);
  }
}

function listEntry(walk: Walk, key: string, file: string): void {
  const stats = lstatSync(file, { bigint: true, throwIfNoEntry: false });
  if (!stats) return; // deleted since its folder was read
  if (stats.isFile()) walk.assets.push(assetOf(key, stats, walk.now));
  else if (stats.isDirectory()) walk.folders.push(`${key}/`);
  else listOther(walk, key);
}

function listOther(walk: Walk, key: string): void {
  const found = locate(walk.root, key);
  if (found.kind === 'file') walk.assets.push(assetOf(key, found.stats, walk.now));
  else if (found.kind === 'refused') walk.assets.push(refusedAsset(found.finding, found.stats, walk.now));
  else if (found.kind === 'other' && found.finding) walk.findings.push(found.finding);
}

/** Folders without access keep what is known below them; any other trouble puts the whole listing in doubt. */
function refuseFolder(walk: Walk, prefix: string, error: unknown): void {
  const code = errno(error);
  if (code === undefined) throw error;
  if (prefix === '') throw unreachable(walk.root, error);
  if (code === 'ENOENT' || code === 'ENOTDIR') return; // deleted since its parent was read
  if (!deniedCodes.includes(code)) throw unreachable(within(walk.root, prefix), error);
  const message = `the folder cannot be listed (${code}): what is live of its files stays`;
  walk.findings.push(refused(prefix.slice(0, -1), 'folder-unreadable', 'input', message));
  walk.unreadable.push(prefix);
}

const deniedCodes = ['EACCES', 'EPERM', 'ENAMETOOLONG'];

/** Names that are not UTF-8 come back with U+FFFD in them and open nothing; only then the bytes are asked for. */
function readNames(walk: Walk, prefix: string, folder: string): readonly string[] {
  const names = readdirSync(folder);
  if (!names.some((name) => name.includes('\ufffd'))) return names;
  return readdirSync(folder, { encoding: 'buffer' }).flatMap((bytes) => {
    if (isUtf8(bytes)) return [bytes.toString()];
    walk.findings.push(notUtf8(prefix, bytes));
    return [];
  });
}

function notUtf8(prefix: string, name: Buffer): Finding {
  const hex = (char: string) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
  const escaped = name.toString('latin1').replace(/[^ -~]|\\/g, hex);
  const where = prefix === '' ? 'the source folder' : JSON.stringify(prefix);
  const message = `the name "${escaped}" in ${where} is not UTF-8: rename it`;
  return { code: 'name-not-utf8', severity: 'error', class: 'input', message };
}
