import { isStorageFailure } from '../../domain/faults.js';
import type { WorkOrder, WorkResult } from '../../processors/contract.js';
import type { Attempt, ProcessGroup } from '../contract.js';
import { readMessage } from './answer.js';
import { type Death, death, exitDeath } from './death.js';
import { endGroup } from './group.js';
import { withMark } from './mark.js';
import { type Answer, type FromWorker, receive, send } from './protocol.js';
import { type Spawned, spawnWorker } from './spawn.js';
import type { ProcessTable } from './table.js';
import { type Breach, outputBreach, watch } from './watch.js';

export interface WorkerSetup {
  /** Absolute path of the worker's main module. */
  readonly entry: string;
  readonly table: ProcessTable;
  /** Called when no process of the group is left. */
  onGone(worker: WorkerProcess): void;
}

/** What can happen to a worker from which something is awaited; the first one counts. */
type Happening =
  | Exclude<FromWorker, { kind: 'progress' }>
  | { readonly kind: 'exited' }
  | { readonly kind: 'broken'; readonly detail: string }
  | { readonly kind: 'breach'; readonly breach: Breach }
  | { readonly kind: 'unwatchable'; readonly error: unknown }
  | { readonly kind: 'stopped' };

const startMs = 30_000;
const maxOrders = 500;
const keptStderr = 16_384;
/** Tools run at least this long; only after such orders is the whole machine searched for what they left. */
const thoroughMs = 1000;
/** What a worker gets to exit after its channel closed, and its pipes to run dry after its exit. */
const farewellMs = 500;

/**
 * One worker process, seen from the coordinator.
 *
 *   starting  spawned; `ready` is awaited
 *   idle      nothing is awaited
 *   busy      has one order; its answer, its exit, a passed limit, nonsense on the channel or our stop ends that
 *   ending    its group is being killed: the only way for a worker to end, whatever the reason
 *   gone      no process of its group is left
 *
 * Only `ready` and an answer lead to idle; everything else leads to ending, and from there is no way back. A death is
 * reported when the worker is gone, so that nothing writes into the outbox any more. Rejected: asking first (SIGTERM, a
 * message); nothing that an unwanted worker could still do is of use.
 */
export class WorkerProcess {
  readonly group: ProcessGroup;
  readonly #setup: WorkerSetup;
  readonly #spawned: Spawned;
  readonly #greeting: Promise<Happening>;
  readonly #closed: Promise<void>;
  #awaited: ((happening: Happening) => void) | undefined;
  #ending: Promise<void> | undefined;
  #stderr = '';
  #share = 0;
  #orders = 0;
  #memoryBytes = 0;

  static async spawn(setup: WorkerSetup): Promise<WorkerProcess> {
    return new WorkerProcess(setup, await spawnWorker(setup.entry));
  }

  private constructor(setup: WorkerSetup, spawned: Spawned) {
    this.#setup = setup;
    this.#spawned = spawned;
    // A process that is gone already needs no start time: there is nothing to recognise.
    const startedAt = setup.table.startTime(spawned.pid) ?? '';
    this.group = withMark({ pgid: spawned.pid, startedAt }, spawned.mark);
    this.#greeting = this.#next();
    this.#closed = new Promise((resolve) => spawned.child.once('close', () => resolve()));
    this.#listen(spawned);
  }

