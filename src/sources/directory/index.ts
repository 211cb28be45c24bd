import path from 'node:path';
import { z } from 'zod';
import { problemsOf } from '../../domain/problems.js';
import type { AssetKey, ListedAsset } from '../../domain/types.js';
import type { Source, SourceCheck, SourceKind } from '../contract.js';
import { assetOf, refusedAsset } from '../file-asset.js';
import { isKey } from '../keys.js';
import { locate } from '../locate.js';
import { rootAt } from '../root.js';
import { stager } from '../stage.js';
import { scanFolder } from './scan.js';

/**
 * A folder of this machine as a source. What it holds and how that becomes the inventory:
 *
 *   regular file            an asset, whatever its name: spaces, quotes, `%`, `#`, globs, control characters, a leading
 *                           dash or dot, and names that differ only in case. Recipes choose by globs
 *   link to a file inside   an asset with the bytes and the listing of its target
 *   link to a file outside, an asset that cannot be read (`link-outside`, `link-broken`; error): what is live of it is
 *   dangling, looping       carried forward, because a link breaks by accident far more often than by intent. It counts
 *                           only where a recipe wants it
 *   link to a folder        not entered, wherever it leads (`link-directory`, notice): nothing below it was ever an
 *                           asset, loops cannot arise, and every asset has one key
 *   fifo, socket, device    never opened (`special-file`, notice): no media
 *   name that is not UTF-8  no key can say it (`name-not-utf8`, error): someone expects it on the site
 *   folder without access   `folder-unreadable`, error; what was known below it is not taken for removed
 *   `.git`, `.nightpress`,  at any level skipped without a word: they belong to git, to us and to the file system, and
 *   `lost+found`            a link into one is `link-outside`
 *
 * The root itself may be a link; it is resolved once. Nothing is ever written below it.
 */
export const directory: SourceKind = { check, open };

/** What a job file says of this source. */
export interface DirectorySourceInput {
  readonly type: 'directory';
  /** Relative to the project, or absolute. */
  readonly path: string;
}

const shape = z.strictObject({
  type: z.literal('directory'),
  path: z
    .string('the path of a folder, relative to the project')
    .min(1, 'the path of a folder, relative to the project')
    .refine((text) => !text.includes('\0'), 'a path without NUL'),
});

function check(config: unknown, project: string): SourceCheck {
  const parsed = shape.safeParse(config);
  if (!parsed.success) return { ok: false, problems: problemsOf(parsed.error, config, [], [shape]) };
  const folder = path.resolve(project, parsed.data.path);
  return { ok: true, config: { type: 'directory', path: folder }, folder };
}

function open(config: Readonly<Record<string, unknown>>, clock: () => number): Source {
  const { path: folder } = shape.parse(config);
  const root = rootAt(folder);
  return {
    scan: () => scanFolder(root, clock()),
    async list(key) {
      const { real } = root();
      return isKey(key) ? listedAt(real, key, clock()) : undefined;
    },
    stage: stager(root, clock),
  };
}

function listedAt(root: string, key: AssetKey, now: number): ListedAsset | undefined {
  const found = locate(root, key);
  if (found.kind === 'file') return assetOf(key, found.stats, now);
  return found.kind === 'refused' ? refusedAsset(found.finding, found.stats, now) : undefined;
}
