import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Result } from '../../src/domain/result.js';
import type { Job, Recipe } from '../../src/domain/types.js';
import type { Edge } from '../../src/edges/contract.js';
import { onChannel } from '../../src/engine/channel.js';
import type { RunRequest } from '../../src/engine/deciding.js';
import type { NightEvent } from '../../src/engine/events.js';
import type { Night } from '../../src/engine/night.js';
import { runNight } from '../../src/engine/run.js';
import type { Attempt, ExecutorKind } from '../../src/executors/contract.js';
import type { Origin } from '../../src/origins/contract.js';
import { origins } from '../../src/origins/index.js';
import type { WorkOrder } from '../../src/processors/contract.js';
import { processors, recipeKinds } from '../../src/processors/index.js';
import { directory as directorySource } from '../../src/sources/directory/index.js';
import { holdLock } from '../../src/state/lock.js';
import { openState } from '../../src/state/open.js';

/** Thrown by an event listener: the process "died" there, nothing after it happened. */
export class Killed extends Error {}

const dayMs = 86_400_000;

/**
 * A whole night in this process: real files, real SQLite, a real origin and the real copy processor, run by an
 * executor without processes; the clock is ours. It starts at noon UTC of the next day: ahead of the real one, so that
 * listings are settled, and outside every window of the night.
 */
export class NightWorld {
  readonly root = mkdtempSync(path.join(tmpdir(), 'nightpress-night-'));
  readonly events: NightEvent[] = [];
  /** Attempts per key, over all runs. */
  readonly executed = new Map<string, number>();
  now = (Math.floor(Date.now() / dayMs) + 1.5) * dayMs;
  job: Job;
  stateName = 'work';
  stop = new AbortController();
  /** Keys whose work is refused, as if they could not be decoded. */
  readonly broken = new Set<string>();
  workers = 2;
  edges: readonly Edge[] = [];
  /** Real processes, instead of the executor without any. */
  executors: ExecutorKind | undefined;
  onEvent: (event: NightEvent) => void = () => undefined;
  /** Called at the end of every pause; the clock has gone on. */
  onPause: () => void = () => undefined;
  onExecute: (order: WorkOrder) => void = () => undefined;

  constructor(job: Partial<Job> = {}) {
    mkdirSync(path.join(this.root, 'media'));
    this.job = {
      name: 'world',
      file: path.join(this.root, 'jobs/world.ts'),
      source: { type: 'directory', path: path.join(this.root, 'media') },
      window: { cron: '0 2 * * *', timezone: 'UTC', lengthMs: 4 * 3_600_000 },
      recipes: [copyRecipe('all', '**/*')],
      priorities: [],
      gate: { tolerate: { share: 1 }, shrink: { share: 0.5 } },
      onDeadline: 'publish',
      publish: { at: 'done' },
      origin: { type: 'directory', path: path.join(this.root, 'public') },
      keep: { last: 14, withinMs: 30 * dayMs },
      ...job,
    };
  }

  put(key: string, text: string): void {
    const file = path.join(this.root, 'media', key);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }

  remove(key: string): void {
    rmSync(path.join(this.root, 'media', key));
  }

  nextDay(): void {
    this.now += dayMs;
  }

  /** One call of `run`, by a new process as far as anything can tell. */
  async run(request: RunRequest = {}): Promise<Result> {
    const state = openState(path.join(this.root, this.stateName));
    try {
      return await runNight(await this.night(state), request);
    } finally {
      state.close();
    }
  }

  async night(state: Night['state']): Promise<Night> {
    this.stop = new AbortController();
    return {
      job: this.job,
      state,
      source: directorySource.open(this.job.source, () => this.now),
      origin: await this.openOrigin(state),
      edges: this.edges,
      executors: this.executors ?? this.ownExecutors(),
      recipeKinds,
      processor: async (kind) => {
        const load = processors[kind];
        if (!load) throw new Error(`no processor '${kind}'`);
        return await load();
      },
      folder: path.join(this.root, this.stateName),
      workers: this.workers,
      clock: () => this.now,
      pause: async (ms) => {
        this.now += ms;
        this.onPause();
      },
      emit: (event) => {
        this.events.push(event);
        this.onEvent(event);
      },
      stop: { asked: this.stop.signal, now: new AbortController().signal, graceMs: 1000, signal: () => 'SIGTERM' },
    };
  }

  /** The job's own; with a state as a run opens it, without one as a command about snapshots does. */
  async openOrigin(state?: Night['state']): Promise<Origin> {
    const kind = await origins[this.job.origin.type]?.();
    if (!kind) throw new Error(`no origin '${this.job.origin.type}'`);
    return onChannel(kind.open(this.job.origin, { holdLock, uploads: state?.uploads }), this.job.channel);
  }

  of<T extends NightEvent['type']>(type: T): Extract<NightEvent, { type: T }>[] {
    return this.events.filter((event): event is Extract<NightEvent, { type: T }> => event.type === type);
  }

  close(): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  private ownExecutors(): ExecutorKind {
    return {
      open: () => ({
        execute: (order) => this.execute(order),
        kill: async () => undefined,
        close: async () => undefined,
      }),
      reap: async () => [],
    };
  }

  private async execute(order: WorkOrder): Promise<Attempt> {
    const { key } = order.input;
    this.executed.set(key, (this.executed.get(key) ?? 0) + 1);
    this.onExecute(order);
    if (this.broken.has(key)) {
      const finding = { code: 'decode-failed', severity: 'error', class: 'input', message: 'made to fail' } as const;
      return { kind: 'finished', result: { ok: false, finding } };
    }
    await mkdir(order.outbox, { recursive: true });
    const processor = await processors[order.kind]?.();
    if (!processor) throw new Error(`no processor '${order.kind}'`);
    const context = {
      sniffed: { type: 'text/plain' },
      progress: () => undefined,
      signal: new AbortController().signal,
    };
    return { kind: 'finished', result: await processor.work(order, context) };
  }
}

export function copyRecipe(name: string, match: string, extra: Partial<Recipe> = {}): Recipe {
  const kind = recipeKinds.copy;
  if (!kind) throw new Error('no copy recipe');
  return {
    name,
    kind: 'copy',
    match: [match],
    path: '{key}',
    settings: {},
    limits: kind.limits,
    priority: 0,
    ...extra,
  };
}
