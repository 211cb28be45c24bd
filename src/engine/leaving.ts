import { setMaxListeners } from 'node:events';
import type { StopSwitch } from './night.js';

/** A store that is well answers a question in less. */
const questionMs = 2000;

/** What a stop leaves behind when it hangs: a question soon, what carries work that would be lost when the grace is over. */
export type Call = 'question' | 'work';

/** Of one night: what hangs is left behind when somebody asked it to stop. */
export class Leaving {
  readonly #stop: StopSwitch;
  #askedAt: number | undefined;

  constructor(stop: StopSwitch) {
    this.#stop = stop;
    setMaxListeners(0, stop.asked, stop.now); // one for each call under way
    const note = () => {
      this.#askedAt = performance.now();
    };
    if (stop.asked.aborted) note();
    stop.asked.addEventListener('abort', note, { once: true });
  }

  /** The answer, or what `why` returns, thrown. A question that is asked after the stop has its time, too: items in flight need it. */
  async unless<T>(call: () => Promise<T>, kind: Call | 'at once', why: () => unknown): Promise<T> {
    const { asked, now } = this.#stop;
    if (now.aborted || (kind === 'at once' && asked.aborted)) throw why();
    let leave = () => {};
    const left = new Promise<never>((_, reject) => {
      leave = () => reject(why());
    });
    let timer: NodeJS.Timeout | undefined;
    const onAsked = () => {
      timer = setTimeout(leave, this.#leftMs(kind));
    };
    if (asked.aborted) onAsked();
    asked.addEventListener('abort', onAsked, { once: true });
    now.addEventListener('abort', leave, { once: true });
    try {
      return await Promise.race([left, call()]);
    } finally {
      clearTimeout(timer);
      asked.removeEventListener('abort', onAsked);
      now.removeEventListener('abort', leave);
    }
  }

  #leftMs(kind: Call | 'at once'): number {
    const { graceMs } = this.#stop;
    if (kind === 'at once') return 0;
    if (kind === 'question') return Math.min(questionMs, graceMs);
    return Math.max(0, graceMs - (performance.now() - (this.#askedAt ?? performance.now())));
  }
}
