import { Fault } from '../domain/faults.js';
import { outagePauseMs } from '../domain/outage.js';
import { windowLabel } from '../domain/window.js';
import type { Condemning, Origin, Stored } from '../origins/contract.js';
import type { Source } from '../sources/contract.js';
import type { Night } from './night.js';

/*
 * The one place where a run waits for a store that is away: every call of origin and source goes through `Outage.reach`,
 * which makes it again while its fault `passes` and there is time. All who find the store away wait for the same pause,
 * each in the place it has, so nothing is begun meanwhile that was not begun before.
 *
 *   reachable ──fault that passes──► away ──an answer to a call begun since──► reachable
 *                                     └──the time is over, or a stop──► the fault, as if nobody had waited
 *
 * A store that never answered is more likely misspelt than away: nobody waits for one that neither this run nor the state
 * has met. Rejected: more attempts in the S3 client, which knows neither window nor stop and tells nobody.
 */
export interface Patience {
  /** Milliseconds since the epoch. */
  readonly until: number;
  readonly random: () => number;
}

/** The same night, bearing that its origin or source is away for a while. */
export function bearingOutages(night: Night, patience: Patience | undefined): Night {
  if (!patience) return night;
  const [origin, source] = [new Outage(night, 'origin', patience), new Outage(night, 'source', patience)];
  return {
    ...night,
    origin: patientOrigin(night.origin, origin),
    source: patientSource(night.source, source),
    waitedMs: () => origin.waitedMs + source.waitedMs,
  };
}

/** Somebody asked the run to stop while it could do nothing but wait or fail. */
export function isStoppedAway(night: Night, error: unknown): boolean {
  return night.stop.asked.aborted && error instanceof Fault && error.passes;
}

class Outage {
  readonly #night: Night;
  readonly #what: 'origin' | 'source';
  readonly #patience: Patience;
  #isMet: boolean;
  /** Since it was reached last; 0: it is reachable. */
  #failures = 0;
  #since = 0;
  #waitedMs = 0;
  #pause: Promise<void> | undefined;

  constructor(night: Night, what: 'origin' | 'source', patience: Patience) {
    this.#night = night;
    this.#what = what;
    this.#patience = patience;
    this.#isMet = night.state.origin() !== undefined;
  }

  /** Of the time that this night took, what nothing was done in but wait. */
  get waitedMs(): number {
    return this.#waitedMs + (this.#failures > 0 ? this.#night.clock() - this.#since : 0);
  }

  async reach<T>(call: () => Promise<T>): Promise<T> {
    for (;;) {
      await this.#pause;
      const round = this.#failures;
      try {
        const answer = await this.#unlessStopped(call);
        this.#answered(round);
        return answer;
      } catch (error) {
        if (!this.bears(error)) throw error;
        await this.rest(error);
        if (this.#night.stop.asked.aborted) throw error;
      }
    }
  }

  bears(error: unknown): error is Fault {
    const isTime = this.#night.clock() < this.#patience.until && !this.#night.stop.asked.aborted;
    return isTime && this.#isMet && error instanceof Fault && error.passes;
  }

  /** One pause for all who are refused before it is over. */
  async rest(fault: Fault): Promise<void> {
    this.#pause ??= this.#restOnce(fault).finally(() => {
      this.#pause = undefined;
    });
    await this.#pause;
  }

  async #restOnce({ message }: Fault): Promise<void> {
    const { until, random } = this.#patience;
    const { job, clock, emit, pause, stop } = this.#night;
    if (++this.#failures === 1) {
      this.#since = clock();
      const zone = job.window.timezone;
      emit({ type: 'away', what: this.#what, until, label: windowLabel(until, zone), zone, message });
    }
    await pause(Math.min(outagePauseMs(this.#failures, random), until - clock()), stop.asked);
  }

  /** An answer to what was asked before the last failure says nothing of now. */
  #answered(round: number): void {
    this.#isMet = true;
    if (this.#failures === 0 || round !== this.#failures) return;
    const waitedMs = this.#night.clock() - this.#since;
    this.#waitedMs += waitedMs;
    this.#failures = 0;
    this.#night.emit({ type: 'back', what: this.#what, waitedMs });
  }

  /** A call to a store that is away may hang for a minute: a stop leaves it behind. What it still stores harms nobody. */
  async #unlessStopped<T>(call: () => Promise<T>): Promise<T> {
    if (this.#failures === 0) return await call();
    const { asked } = this.#night.stop;
    let leave = () => {};
    const left = new Promise<never>((_, reject) => {
      leave = () => reject(new Fault(`${this.#what}-unreachable`, 'stopped while it was away', { passes: true }));
    });
    if (asked.aborted) leave();
    asked.addEventListener('abort', leave, { once: true });
    try {
      return await Promise.race([left, asked.aborted ? left : call()]);
    } finally {
      asked.removeEventListener('abort', leave);
    }
  }
}

function patientOrigin(origin: Origin, outage: Outage): Origin {
  const { probe, moves, condemning } = origin;
  return {
    ...origin,
    readHead: () => outage.reach(() => origin.readHead()),
    swapHead: async (next, base) => {
      try {
        return await origin.swapHead(next, base);
      } catch (error) {
        if (!origin.lateSwaps || !outage.bears(error)) throw error;
        await outage.rest(error);
        return 'lost'; // it was refused and will not land: who lost looks again, and makes another commit on what is there
      }
    },
    readManifest: (digest) => outage.reach(() => origin.readManifest(digest)),
    putManifest: (digest, bytes) => outage.reach(() => origin.putManifest(digest, bytes)),
    blobBytes: (name) => outage.reach(() => origin.blobBytes(name)),
    putBlob: (name, from) => outage.reach(() => origin.putBlob(name, from)),
    hashBlob: (name) => outage.reach(() => origin.hashBlob(name)),
    condemnBlob: (name) => outage.reach(() => origin.condemnBlob(name)),
    remove: (keys) => outage.reach(() => origin.remove(keys)),
    listStored: () => listPatiently(origin, outage),
    condemning: condemning && patientLists(condemning, outage),
    moves: moves && ((names) => outage.reach(() => moves(names))),
    probe: probe && { ...probe, look: (options) => outage.reach(() => probe.look(options)) },
  };
}

/** From the start each time: what has been listed may have changed meanwhile. */
async function* listPatiently(origin: Origin, outage: Outage): AsyncGenerator<Stored> {
  const all = await outage.reach(async () => {
    const stored: Stored[] = [];
    for await (const object of origin.listStored()) stored.push(object);
    return stored;
  });
  yield* all;
}

function patientLists(condemning: Condemning, outage: Outage): Condemning {
  return {
    putList: (list) => outage.reach(() => condemning.putList(list)),
    readList: (list) => outage.reach(() => condemning.readList(list)),
    pruneLists: (keep, olderThan) => outage.reach(() => condemning.pruneLists(keep, olderThan)),
  };
}

function patientSource(source: Source, outage: Outage): Source {
  return {
    scan: () => outage.reach(() => source.scan()),
    list: (key) => outage.reach(() => source.list(key)),
    stage: (key, file) => outage.reach(() => source.stage(key, file)),
  };
}
