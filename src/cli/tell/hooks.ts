import { appendFileSync } from 'node:fs';
import { atRiskRecord, type Begun, type HookName, isToldToHooks, startRecord } from '../../domain/hook.js';
import type { Result } from '../../domain/result.js';
import type { Job } from '../../domain/types.js';
import type { NightEvent } from '../../engine/events.js';
import { logFileOf } from '../../engine/night.js';
import { printable } from '../render/units.js';
import { runCommand } from './command.js';

export interface HooksCall {
  readonly job: Job;
  /** The project's folder: where hooks run. */
  readonly project: string;
  /** The job's work folder: where the log of a run lies. */
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  readonly clock: () => number;
  /** One line for people. */
  readonly warn: (line: string) => void;
}

/**
 * The commands of the job file's `on`, one after the other beside the night, which waits for none of them before its end.
 * What is wrong with one is a line on stderr and in the run's log, and changes nothing else.
 */
export class JobHooks {
  readonly #call: HooksCall;
  readonly #cancelled = new AbortController();
  #begun: Begun | undefined;
  #calls: Promise<void> = Promise.resolve();

  constructor(call: HooksCall) {
    this.#call = call;
  }

  /** Hears what the night says. */
  hear(event: NightEvent): void {
    const { name } = this.#call.job;
    if (event.type === 'run') {
      this.#begun = event;
      this.#add('start', startRecord(name, event));
    }
    if (event.type === 'at-risk' && this.#begun) this.#add('atRisk', atRiskRecord(name, this.#begun, event));
  }

  /** Resolves when every hook has ended, or was killed. */
  async end(result: Result): Promise<void> {
    if (isToldToHooks(result)) {
      this.#add('end', result, { NIGHTPRESS_OUTCOME: result.outcome, NIGHTPRESS_EXIT: String(result.exit) });
    }
    await this.#calls;
  }

  /** Kills what runs, and keeps the others from being started. */
  cancel(): void {
    this.#cancelled.abort();
  }

  #add(name: HookName, record: object, more: NodeJS.ProcessEnv = {}): void {
    const words = this.#call.job.on?.[name];
    if (words) this.#calls = this.#calls.then(() => this.#run(name, { words, record, more }));
  }

  async #run(
    name: HookName,
    { words, record, more }: { words: readonly [string, ...string[]]; record: object; more: NodeJS.ProcessEnv },
  ): Promise<void> {
    const { job, project, env } = this.#call;
    const trouble = await runCommand({
      words,
      input: `${JSON.stringify(record)}\n`,
      folder: project,
      env: { ...env, NIGHTPRESS_HOOK: name, NIGHTPRESS_JOB: job.name, NIGHTPRESS_RUN: this.#begun?.run, ...more },
      withinMs: job.on?.withinMs ?? 0,
      cancel: this.#cancelled.signal,
    });
    if (trouble !== undefined) this.#warn(`hook ${name} of '${job.name}' ${printable(trouble)}`);
  }

  #warn(message: string): void {
    const { folder, clock, warn } = this.#call;
    warn(`warning: ${message}`);
    if (!this.#begun) return;
    const line = { at: new Date(clock()).toISOString(), type: 'warning', code: 'hook-failed', message };
    try {
      appendFileSync(logFileOf(folder, this.#begun.run), `${JSON.stringify(line)}\n`);
    } catch {
      // people were told on stderr; a log that cannot be written was told when the night closed it
    }
  }
}
