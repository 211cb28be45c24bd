import type { Digest, ItemId } from '../domain/types.js';
import type { Mark, State } from '../state/contract.js';
import type { Emit } from './events.js';

const commitEveryMs = 200;

/**
 * Gathers finished facts and commits them in short batches: one fsync for many items, and never more than 200 ms of
 * finished work at risk. A mark is added only when what it states is already durable at the origin.
 *
 * A commit that fails must stop the night (a lost checkpoint is lost work), so `onError` is told at once.
 */
export class Checkpoint {
  readonly #state: State;
  readonly #emit: Emit;
  readonly #onError: (error: unknown) => void;
  #marks: Mark[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(state: State, emit: Emit, onError: (error: unknown) => void) {
    this.#state = state;
    this.#emit = emit;
    this.#onError = onError;
  }

  add(...marks: readonly Mark[]): void {
    this.#marks.push(...marks);
    this.#timer ??= setTimeout(() => this.#flushOnTime(), commitEveryMs);
  }

  /** Commits, if what was made under this fingerprint is only added yet: the state then knows of it. */
  flushMade(fingerprint: Digest): void {
    if (this.#marks.some((mark) => mark.kind === 'made' && mark.made.fingerprint === fingerprint)) this.flush();
  }

  /** Commits what was added so far; when it returns, all of it is durable. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const marks = this.#marks;
    if (marks.length === 0) return;
    this.#marks = [];
    this.#state.commit(marks);
    const items = marks.flatMap((mark): ItemId[] => (mark.kind === 'ended' ? [mark.item] : []));
    if (items.length > 0) this.#emit({ type: 'checkpointed', items });
  }

  #flushOnTime(): void {
    try {
      this.flush();
    } catch (error) {
      this.#onError(error);
    }
  }
}
