import { placesOf } from './condemned.js';
import { sha256 } from './digest.js';
import { purgeReference } from './edges.js';
import { Fault } from './faults.js';
import { commit, type Former, type Head, type Retained, type Stamp, type Withdrawal } from './head.js';
import { keyOfBlob } from './moved.js';
import { blobKey, keyInGeneration, parseKey } from './origin-keys.js';
import type { AssetKey, Digest, Entry, EntryItem, Finding, SnapshotId } from './types.js';

/**
 * Takedown: what must vanish, at once and for good.
 *
 *   commit   one swap puts a cleaned snapshot in the place of every one the head names that shows the content, and writes
 *            down what is withdrawn. From here on the content is blocked: no run, publish, promotion or rollback has it
 *   erase    its blobs, and the trees that show them, are deleted whatever their age: the one exception to "garbage may go
 *            later". A second commit says so (`erasedAt`), so that whoever looked at blobs before loses its swap
 *   edges    are told of the head and of every key and path that is gone
 *
 * A crash after the commit leaves `erasedAt` open: the same command, a run or a collection goes on from there.
 * Invariant: no snapshot named by the head shows content of `withdrawn`. What a manifest node tells of it (name, size,
 * placeholder) goes with the next collection. Rejected: keeping the old snapshots and refusing to roll back to them; the
 * head would name what is not whole.
 */

/** What makes bytes the withdrawn content: they come from one of these sources, or were made of one under these fingerprints. */
export interface Content {
  readonly sources: { has(source: Digest): boolean };
  readonly items: { has(fingerprint: Digest): boolean };
}

/** By source, the takedown that blocks it. */
export type Withheld = ReadonlyMap<Digest, Withdrawal>;

export function withheldBy(head: Pick<Head, 'withdrawn'> | undefined): Withheld {
  return new Map((head?.withdrawn ?? []).map((one) => [one.source, one]));
}

/** What the head blocks. */
export function blockedBy({ withdrawn = [] }: Pick<Head, 'withdrawn'>): Content {
  return {
    sources: new Set(withdrawn.map(({ source }) => source)),
    items: new Set(withdrawn.flatMap(({ items }) => items)),
  };
}

/** The entry without this content: itself when it shows none, undefined when nothing else is left of it. */
export function cleaned(entry: Entry, { sources, items }: Content): Entry | undefined {
  if (sources.has(entry.source.sha256)) return undefined;
  const made = Object.entries(entry.items);
  const left = made.filter(([, item]) => !items.has(item.fingerprint));
  if (left.length === made.length) return entry;
  return left.length === 0 ? undefined : { ...entry, items: Object.fromEntries(left) };
}

/** Why a run leaves an asset out. Somebody wanted it so: nothing is missing. */
export function withdrawnFinding({ reason, at }: Withdrawal): Finding {
  const message = `this content was withdrawn at ${at} (${reason}) and is not published; other content under this name is`;
  return { code: 'withdrawn', severity: 'notice', message };
}

export interface Takedown extends Stamp {
  readonly reason: string;
  /** One for every key and source that showed the content. */
  readonly contents: readonly Omit<Withdrawal, 'reason' | 'at' | 'seq' | 'erasedAt'>[];
  /** The snapshot that takes the place of each that showed it. */
  readonly cleaned: ReadonlyMap<SnapshotId, SnapshotId>;
  /** Snapshots that nobody can read any more, and so nobody can clean: the head lets them go. None of them is live. */
  readonly unreadable: ReadonlySet<SnapshotId>;
}

/** The head with cleaned snapshots in the place of all that showed the content. A freeze and the gate have no say in it. */
export function withdrawFrom(head: Head, takedown: Takedown): Head {
  const { contents, cleaned: clean, unreadable, ...stamp } = takedown;
  const next = commit(head, 'withdraw', stamp);
  const { seq, at } = next;
  const place = <T extends Named>(named: readonly T[]) =>
    named.filter(({ snapshot }) => !unreadable.has(snapshot)).map((one) => inPlace(one, clean));
  const before = head.channels.live;
  const moved = before !== undefined && clean.has(before.snapshot) ? { seq, at } : {};
  const retained = once(place(head.retained)).map((entry) =>
    entry.snapshot === (before && inPlace(before, clean).snapshot) ? { ...entry, ...moved } : entry,
  );
  const others = Object.entries(head.channels).flatMap(([name, channel]) =>
    channel ? place([channel]).map((one) => [name, one] as const) : [],
  );
  const live = before && (retained.find(({ snapshot }) => snapshot === inPlace(before, clean).snapshot) ?? before);
  const withdrawn = contents.map((one): Withdrawal => ({ ...one, reason: stamp.reason, at, seq }));
  const isNew = ({ key, source }: Withdrawal) => withdrawn.some((one) => one.key === key && one.source === source);
  return {
    ...next,
    channels: { ...Object.fromEntries(others), ...(live && { live }) },
    retained,
    pins: place(head.pins),
    withdrawn: [...(head.withdrawn ?? []).filter((one) => !isNew(one)), ...withdrawn],
  };
}

interface Named {
  readonly snapshot: SnapshotId;
  readonly seq?: number;
  readonly was?: readonly Former[];
}

function inPlace<T extends Named>(named: T, clean: ReadonlyMap<SnapshotId, SnapshotId>): T {
  const snapshot = clean.get(named.snapshot);
  return snapshot === undefined ? named : { ...named, snapshot, was: formerly([named]) };
}

