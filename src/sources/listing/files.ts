import { unlink } from 'node:fs/promises';
import type { ListedAsset } from '../../domain/types.js';
import { refused } from '../findings.js';
import { rootAt } from '../root.js';
import { stager } from '../stage.js';
import type { Store } from './index.js';
import { type Told, toldBy } from './row.js';

/** Files below a folder, taken under the same policy of links and special files as those of source `directory`. */
export function filesOf(folder: string, clock: () => number): Store {
  const root = rootAt(folder);
  const stageFile = stager(root, clock);
  return {
    check: () => void root(),
    stage: async (asset, file) => {
      const { key } = asset;
      const row = toldBy(asset.listing);
      const staged = await stageFile(row.place ?? key, file);
      if (!staged.ok) return { ok: false, finding: { ...staged.finding, key } };
      const otherwise = differs(row, staged);
      if (otherwise === undefined) return { ...staged, asset };
      await unlink(file);
      return { ok: false, finding: notAsListed(asset, otherwise) };
    },
  };
}

/** How bytes differ from what their row says; undefined when they do not. */
export function differs(row: Told, found: { readonly bytes: number; readonly sha256: string }): string | undefined {
  if (row.bytes !== found.bytes) return `it has ${found.bytes} bytes, its row says ${row.bytes}`;
  if (row.sha256 === undefined || row.sha256 === found.sha256) return undefined;
  return `its sha256 is ${found.sha256}, its row says ${row.sha256}`;
}

/** Half copied, or newer than the inventory: either way the next inventory and the bytes will agree again. */
export function notAsListed({ key }: ListedAsset, how: string) {
  return refused(key, 'not-as-listed', 'transient', `not what the listing says: ${how}`);
}
