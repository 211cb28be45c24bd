import { Fault } from '../../domain/faults.js';
import type { Result } from '../../domain/result.js';
import type { Project } from '../../job/load.js';
import { jobFolder } from '../compose.js';
import type { CommandContext } from '../context.js';
import { renderResult } from '../render/result.js';
import type { Terminal } from '../terminal.js';
import { writeMetrics } from './metrics.js';
import { openPing } from './ping.js';

export interface OutsideOptions {
  readonly pingUrl?: string;
  readonly metricsFile?: string;
}

/** What a command says to those who are told of it as a whole, however many jobs it runs. */
export interface Outside {
  /** A job's lock is held: work begins. */
  begun(): void;
  /** No result: another run holds the job, and this call was told to skip it. */
  ended(job: string, result: Result | undefined): void;
  /** A signal came when a job was through: the command goes on with no other. */
  stopped(): void;
  readonly isStopped: boolean;
}

interface OutsideCall {
  readonly context: CommandContext;
  readonly project: Project;
  readonly terminal: Terminal;
  readonly options: OutsideOptions;
}

/**
 * Does `work` and tells the dead-man switch and the metrics file how it went. Neither can change the exit code. A command
 * whose jobs were all skipped pings nobody: the run that holds them does. Throws `usage` for an address that is none.
 */
export async function toldOutside(
  call: OutsideCall,
  names: readonly (string | undefined)[],
  work: (outside: Outside) => Promise<number>,
): Promise<number> {
  const { terminal } = call;
  const options = forOutside(call);
  const ping = options.pingUrl === undefined ? undefined : openPing(options.pingUrl, terminal.note);
  const ends = new Map<string, Result | undefined>();
  const outside = listenOutside(ends, () => ping?.start());
  const exit = await orTold(
    () => work(outside),
    async (failed, body) => await ping?.end(failed, body),
  );
  if (options.metricsFile !== undefined) await measure(call, options.metricsFile, { names, ends });
  const results = [...ends.values()].filter((result) => result !== undefined);
  if (results.length > 0) await ping?.end(exit, results.map((result) => textOf(terminal, result)).join('\n'));
  return exit;
}

/** Whoever is told hears of what the site shows: a trial that goes well must not keep the switch of the live nights alive. */
function forOutside({ project, options, context }: OutsideCall): OutsideOptions {
  if (project.channel === undefined) return options;
  const isAsked = options.pingUrl !== context.env.NIGHTPRESS_PING_URL;
  const strange = options.metricsFile !== undefined ? '--metrics-file' : isAsked ? '--ping-url' : undefined;
  if (strange) throw new Fault('usage', `${strange} with --channel: expected it with nights that are live`);
  return {};
}

function listenOutside(ends: Map<string, Result | undefined>, begun: () => void): Outside {
  let isStopped = false;
  return {
    begun,
    ended: (job, result) => void ends.set(job, result),
    stopped: () => {
      isStopped = true;
    },
    get isStopped() {
      return isStopped;
    },
  };
}

/** Jobs that the command did not come to are in the file too, as they are remembered. */
async function measure(
  { context, project, terminal }: OutsideCall,
  file: string,
  told: { readonly names: readonly (string | undefined)[]; readonly ends: ReadonlyMap<string, Result | undefined> },
): Promise<void> {
  const jobs = new Set([...told.names.flatMap((name) => name ?? []), ...told.ends.keys()]);
  jobs.delete(''); // nobody could tell which job was meant
  if (jobs.size === 0) return;
  const ends = [...jobs].map((job) => ({ job, folder: jobFolder(project, job), result: told.ends.get(job) }));
  const trouble = await writeMetrics(file, context.clock(), ends);
  if (trouble) terminal.note(`warning: ${trouble}`);
}

/** What is thrown past every job ends the command too. */
async function orTold(
  work: () => Promise<number>,
  told: (exit: number, body: string) => Promise<void>,
): Promise<number> {
  try {
    return await work();
  } catch (error) {
    await told(error instanceof Fault ? error.exit : 1, error instanceof Error ? error.message : String(error));
    throw error;
  }
}

/** The summary as people see it, without colours. */
function textOf(terminal: Terminal, result: Result): string {
  const lines: string[] = [];
  const plain = { ...terminal, verbose: false, out: (line: string) => void lines.push(line) };
  renderResult({ ...plain, paint: (_, text) => text }, result, undefined);
  return lines.join('\n');
}
