import { PutObjectCommand } from '@aws-sdk/client-s3';
import { sha256 } from '../../domain/digest.js';
import { Fault } from '../../domain/faults.js';
import { type Head, landed } from '../../domain/head.js';
import { parseHead, serializeHead } from '../../domain/head-text.js';
import type { HeadRead, Swap } from '../contract.js';
import { signed } from './signed.js';
import { bare, read, type Store } from './store.js';
import { isConflict, isNotImplemented, isRefusal, type Trouble, troubleOf } from './trouble.js';

/*
 * A commit is one conditional PUT of `head.json`, sent once. What came of it:
 *
 *   200                     landed
 *   501                     no conditional writes here: refused, with the way out
 *   anything else           the head is read back:
 *     our txn is in it        landed, and only the answer was lost
 *     it is another one       lost: our condition can never hold again
 *     it is as it was         a definite refusal (409, 412, other 4xx): not written and never will be
 *                             a broken connection, a time-out, 5xx: `unknown`, the PUT may still land
 *     it cannot be read       `unknown`
 *
 * Some stores compare `If-Match` with the ETag as they show it, quotes included, others (Ceph before 20) only without
 * them. Which one this is, is learned from a refusal that the head read back contradicts; nothing is taken from a name.
 */
const headKey = 'head.json';
/** An old head is safe to show while the origin is away; nobody may show one without asking for long. */
const shortLived = 'public, max-age=0, s-maxage=5, stale-if-error=86400';

export async function readHead(store: Store): Promise<HeadRead | undefined> {
  const found = await read(store, headKey, async ({ Body, ETag }, at) => {
    if (ETag === undefined) throw new Fault('origin-corrupt', `origin ${store.place} shows ${headKey} without an ETag`);
    const text = (await Body?.transformToString()) ?? '';
    return { head: parseHead(text), version: ETag, ...(at !== undefined && { at }) };
  });
  store.places.follow(found?.head);
  return found;
}

type EtagForm = 'as shown' | 'bare';

export class Commits {
  readonly #store: Store;
  #form: EtagForm = 'as shown';

  constructor(store: Store) {
    this.#store = store;
  }

  async swapHead(next: Head, base: string | undefined): Promise<Swap> {
    const swap = await this.#swap(next, base);
    if (swap === 'landed') this.#store.places.follow(next);
    return swap;
  }

  async #swap(next: Head, base: string | undefined): Promise<Swap> {
    if (this.#store.singleWriter) return await this.#swapAlone(next, base);
    const first = await this.#attempt(next, base);
    if (first.swap !== 'lost' || !first.isUnmoved || base === undefined) return first.swap;
    // Refused although the head is what we said it is: perhaps it wants the ETag in its other form.
    this.#form = this.#form === 'bare' ? 'as shown' : 'bare';
    return (await this.#attempt(next, base)).swap;
  }

  async #attempt(next: Head, base: string | undefined): Promise<Told> {
    const condition =
      base === undefined ? { IfNoneMatch: '*' } : { IfMatch: this.#form === 'bare' ? bare(base) : base };
    try {
      await sendHead(this.#store, next, condition);
      return { swap: 'landed', isUnmoved: false };
    } catch (error) {
      const trouble = troubleOf(error);
      if (!trouble) throw error;
      return await this.#readBack(next, base, { trouble, error });
    }
  }

  /** Nobody else moves the head, so looking first is enough; a store without conditions has nothing better. */
  async #swapAlone(next: Head, base: string | undefined): Promise<Swap> {
    if ((await readHead(this.#store))?.version !== base) return 'lost';
    try {
      await sendHead(this.#store, next, {});
      return 'landed';
    } catch (error) {
      const trouble = troubleOf(error);
      if (!trouble) throw error;
      return (await this.#readBack(next, base, { trouble, error })).swap;
    }
  }

  async #readBack(next: Head, base: string | undefined, { trouble, error }: Said): Promise<Told> {
    const isDefinite = isRefusal(trouble);
    if (isDefinite && !isConflict(trouble)) throw error;
    if (isNotImplemented(trouble)) throw withoutConditions(this.#store, error);
    let now: HeadRead | undefined;
    try {
      now = await readHead(this.#store);
    } catch (failure) {
      if (isDefinite || !(troubleOf(failure) || failure instanceof Fault)) throw failure;
      return { swap: 'unknown', isUnmoved: false };
    }
    const { txn = '' } = next.commits.at(-1) ?? {};
    if (now && landed(now.head, txn)) return { swap: 'landed', isUnmoved: false };
    const isUnmoved = now?.version === base;
    return { swap: isUnmoved && !isDefinite ? 'unknown' : 'lost', isUnmoved: isUnmoved && trouble.status === 412 };
  }
}

interface Told {
  readonly swap: Swap;
  /** The condition was said not to hold, but the head that was read back is the one the commit was based on. */
  readonly isUnmoved: boolean;
}

interface Said {
  readonly trouble: Trouble;
  readonly error: unknown;
}

/** To a single writer, who asks for none, it was said of something else. */
function withoutConditions({ place, singleWriter }: Store, error: unknown): unknown {
  if (singleWriter) return error;
  const message = `origin ${place} knows no conditional writes, so two publishers would overwrite each other: expected a store that does, or singleWriter: true`;
  return new Fault('origin-unfit', message, { cause: error });
}

async function sendHead(
  store: Store,
  head: Head,
  condition: { IfMatch?: string; IfNoneMatch?: string },
): Promise<void> {
  const text = Buffer.from(serializeHead(head));
  const command = new PutObjectCommand({
    ...store.at(headKey),
    ...condition,
    Body: text,
    ContentType: 'application/json',
    CacheControl: shortLived,
  });
  await store.commits.send(signed(command, sha256(text)));
}
