import { Fault } from '../../domain/faults.js';
import { type Head, landed } from '../../domain/head.js';
import type { Entrances, HeadRead, Swap } from '../contract.js';
import { readByLog, show, swapByLog } from './commit-log.js';
import { headKey, putHeadAt, readHeadAt, shortLived, withoutConditions } from './head-object.js';
import { bare, type Store } from './store.js';
import { atStore, isConflict, isNotImplemented, isRefusal, type Trouble, troubleOf } from './trouble.js';

/*
 * Where the head does not say that its commits go by the log (`commit-log.ts`), one is one conditional PUT of `head.json`,
 * sent once. What came of it:
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
export async function readHead(store: Store): Promise<HeadRead | undefined> {
  return (await lookAtHead(store)).found;
}

/** The head, and what readers are shown. Before the first commit nobody knows yet which way it will go. */
async function lookAtHead(store: Store): Promise<{ readonly found?: HeadRead; readonly shown?: HeadRead }> {
  const shown = await readHeadAt(store, headKey);
  const isByLog = !shown || shown.head.commitsBy === 'log';
  const found = isByLog ? await readByLog(store, shown) : shown;
  store.places.follow(found?.head);
  return { found, shown };
}

type EtagForm = 'as shown' | 'bare';

/** Refusals in a row, in both forms, of a head that is shown unmoved. */
const mostUnmoved = 3;

export class Commits {
  readonly #store: Store;
  #form: EtagForm = 'as shown';
  #unmoved = 0;
  /** The newest head as it was read last, when readers were shown an older one. */
  #unseen: HeadRead | undefined;

  constructor(store: Store) {
    this.#store = store;
  }

  async readHead(): Promise<HeadRead | undefined> {
    const { found, shown } = await lookAtHead(this.#store);
    this.#unseen = found?.head.seq === shown?.head.seq ? undefined : found;
    return found;
  }

  /** What readers are shown, as it was seen when the head was read last. */
  get entrances(): Entrances {
    return {
      lost: async () => (this.#unseen ? [headKey] : []),
      mend: async () => {
        const [store, unseen] = [this.#store, this.#unseen];
        if (unseen) await atStore(store.place, () => show(store, unseen));
        this.#unseen = undefined;
      },
    };
  }

  async swapHead(next: Head, base: string | undefined): Promise<Swap> {
    const swap = await this.#swap(next, base);
    if (swap === 'landed') this.#store.places.follow(next);
    return swap;
  }

  async #swap(next: Head, base: string | undefined): Promise<Swap> {
    if (next.commitsBy === 'log') return await swapByLog(this.#store, next, base);
    if (this.#store.singleWriter) return await this.#swapAlone(next, base);
    const first = await this.#attempt(next, base);
    if (base === undefined) return first.swap;
    if (!first.isUnmoved) return this.#unlessStuck(first, base);
    // Refused although the head is what we said it is: perhaps it wants the ETag in its other form.
    this.#form = this.#form === 'bare' ? 'as shown' : 'bare';
    return this.#unlessStuck(await this.#attempt(next, base), base);
  }

  /** A stale read makes a moved head look unmoved, but not each time. */
  #unlessStuck({ swap, isUnmoved }: Told, base: string): Swap {
    this.#unmoved = isUnmoved ? this.#unmoved + 1 : 0;
    if (this.#unmoved < mostUnmoved) return swap;
    const message = `origin ${this.#store.place} refuses every commit on the head with ETag ${base}, and shows that very head: does something on the way change ETags, as proxies that compress do?`;
    throw new Fault('origin-unfit', message);
  }

  async #attempt(next: Head, base: string | undefined): Promise<Told> {
    const condition =
      base === undefined ? { IfNoneMatch: '*' } : { IfMatch: this.#form === 'bare' ? bare(base) : base };
    try {
      await this.#send(next, condition);
      return { swap: 'landed', isUnmoved: false };
    } catch (error) {
      const trouble = troubleOf(error);
      if (!trouble) throw error;
      return await this.#readBack(next, base, { trouble, error });
    }
  }

  /** Nobody else moves the head, so looking first is enough; a store without conditions has nothing better. */
  async #swapAlone(next: Head, base: string | undefined): Promise<Swap> {
    if ((await readHeadAt(this.#store, headKey))?.version !== base) return 'lost';
    try {
      await this.#send(next, {});
      return 'landed';
    } catch (error) {
      const trouble = troubleOf(error);
      if (!trouble) throw error;
      return (await this.#readBack(next, base, { trouble, error })).swap;
    }
  }

  async #send(head: Head, condition: { IfMatch?: string; IfNoneMatch?: string }): Promise<void> {
    const to = { client: this.#store.commits, key: headKey, cacheControl: shortLived };
    await putHeadAt(this.#store, { ...to, head, condition });
  }

  async #readBack(next: Head, base: string | undefined, { trouble, error }: Said): Promise<Told> {
    const isDefinite = isRefusal(trouble);
    if (isDefinite && !isConflict(trouble)) throw error;
    if (isNotImplemented(trouble)) throw withoutConditions(this.#store, error);
    let now: HeadRead | undefined;
    try {
      now = await readHeadAt(this.#store, headKey);
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
