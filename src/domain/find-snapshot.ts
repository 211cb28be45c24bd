import { Fault } from './faults.js';
import type { Channel, Head } from './head.js';
import type { SnapshotId } from './types.js';

/** Words that always mean what they say now; no pin may be named so. */
const channelWords = ['live', 'staged', 'previous'] as const;
const idPrefix = /^[0-9a-f]{6,64}$/;
const seqNumber = /^\d{1,9}$/;

/**
 * The one snapshot that a person's text names: a channel, `previous` (see `previousSnapshot`), a pin, the seq
 * that put it live, or at least six digits of its id, in this order. Throws `snapshot-unknown`.
 */
export function findSnapshot(head: Head, text: string): SnapshotId {
  const found = byChannel(head, text) ?? byPin(head, text) ?? bySeq(head, text);
  if (found) return found;
  const ids = idPrefix.test(text) ? byPrefix(head, text) : [];
  if (ids.length === 1 && ids[0]) return ids[0];
  if (text === 'previous') {
    const message = `no snapshot was live before the one that is: '${head.job}' has nothing to go back to`;
    throw new Fault('snapshot-unknown', message, { hint: 'nightpress snapshots {job}' });
  }
  const what = ids.length > 1 ? `names ${ids.length} snapshots` : 'names no snapshot held at the origin';
  const expected = "6 or more digits of an id, a seq, a pin, 'live', 'previous' or 'staged'";
  throw new Fault('snapshot-unknown', `'${text}' ${what} of '${head.job}': expected ${expected}`);
}

/** Why nobody could call a snapshot by this name, in words that follow "expected"; undefined when one could. */
export function pinNameProblem(name: string): string | undefined {
  if (channelWords.some((word) => word === name)) return `a name of its own, not '${name}'`;
  if (seqNumber.test(name) || idPrefix.test(name)) return 'a name that cannot be taken for a seq or an id';
  return /^[A-Za-z0-9][\w.-]{0,63}$/.test(name) ? undefined : 'at most 64 letters, digits, dots, - and _';
}

/**
 * Where `rollback` leads: what was live before the live one was published. While a rollback stands, that is the next older
 * one, never what was rolled back from.
 */
export function previousSnapshot(head: Head): SnapshotId | undefined {
  const { published } = head.channels.live ?? {};
  if (published === undefined) return formerSnapshot(head);
  const older = head.retained.filter((entry) => publishedAt(entry) < published);
  return older.sort((a, b) => publishedAt(b) - publishedAt(a))[0]?.snapshot;
}

/** What was live until the live one came, by whatever verb: its readers may still be there. */
export function formerSnapshot({ channels: { live }, retained }: Head): SnapshotId | undefined {
  return retained.findLast(({ snapshot }) => snapshot !== live?.snapshot)?.snapshot;
}

function publishedAt({ published, seq }: Channel): number {
  return published ?? seq;
}

function byChannel(head: Head, text: string): SnapshotId | undefined {
  if (text === 'previous') return previousSnapshot(head);
  return Object.hasOwn(head.channels, text) ? head.channels[text]?.snapshot : undefined;
}

function byPin(head: Head, text: string): SnapshotId | undefined {
  return head.pins.find(({ name }) => name === text)?.snapshot;
}

function bySeq(head: Head, text: string): SnapshotId | undefined {
  if (!seqNumber.test(text)) return undefined;
  const held = [...head.retained, ...channelsOf(head)];
  const isMeant = ({ seq }: { readonly seq?: number }) => seq === Number(text);
  return (held.find(isMeant) ?? held.find(({ was }) => was?.some(isMeant)))?.snapshot;
}

/** A snapshot that content was withdrawn from is also found by the id it had before, unless another has that now. */
function byPrefix(head: Head, text: string): readonly SnapshotId[] {
  const held = [...head.retained, ...head.pins, ...channelsOf(head)];
  const isMeant = ({ snapshot }: { readonly snapshot: SnapshotId }) => snapshot.startsWith(text);
  const named = held.filter(isMeant);
  const meant = named.length > 0 ? named : held.filter(({ was }) => was?.some(isMeant));
  return [...new Set(meant.map(({ snapshot }) => snapshot))];
}

function channelsOf({ channels }: Head): readonly Channel[] {
  return Object.values(channels).filter((channel) => channel !== undefined);
}
