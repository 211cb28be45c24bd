import { paceOf, type Queued } from '../domain/expect.js';
import type { ItemRow } from '../state/contract.js';
import { type Night, workClock } from './night.js';

/** Often enough for people; the clock is also looked at before every item. */
const lookEveryMs = 1000;
/** As many as the pace is taken from. */
const endedKept = 200;
/** A forecast that is bad only once may be one slow item. */
const looksAtRisk = 3;
/** When so little ended by then that there is no pace, the items are long, and what was predicted is all that is known. */
const paceWithinMs = 60_000;

export interface Due {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Predicted seconds of everything that is left. */
  readonly remainingSeconds: number;
  /** Called once, `night.stop.graceMs` after the deadline: what is in flight then will not make it. */
  readonly onGraceOver: () => void;
}

/**
 * Keeps an eye on the deadline of a run by the wall clock, so that a clock that jumps or a machine that slept is no
 * excuse: says once, with figures, when the night will not be through in time, and when it is over.
 */
export class DeadlineWatch {
  readonly #night: Night;
  readonly #due: Due | undefined;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #startedAt: number;
  #ended: Queued[] = [];
  #remainingSeconds: number;
  #looksAtRisk = 0;
  #isGraceOver = false;

  /** Without `due` nothing is ever late. */
  constructor(night: Night, due: Due | undefined) {
    this.#night = night;
    this.#due = due;
    this.#startedAt = workClock(night);
    this.#remainingSeconds = due?.remainingSeconds ?? 0;
    if (due) this.#timer = setInterval(() => this.#look(due), lookEveryMs).unref();
  }

  /** Nothing more may be begun. */
  get isOver(): boolean {
    return this.#due !== undefined && this.#night.clock() >= this.#due.at;
  }

  ended({ predictedSeconds }: ItemRow): void {
    this.#ended = [...this.#ended.slice(1 - endedKept), { predictedSeconds, endedAt: workClock(this.#night) }];
    this.#remainingSeconds -= predictedSeconds;
    if (this.#due) this.#look(this.#due);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(due: Due): void {
    const now = this.#night.clock();
    if (now >= due.at + this.#night.stop.graceMs && !this.#isGraceOver) {
      this.#isGraceOver = true;
      due.onGraceOver();
    }
    const expectedAt = this.#expectedAt(due, now);
    if (expectedAt === undefined || this.#looksAtRisk >= looksAtRisk) return;
    this.#looksAtRisk = expectedAt > due.at ? this.#looksAtRisk + 1 : 0;
    if (this.#looksAtRisk < looksAtRisk) return;
    const leftShare = (expectedAt - due.at) / (expectedAt - now);
    this.#night.emit({ type: 'at-risk', deadline: due.at, expectedAt, leftShare: Math.min(1, leftShare) });
  }

  #expectedAt(due: Due, now: number): number | undefined {
    const worked = workClock(this.#night);
    const pace = paceOf(this.#ended, worked);
    if (pace !== undefined) return now + this.#remainingSeconds * pace * 1000;
    if (worked - this.#startedAt < paceWithinMs) return undefined;
    const predictedEnd = this.#startedAt + (due.remainingSeconds / this.#night.workers) * 1000;
    return now + Math.max(0, predictedEnd - worked);
  }
}
