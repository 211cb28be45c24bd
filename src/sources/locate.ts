import { type BigIntStats, lstatSync, realpathSync } from 'node:fs';
import { errno } from '../domain/faults.js';
import type { AssetKey, Finding } from '../domain/types.js';
import { type Refusal, refusal, refused } from './findings.js';
import { isKey } from './keys.js';

/** What stands under a key right now. */
export type Located =
  /** `file` holds the bytes: absolute, without links, inside the root. */
  | { readonly kind: 'file'; readonly file: string; readonly stats: BigIntStats }
  /** An asset whose bytes cannot be had; `stats` are the link's own. */
  | { readonly kind: 'refused'; readonly finding: Refusal; readonly stats?: BigIntStats }
  /** Never an asset, with what there is to say about it. */
  | { readonly kind: 'other'; readonly finding?: Finding }
  | { readonly kind: 'gone' };

/** Follows the policy of links and special files (`directory/index.ts`) for one key. `root` is absolute and without links. */
export function locate(root: string, key: AssetKey): Located {
  const file = within(root, key);
  try {
    const stats = lstatSync(file, { bigint: true });
    if (stats.isSymbolicLink()) return locateTarget(root, key, file, stats);
    if (stats.isDirectory()) return { kind: 'other' };
    if (!stats.isFile()) return { kind: 'other', finding: special(key) };
    // Another path: below a folder that became a link, or a name this file system only takes for equal. Not what scan lists.
    return realpathSync.native(file) === file ? { kind: 'file', file, stats } : { kind: 'gone' };
  } catch (error) {
    const finding = refusal(key, error);
    return finding.code === 'vanished' ? { kind: 'gone' } : { kind: 'refused', finding };
  }
}

function locateTarget(root: string, key: AssetKey, file: string, link: BigIntStats): Located {
  const refuse = (code: string, message: string): Located => {
    return { kind: 'refused', stats: link, finding: refused(key, code, 'input', message) };
  };
  try {
    const real = realpathSync.native(file);
    const stats = lstatSync(real, { bigint: true });
    if (stats.isDirectory()) return { kind: 'other', finding: toFolder(key) };
    if (!stats.isFile()) return { kind: 'other', finding: special(key) };
    if (isInside(root, real)) return { kind: 'file', file: real, stats };
    return refuse(
      'link-outside',
      `the link leads out of the source, to ${JSON.stringify(real)}: expected a file inside it`,
    );
  } catch (error) {
    const code = errno(error) ?? '';
    if (!brokenCodes.includes(code)) throw error;
    return refuse('link-broken', `the link leads to no file (${code}): expected one inside the source`);
  }
}

const brokenCodes = ['ENOENT', 'ENOTDIR', 'ELOOP'];

/** The path of `key`, or of a key prefix, below `root`. */
export function within(root: string, key: string): string {
  return root === '/' ? `/${key}` : `${root}/${key}`;
}

/** Inside the root and in none of the folders that scan skips. */
function isInside(root: string, real: string): boolean {
  const prefix = within(root, '');
  return real.startsWith(prefix) && isKey(real.slice(prefix.length));
}

function toFolder(key: AssetKey): Finding {
  const message = 'a link to a folder is not entered: its files are no assets';
  return { code: 'link-directory', severity: 'notice', key, message };
}

function special(key: AssetKey): Finding {
  return { code: 'special-file', severity: 'notice', key, message: 'neither file, folder nor link: it was not opened' };
}
