import { Fault } from '../domain/faults.js';
import { outagePauseMs } from '../domain/outage.js';
import { windowLabel } from '../domain/window.js';
import type { Condemning, Origin, Stored, Swap } from '../origins/contract.js';
import type { Source } from '../sources/contract.js';
import { type Call, Leaving } from './leaving.js';
import type { Night } from './night.js';

/*
 * The one place where a run waits for a store that is away: every call of origin and source goes through `Outage.reach`,
 * which makes it again while its fault `passes` and there is time. All who find the store away wait for the same pause,
 * each in the place it has, so nothing is begun meanwhile that was not begun before.
 *
 *   reachable ──fault that passes──► away ──an answer to a call begun since──► reachable
 *                                     └──the time is over, or a stop──► the fault, as if nobody had waited
 *
 * A stop also leaves calls behind that hang, whether the store was known to be away or not: questions soon, what carries
 * an item's bytes or a commit when the grace is over. Of a commit it is then not known whether it landed.
 *
 * A store that never answered is more likely misspelt than away: nobody waits for one that neither this run nor the state
 * has met. Rejected: more attempts in the S3 client, which knows neither window nor stop and tells nobody.
 */
export interface Patience {
  /** Milliseconds since the epoch. */
  readonly until: number;
  readonly random: () => number;
}

/** The same night, bearing that its origin or source is away for a while; without `patience` it only leaves what hangs. */
export function bearingOutages(night: Night, patience: Patience | undefined): Night {
  const parts = { night, patience, leaving: new Leaving(night.stop) };
  const [origin, source] = [new Outage('origin', parts), new Outage('source', parts)];
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

interface OutageParts {
  readonly night: Night;
  readonly patience: Patience | undefined;
  readonly leaving: Leaving;
}

class Outage {
  readonly #night: Night;
  readonly #what: 'origin' | 'source';
  /** Undefined: nothing is waited for. */
  readonly #patience: Patience | undefined;
  readonly #leaving: Leaving;
  #isMet: boolean;
  /** Since it was reached last; 0: it is reachable. */
  #failures = 0;
  #since = 0;
  #waitedMs = 0;
  #pause: Promise<void> | undefined;

  constructor(what: 'origin' | 'source', { night, patience, leaving }: OutageParts) {
    this.#night = night;
    this.#what = what;
    this.#patience = patience;
    this.#leaving = leaving;
    this.#isMet = night.state.origin() !== undefined;
  }

  /** Of the time that this night took, what nothing was done in but wait. */
  get waitedMs(): number {
    return this.#waitedMs + (this.#failures > 0 ? this.#night.clock() - this.#since : 0);
  }

  async reach<T>(call: () => Promise<T>, kind: Call = 'question'): Promise<T> {
    for (;;) {
      await this.#pause;
      const round = this.#failures;
      try {
        const answer = await this.#unlessStopped(call, kind);
        this.#answered(round);
        return answer;
      } catch (error) {
        if (!this.#patience || !this.#bears(error)) throw error;
        await this.#rest(error, this.#patience);
        if (this.#night.stop.asked.aborted) throw error;
      }
    }
  }

  #bears(error: unknown): error is Fault {
    const { clock, stop } = this.#night;
    const isTime = this.#patience !== undefined && clock() < this.#patience.until && !stop.asked.aborted;
    return isTime && this.#isMet && error instanceof Fault && error.passes;
  }

  /** One pause for all who are refused before it is over. */
  async #rest(fault: Fault, patience: Patience): Promise<void> {
    this.#pause ??= this.#restOnce(fault, patience).finally(() => {
      this.#pause = undefined;
    });
    await this.#pause;
  }

  async #restOnce({ message }: Fault, { until, random }: Patience): Promise<void> {
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

  /** A call may hang for minutes: a stop leaves it behind, at once when the store is away. What it still stores harms nobody. */
  async #unlessStopped<T>(call: () => Promise<T>, kind: Call): Promise<T> {
    const stopped = () => new Fault(`${this.#what}-unreachable`, 'stopped before it answered', { passes: true });
    return await this.#leaving.unless(call, this.#failures > 0 ? 'at once' : kind, stopped);
  }

  /** A commit that is left behind may land all the same. */
  async commit(call: () => Promise<Swap>): Promise<Swap> {
    const left = Symbol('left');
    try {
      return await this.#leaving.unless(call, 'work', () => left);
    } catch (error) {
      if (error === left) return 'unknown';
      if (!this.#patience || !this.#bears(error)) throw error;
      await this.#rest(error, this.#patience);
      return 'lost'; // it was refused and will not land: who lost looks again, and makes another commit on what is there
    }
  }
}

function patientOrigin(origin: Origin, outage: Outage): Origin {
  const { probe, moves, condemning } = origin;
  return {
    ...origin,
    readHead: () => outage.reach(() => origin.readHead()),
    swapHead: (next, base) =>
      origin.lateSwaps ? outage.commit(() => origin.swapHead(next, base)) : origin.swapHead(next, base),
    readManifest: (digest) => outage.reach(() => origin.readManifest(digest)),
    putManifest: (digest, bytes) => outage.reach(() => origin.putManifest(digest, bytes)),
    blobBytes: (name) => outage.reach(() => origin.blobBytes(name)),
    putBlob: (name, from) => outage.reach(() => origin.putBlob(name, from), 'work'),
    hashBlob: (name) => outage.reach(() => origin.hashBlob(name), 'work'),
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
    stage: (key, file, leave) => outage.reach(() => source.stage(key, file, leave), 'work'),
  };
}
