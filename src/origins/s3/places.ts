import type { Placement } from '../../domain/condemned.js';
import type { Head } from '../../domain/head.js';
import { whereLies } from '../../domain/moved.js';
import type { Digest } from '../../domain/types.js';

/**
 * Where things lie by the head that was read or written last. Reading asks `moved` alone. Whoever stores, or asks whether
 * something may be named, also minds what is condemned; the lists are read when this is first asked, and each only once:
 * they never change.
 */
export class Places {
  readonly #lists = new Map<Digest, readonly string[]>();
  #head: Pick<Head, 'moved' | 'gc'> | undefined;
  #condemned: Promise<ReadonlySet<string>> | undefined;

  /** Undefined: there is no head yet. */
  follow(head: Head | undefined): void {
    this.#head = head ?? {};
    this.#condemned = undefined;
  }

  /** False: nobody has looked for a head yet. */
  get isKnown(): boolean {
    return this.#head !== undefined;
  }

  /** Where the bytes that `key` names are looked for. */
  lies(key: string): string {
    return whereLies(this.#head?.moved, key);
  }

  async placement(readList: (list: Digest) => Promise<readonly string[]>): Promise<Placement> {
    const { moved, gc } = this.#head ?? {};
    this.#condemned ??= this.#read(gc?.lists.map(({ list }) => list) ?? [], readList);
    const reading = this.#condemned;
    try {
      return { moved, condemned: await reading };
    } catch (error) {
      if (this.#condemned === reading) this.#condemned = undefined; // whoever asks next may have more luck
      throw error;
    }
  }

  async #read(lists: readonly Digest[], readList: (list: Digest) => Promise<readonly string[]>) {
    const missing = lists.filter((list) => !this.#lists.has(list));
    await Promise.all(missing.map(async (list) => this.#lists.set(list, await readList(list))));
    return new Set(lists.flatMap((list) => this.#lists.get(list) ?? []));
  }
}
