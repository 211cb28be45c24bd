import { keyOfBlob, keyOfNode } from '../domain/moved.js';
import type { Derivative, Digest, Entry, SnapshotId } from '../domain/types.js';
import { type Asset, assetOf } from './asset.js';
import type { Choice } from './choose.js';
import { sha256 } from './digest.js';
import { ReadError } from './errors.js';
import { type ReadHead, readHead } from './head.js';
import type { PictureOptions } from './markup.js';
import { type Fetch, fromUrl, type Source } from './source.js';
import { allEntries, checkedNode, findEntry, type OpenNode, remembering } from './trie.js';

export interface OpenOptions {
  /** Milliseconds for one object, head or node or blob, to be read whole. 10 s unless told. */
  readonly timeoutMs?: number;
  /** A head or manifest node larger than this is refused. 16 MiB unless told. */
  readonly maxBytes?: number;
  /** Manifest nodes kept in memory. 256 unless told. */
  readonly keepNodes?: number;
  /** Instead of what is live, what this channel shows; one that was never published to shows what is live (`Reader.channel` tells). */
  readonly channel?: string;
  /** Instead of the live snapshot, one that the origin still holds. */
  readonly snapshot?: string;
  /** Instead of the global one; only for an origin given as URL. */
  readonly fetch?: Fetch;
}

/**
 * One snapshot, pinned: every look-up answers from it, also when the head has moved since. Every byte is checked against
 * its sha256. All methods throw `ReadError`; `TypeError` where they are called with what they cannot take.
 */
export interface Reader {
  readonly snapshot: SnapshotId;
  /** Of the head from which it was pinned. */
  readonly seq: number;
  readonly job: string;
  /** What is really shown: `options.channel`, or `live` where nothing was ever published to that. With `options.snapshot`: what `refresh` turns to. */
  readonly channel: string;
  /** Undefined when the snapshot has no such asset. Reads a node for each level of the manifest, once. */
  asset(key: string): Promise<Asset | undefined>;
  /** Every asset, in no order of use to people. */
  assets(): AsyncGenerator<Asset>;
  /** The same as those of the asset; throw `asset-unknown` where there is none. */
  url(key: string, choice?: Choice): Promise<string>;
  srcset(key: string, choice?: Omit<Choice, 'width'>): Promise<string>;
  picture(key: string, options: PictureOptions): Promise<string>;
  bytes(key: string, choice?: Choice): Promise<Uint8Array>;
  /**
   * Reads the head again: a reader of what is live (or on the channel) now, itself when that is the same. This one stays as it is. Throws
   * `rewound` for a head older than any seen since `open`, `foreign` for another origin's.
   */
  refresh(): Promise<Reader>;
}

/** What all readers of one `open` share. */
interface Session {
  readonly source: Source;
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly keepNodes: number;
  readonly channel: string;
  /** The newest head seen. */
  newest: ReadHead | undefined;
}

/**
 * Reads the head and pins what is live, or `options.snapshot`. `origin`: its URL, or a `Source` such as `fromFolder()`. Throws
 * `TypeError` for a text that is no URL.
 */
export async function open(origin: string | Source, options: OpenOptions = {}): Promise<Reader> {
  const session: Session = {
    source: typeof origin === 'string' ? fromUrl(origin, options.fetch) : origin,
    timeoutMs: options.timeoutMs ?? 10_000,
    maxBytes: options.maxBytes ?? 16 * 1024 * 1024,
    keepNodes: options.keepNodes ?? 256,
    channel: options.channel ?? 'live',
    newest: undefined,
  };
  const head = await nextHead(session);
  return pin(
    session,
    head,
    options.snapshot === undefined ? shownBy(head, session.channel) : heldBy(head, options.snapshot),
  );
}

async function nextHead(session: Session): Promise<ReadHead> {
  const bytes = await read(session, 'head.json', session.maxBytes);
  const head = readHead(new TextDecoder().decode(bytes));
  const seen = session.newest;
  if (seen && head.origin !== seen.origin) {
    throw new ReadError('foreign', `head.json is of origin ${head.origin}, ${seen.origin} was read before`);
  }
  if (seen && head.seq < seen.seq) {
    throw new ReadError('rewound', `head.json has seq ${head.seq}, but seq ${seen.seq} was seen before`);
  }
  session.newest = head;
  return head;
}

function shownBy(head: ReadHead, channel: string): SnapshotId {
  const shown = head.channels.get(channelOf(head, channel));
  if (shown) return shown;
  throw new ReadError('unpublished', `nothing of job '${head.job}' is live at seq ${head.seq}`);
}

function channelOf(head: ReadHead, wanted: string): string {
  return head.channels.has(wanted) ? wanted : 'live';
}

function heldBy(head: ReadHead, snapshot: string): SnapshotId {
  if (head.held.has(snapshot as SnapshotId)) return snapshot as SnapshotId;
  throw new ReadError('snapshot-unknown', `snapshot ${snapshot} is not held at the origin of '${head.job}'`);
}

function pin(session: Session, head: ReadHead, snapshot: SnapshotId): Reader {
  // Bytes move, snapshots do not: the newest head knows best where they are.
  const moved = () => session.newest?.moved;
  const openNode: OpenNode = async (digest: Digest) =>
    await checkedNode(digest, await read(session, keyOfNode(moved(), digest), session.maxBytes));
  const nodes = remembering(openNode, session.keepNodes);
  const urlOf = (derivative: Derivative) => `${session.source.baseUrl}/${keyOfBlob(moved(), derivative)}`;
  const bytesOf = async (derivative: Derivative) => await blob(session, keyOfBlob(moved(), derivative), derivative);
  const wrap = (entry: Entry) => assetOf(entry, { urlOf, bytesOf });
  const find = async (key: string) => {
    const entry = await findEntry(nodes, snapshot, key);
    return entry && wrap(entry);
  };
  const known = async (key: string) => (await find(key)) ?? unknownAsset(key, snapshot);
  const reader: Reader = {
    snapshot,
    seq: head.seq,
    job: head.job,
    channel: channelOf(head, session.channel),
    asset: find,
    assets: async function* () {
      for await (const entry of allEntries(nodes, snapshot)) yield wrap(entry);
    },
    url: async (key, choice) => (await known(key)).url(choice),
    srcset: async (key, choice) => (await known(key)).srcset(choice),
    picture: async (key, options) => (await known(key)).picture(options),
    bytes: async (key, choice) => await (await known(key)).bytes(choice),
    refresh: async () => {
      const next = await nextHead(session);
      const shown = shownBy(next, session.channel);
      const isSame = shown === snapshot && channelOf(next, session.channel) === reader.channel;
      return isSame ? reader : pin(session, next, shown);
    },
  };
  return reader;
}

function unknownAsset(key: string, snapshot: SnapshotId): never {
  throw new ReadError('asset-unknown', `snapshot ${snapshot} has no asset '${key}'`);
}

/** Exactly the bytes that the manifest speaks of. */
async function blob(session: Session, key: string, derivative: Derivative): Promise<Uint8Array> {
  const bytes = await read(session, key, derivative.bytes);
  const actual = await sha256(bytes);
  if (actual === derivative.sha256) return bytes;
  throw new ReadError('corrupt', `blob ${key} has ${bytes.byteLength} bytes of sha256 ${actual}`);
}

async function read({ source, timeoutMs }: Session, key: string, maxBytes: number): Promise<Uint8Array> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), timeoutMs);
  try {
    return await source.read(key, { maxBytes, signal: abort.signal, fresh: key === 'head.json' });
  } finally {
    clearTimeout(timer);
  }
}
