import type { Digest } from '../domain/types.js';

/** Fingerprints in work right now. */
export class InFlight {
  readonly #work = new Map<Digest, Promise<void>>();
  readonly #halt: AbortSignal;

  /** `halt`: nobody waits any longer. */
  constructor(halt: AbortSignal) {
    this.#halt = halt;
  }

  /**
   * Waits until no equal item is in work, then takes its place; returns how to leave it. Undefined: the night ends first,
   * which also frees those who wait for an item that failed together with the night and never left.
   */
  async occupy(fingerprint: Digest): Promise<(() => void) | undefined> {
    for (let equal = this.#work.get(fingerprint); equal; equal = this.#work.get(fingerprint)) {
      await unlessHalted(equal, this.#halt);
      if (this.#halt.aborted) return undefined;
    }
    let release: () => void = () => undefined;
    const gone = new Promise<void>((resolve) => {
      release = () => {
        this.#work.delete(fingerprint);
        resolve();
      };
    });
    this.#work.set(fingerprint, gone);
    return release;
  }
}

async function unlessHalted(waiting: Promise<void>, halt: AbortSignal): Promise<void> {
  if (halt.aborted) return;
  await new Promise<void>((resolve) => {
    const leave = () => {
      halt.removeEventListener('abort', leave);
      resolve();
    };
    halt.addEventListener('abort', leave);
    void waiting.then(leave);
  });
}