  #listen({ child, channel, stderr }: Spawned): void {
    child.once('exit', () => this.#happen({ kind: 'exited' }));
    receive(channel, (message) => this.#hear(message));
    channel.on('error', () => undefined); // `close` follows, and says all there is to say
    channel.once('close', () => {
      setTimeout(() => this.#happen({ kind: 'broken', detail: 'the worker closed its channel' }), farewellMs).unref();
    });
    stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-keptStderr);
    });
  }

  #hear(value: unknown): void {
    const read = readMessage(value);
    if (!read.ok) this.#happen({ kind: 'broken', detail: `the worker sent what is no message (${read.problem})` });
    else if (read.message.kind === 'progress') this.#share = read.message.share;
    else this.#happen(read.message);
  }

  #happen(happening: Happening): void {
    const tell = this.#awaited;
    this.#awaited = undefined;
    if (tell) tell(happening);
    else this.end().catch(() => undefined); // unasked; whoever closes the executor awaits the same end, and its error
  }

  #next(): Promise<Happening> {
    return new Promise((resolve) => {
      this.#awaited = resolve;
    });
  }

  /** Undefined: the worker takes orders. */
  async ready(): Promise<Death | undefined> {
    const impatience = setTimeout(
      () => this.#happen({ kind: 'broken', detail: `not ready after ${startMs} ms` }),
      startMs,
    );
    const happening = await this.#greeting;
    clearTimeout(impatience);
    return happening.kind === 'ready' ? undefined : await this.#die(happening);
  }

  /** Whether the worker may have this order: alive, not worn out, and what it holds leaves room for the work. */
  suits({ limits }: WorkOrder): boolean {
    return this.isAlive && this.#orders < maxOrders && this.#memoryBytes <= limits.memoryBytes / 2;
  }

  get isAlive(): boolean {
    return this.#ending === undefined;
  }

  async run(order: WorkOrder): Promise<Attempt> {
    if (!this.isAlive) return await this.#die({ kind: 'stopped' }); // between its `ready` and this call
    this.#orders += 1;
    this.#share = 0;
    this.#stderr = '';
    const startedAt = performance.now();
    const happening = await this.#outcome(order);
    if (happening.kind !== 'result' && happening.kind !== 'threw') return await this.#die(happening);
    const breach = await outputBreach(order); // what was written since the last look
    if (breach) return await this.#die({ kind: 'breach', breach });
    await this.#endIfNotAlone(performance.now() - startedAt);
    return { kind: 'finished', result: resultOf(happening) };
  }

  async #outcome(order: WorkOrder): Promise<Happening> {
    const stopWatching = watch({
      table: this.#setup.table,
      pid: this.#spawned.pid,
      order,
      onBreach: (breach) => this.#happen({ kind: 'breach', breach }),
      onError: (error) => this.#happen({ kind: 'unwatchable', error }),
    });
    const outcome = this.#next();
    send(this.#spawned.channel, { kind: 'order', order });
    const happening = await outcome;
    stopWatching();
    return happening;
  }

  /** A tool that outlives its order would work beside the next one. */
  async #endIfNotAlone(elapsedMs: number): Promise<void> {
    const { table } = this.#setup;
    const { pid, mark } = this.#spawned;
    const present = elapsedMs < thoroughMs ? table.family(pid) : [...table.group(pid), ...table.marked(mark)];
    this.#memoryBytes = present.find((one) => one.pid === pid)?.memoryBytes ?? 0;
    if (present.some((one) => one.pid !== pid)) await this.end();
  }

  /** Kills the group at once; what was awaited ends as `stopped`. Resolves when it is gone. */
  stop(): Promise<void> {
    this.#happen({ kind: 'stopped' });
    return this.end();
  }

  /** Kills the group. Resolves when it is gone; rejects with `executor-failed` if it does not go. */
  end(): Promise<void> {
    this.#ending ??= this.#finish();
    return this.#ending;
  }

  async #finish(): Promise<void> {
    const { pid, channel, stderr, mark } = this.#spawned;
    await endGroup(this.#setup.table, pid, mark);
    const impatience = setTimeout(() => {
      channel.destroy();
      stderr.destroy();
    }, farewellMs);
    await this.#closed;
    clearTimeout(impatience);
    this.#setup.onGone(this);
  }

  async #die(happening: Happening): Promise<Death> {
    await this.end();
    const { exitCode, signalCode } = this.#spawned.child;
    const remains = { exitCode, signalCode, stderr: this.#stderr };
    switch (happening.kind) {
      case 'exited':
        return exitDeath(remains);
      case 'stopped':
        return death('stopped', 'the executor was told to kill its workers', remains);
      case 'breach':
        return death(happening.breach.how, `${happening.breach.detail}${this.#headway()}`, remains);
      case 'broken':
        return death('crashed', happening.detail, remains);
      case 'unwatchable':
        throw happening.error;
      default:
        return death('crashed', `the worker said '${happening.kind}' unasked`, remains);
    }
  }

  #headway(): string {
    return this.#share === 0 ? '' : `; the work said it was at ${Math.round(this.#share * 100)} %`;
  }
}

/** The disk's trouble is nobody's finding: it is thrown, so that the night stops. */
function resultOf(answer: Answer): WorkResult {
  if (answer.kind === 'result') return answer.result;
  const { message, code, stack } = answer;
  const error = Object.assign(new Error(message), { code });
  if (isStorageFailure(error)) throw error;
  const finding = { code: 'processor-error', severity: 'error', class: 'infrastructure', message } as const;
  return { ok: false, finding, log: stack };
}
