import type { Change } from './inventory.js';
import type { AssetCounts } from './result.js';
import type { AssetKey, Digest, Entry } from './types.js';

export interface Learned {
  /** Of the assets looked at. */
  readonly changes: readonly Pick<Change, 'key' | 'kind'>[];
  /** What the snapshot that the run was planned on holds of them. */
  readonly live: ReadonlyMap<AssetKey, Entry>;
  /** Their contents, as far as they were read. */
  readonly contents: ReadonlyMap<AssetKey, Digest>;
}

/**
 * The counts of a plan, once contents are known: against the snapshot it was planned on, not against what was remembered of
 * listings. Without memory, as on a channel's first night, a plan looks at everything and calls it changed.
 */
export function learnedCounts(planned: AssetCounts, { changes, live, contents }: Learned): AssetCounts {
  let { added, changed, unchanged } = planned;
  for (const { key, kind } of changes) {
    if (kind !== 'added' && kind !== 'changed') continue;
    const [was, is] = [live.get(key)?.source.sha256, contents.get(key)];
    if (is === undefined) continue; // nobody read it: it is what it was planned as
    if (kind === 'added') added--;
    else changed--;
    if (was === undefined) added++;
    else if (was === is) unchanged++;
    else changed++;
  }
  return { ...planned, added, changed, unchanged };
}
