import type { Head } from '../domain/head.js';
import { diffManifests } from '../domain/manifest.js';
import type { AssetKey, Entry, RunId } from '../domain/types.js';
import { blockedBy, cleaned, withheldBy } from '../domain/withdraw.js';
import { liveLoader } from './base.js';
import type { Stand } from './candidate.js';
import type { Night } from './night.js';
import type { PublishInput } from './publish.js';
import { withheldRows, withhold } from './withheld.js';

/** What was withdrawn while the run was at it is left out: nothing of it may come back. */
export async function withoutWithdrawn(
  night: Night,
  run: RunId,
  { stand, head }: { readonly stand: Stand; readonly head: Head | undefined },
): Promise<Stand> {
  if (!head?.withdrawn) return stand;
  const content = blockedBy(head);
  const updates = new Map<AssetKey, Entry | undefined>();
  for (const [key, entry] of stand.updates) {
    const left = entry && cleaned(entry, content);
    if (left !== undefined || entry === undefined) updates.set(key, left);
  }
  const withheld = withheldBy(head);
  await withhold(night, run, withheldRows(night.state.items(run), withheld), withheld);
  return { ...stand, updates };
}

/** What is known of the run whose changes these are. */
type Publishing = Pick<PublishInput, 'run' | 'damaged' | 'stagedListing'>;

interface Rebase {
  readonly stand: Stand;
  readonly live: Head['channels']['live'];
  readonly attempt: number;
}

/** Our changes on top of theirs. Where both touched an asset, ours stands only if its source still is what we staged. */
export async function rebased(night: Night, run: Publishing, { stand, live, attempt }: Rebase): Promise<Stand> {
  const onto = live?.snapshot;
  if (onto === stand.base || (onto !== undefined && onto === run.damaged)) return stand;
  const updates = new Map(stand.updates);
  let theirs = 0;
  for await (const { key, after } of diffManifests(liveLoader(night.origin), stand.base, onto)) {
    theirs++;
    if (!updates.has(key)) continue;
    const ours = updates.get(key);
    if (!(await isCurrent(night, { key, ours, theirs: after, staged: run.stagedListing(key) }))) updates.delete(key);
  }
  const isOurs = live?.run === run.run; // moved by this very run before it was killed
  if (!isOurs) night.emit({ type: 'rebased', attempt, onto, theirs });
  return { updates, base: onto };
}

interface Conflict {
  readonly key: AssetKey;
  readonly ours: Entry | undefined;
  readonly theirs: Entry | undefined;
  readonly staged: string | undefined;
}

async function isCurrent(night: Night, { key, ours, theirs, staged }: Conflict): Promise<boolean> {
  if (ours && ours.source.sha256 === theirs?.source.sha256) return true;
  const listed = await night.source.list(key);
  if (!ours || !listed) return !ours && !listed;
  return staged === listed.listing;
}