/** Two snapshots may differ in nothing but what was withdrawn: the newer place stays, and answers to both names. */
function once(retained: readonly Retained[]): readonly Retained[] {
  return retained.flatMap((entry, index) => {
    const same = retained.filter(({ snapshot }) => snapshot === entry.snapshot);
    if (retained.findLastIndex(({ snapshot }) => snapshot === entry.snapshot) !== index) return [];
    if (same.length === 1) return [entry];
    const { droppedAt, ...kept } = entry;
    const isDropped = droppedAt !== undefined && same.every((one) => one.droppedAt !== undefined);
    const was = [...same.filter((one) => one !== entry).flatMap((one) => formerly([one])), ...(entry.was ?? [])];
    return [{ ...kept, ...(isDropped && { droppedAt }), was: unlike(was) }];
  });
}

function formerly(named: readonly Named[]): readonly Former[] {
  return unlike(
    named.flatMap(({ snapshot, seq, was = [] }) => [...was, { snapshot, ...(seq !== undefined && { seq }) }]),
  );
}

function unlike(formers: readonly Former[]): readonly Former[] {
  return [...new Map(formers.map((one) => [`${one.snapshot} ${one.seq}`, one])).values()];
}

/** Takedowns whose blobs may still be at the origin. */
export function toErase({ withdrawn = [] }: Head): readonly Withdrawal[] {
  return withdrawn.filter(({ erasedAt }) => erasedAt === undefined);
}

/** The blobs of these takedowns are gone. The same head when it says so already. */
export function erased(head: Head, stamp: Stamp, gone: readonly Withdrawal[]): Head {
  const isGone = ({ key, seq, source }: Withdrawal) =>
    gone.some((one) => one.seq === seq && one.key === key && one.source === source);
  if (!toErase(head).some(isGone)) return head;
  const next = commit(head, 'erase', stamp);
  const withdrawn = (head.withdrawn ?? []).map((one) =>
    isGone(one) ? { ...one, erasedAt: one.erasedAt ?? next.at } : one,
  );
  return { ...next, withdrawn };
}

/** Lets this asset's content be published again, and with it the same bytes under other keys. Throws `asset-unknown`. */
export function liftFrom(head: Head, { key, ...stamp }: Stamp & { readonly key: AssetKey }): Head {
  const withdrawn = head.withdrawn ?? [];
  const lifted = new Set(withdrawn.flatMap((one) => (one.key === key ? [one.source] : [])));
  if (lifted.size === 0) {
    const known = withdrawn.map((one) => `'${one.key}'`).join(', ');
    const message = `nothing of '${key}' is withdrawn from '${head.job}': expected ${known || 'a withdrawn asset, there is none'}`;
    throw new Fault('asset-unknown', message, { hint: 'nightpress status {job}' });
  }
  const left = withdrawn.filter(({ source }) => !lifted.has(source));
  const { withdrawn: _, ...others } = commit(head, 'lift', stamp);
  return left.length > 0 ? { ...others, withdrawn: left } : others;
}

/** The contents with the keys of those of their blobs that do not lie where their names say: edges are told of them later. */
export function whereTheyLie({ moved }: Head, contents: Takedown['contents']): Takedown['contents'] {
  const placed = (blob: Withdrawal['blobs'][number]) => {
    const key = keyOfBlob(moved, blob);
    return key === blobKey(blob) ? blob : { ...blob, key };
  };
  return contents.map((one) => ({ ...one, blobs: one.blobs.map(placed) }));
}

/** Where a blob lies, lay when it was taken down, and may have lain before. */
export function keysOf({ moved }: Head, blob: Withdrawal['blobs'][number]): readonly string[] {
  const own = placesOf(blobKey(blob), { moved, condemned: new Set() });
  const then = parseKey(blob.key ?? '')?.generation ?? 0;
  const earlier = Array.from({ length: then + 1 }, (_, generation) => keyInGeneration(blobKey(blob), generation));
  return [...new Set([...own, ...earlier])];
}

/** Blobs that are deleted whatever their age, unless a snapshot shows them. */
export function withdrawnBlobs(head: Pick<Head, 'withdrawn'> | undefined): ReadonlySet<Digest> {
  return new Set((head?.withdrawn ?? []).flatMap(({ blobs }) => blobs.map((blob) => blob.sha256)));
}

/** The newest commit that edges have to hear of: what is live, or a takedown of what no longer was. */
export function newsSeq({ channels, withdrawn = [] }: Head): number | undefined {
  return channels.live && Math.max(channels.live.seq, ...withdrawn.map(({ seq }) => seq));
}

/** Keys and paths at the origin that takedowns since the commit `since` have emptied; undefined: all takedowns. */
export function emptiedKeys(head: Head, since: number | undefined): readonly string[] {
  const news = (head.withdrawn ?? []).filter(({ seq }) => since === undefined || seq > since);
  const keys = news.flatMap(({ blobs, paths = [] }) => [
    ...blobs.flatMap((blob) => keysOf(head, blob)),
    ...paths.map((path) => `live/${path}`),
  ]);
  return [...new Set(keys)];
}

/** Names a purge of more than the head. Some edges refuse one name for two lists. */
export function takedownReference(
  live: { readonly origin: string; readonly seq: number },
  keys: readonly string[],
): string {
  return `${purgeReference(live)}-${sha256(keys.join('\n')).slice(0, 12)}`;
}

/** Blobs that these items show. */
export function blobsOf(items: Iterable<EntryItem>): Withdrawal['blobs'] {
  const blobs = [...items].flatMap(({ derivatives }) => derivatives.map(({ sha256, ext }) => ({ sha256, ext })));
  return [...new Map(blobs.map((blob) => [`${blob.sha256}.${blob.ext}`, blob])).values()];
}
