import pLimit from 'p-limit';
import { Fault } from '../../domain/faults.js';
import { installed } from '../../installation.js';
import type { WorkOrder } from '../../processors/contract.js';
import type { Attempt, Executor, ExecutorKind, ExecutorOptions } from '../contract.js';
import type { Death } from './death.js';
import { reapGroups } from './group.js';
import type { ProcessTable } from './table.js';
import { tableOfThisMachine } from './this-machine.js';
import { WorkerProcess } from './worker-process.js';

export interface ProcessesOptions {
  /** Absolute path of the worker's main module, as `node` runs it. */
  readonly entry: string;
  readonly table?: ProcessTable;
}

/** Workers are processes of this machine: what kills one of them costs one attempt. */
export function createProcessesKind({ entry, table = tableOfThisMachine() }: ProcessesOptions): ExecutorKind {
  return {
    open: (options) => new LocalExecutor(options, { entry, table }),
    reap: (groups) => reapGroups(table, groups),
  };
}

/** A worker is a process of its own and runs what was built, whoever starts it. */
export const kind: ExecutorKind = createProcessesKind({ entry: installed('dist', 'bundle', 'worker.js') });

const maxStarts = 3;

class LocalExecutor implements Executor {
  readonly #options: ExecutorOptions;
  readonly #place: Required<ProcessesOptions>;
  readonly #slots: <T>(call: () => Promise<T>) => Promise<T>;
  readonly #calls = new Set<Promise<Attempt>>();
  readonly #workers = new Set<WorkerProcess>();
  readonly #idle: WorkerProcess[] = [];
  #killed = false;
  #closed = false;

  constructor(options: ExecutorOptions, place: Required<ProcessesOptions>) {
    this.#options = options;
    this.#place = place;
    this.#slots = pLimit(options.workers);
  }

  execute(order: WorkOrder): Promise<Attempt> {
    if (this.#closed) return Promise.reject(new Fault('executor-failed', 'the executor is closed: expected no order'));
    const call = this.#slots(() => this.#attempt(order));
    this.#calls.add(call);
    const forget = () => this.#calls.delete(call);
    call.then(forget, forget);
    return call;
  }

  async #attempt(order: WorkOrder): Promise<Attempt> {
    const worker = await this.#workerFor(order);
    if ('how' in worker) return worker;
    try {
      return await worker.run(order);
    } finally {
      if (worker.isAlive) this.#idle.push(worker);
    }
  }

  async #workerFor(order: WorkOrder): Promise<WorkerProcess | Death> {
    const idle = this.#idle.pop();
    if (idle?.suits(order)) return idle;
    await idle?.end();
    for (let starts = 1; ; starts++) {
      if (this.#killed)
        return { kind: 'died', how: 'stopped', detail: 'the executor was killed before the work began' };
      const worker = await this.#hire();
      const death = await worker.ready();
      if (!death) return worker;
      if (death.how === 'stopped') return death;
      // Nothing was handed out yet, so the fault is ours; but any process may be killed by somebody else once.
      if (starts === maxStarts) throw notReady(this.#place.entry, death);
    }
  }

  async #hire(): Promise<WorkerProcess> {
    const worker = await WorkerProcess.spawn({ ...this.#place, onGone: (gone) => this.#release(gone) });
    this.#workers.add(worker);
    try {
      this.#options.onStart(worker.group);
    } catch (error) {
      await worker.end();
      throw error;
    }
    if (this.#killed) await worker.stop();
    return worker;
  }

  #release(worker: WorkerProcess): void {
    this.#options.onEnd(worker.group);
    this.#workers.delete(worker);
  }

  async kill(): Promise<void> {
    this.#killed = true;
    // A group that does not go rejects the call that waits for it, and `close`.
    await Promise.allSettled([...this.#workers].map((worker) => worker.stop()));
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#calls);
    await Promise.all([...this.#workers].map((worker) => worker.end()));
  }
}

function notReady(entry: string, { detail, log = '' }: Death): Fault {
  const said = /^.*error.*$/im.exec(log)?.[0];
  const reason = said ? `${detail}: ${said.trim()}` : detail;
  return new Fault('executor-failed', `no worker starts (${reason}), expected ${entry} to be built and to run`);
}
