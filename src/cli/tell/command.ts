import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { errno } from '../../domain/faults.js';

export interface CommandCall {
  readonly words: readonly [string, ...string[]];
  /** Everything on its stdin. */
  readonly input: string;
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  /** Milliseconds of wall clock. */
  readonly withinMs: number;
  /** Nobody wants to wait any more. */
  readonly cancel: AbortSignal;
}

/** Of what it prints, enough to see what was wrong. */
const keptCharacters = 500;

/** Longer than the pipes of a killed group take to close. */
const drainMs = 1000;

/**
 * Runs a command that is not ours, in a process group of its own, and returns what was wrong with it in words that follow
 * its name; undefined: exit code 0. Never throws, takes no longer than `withinMs` (and a second), and leaves nothing of
 * the group behind: what it started in the background ends with it.
 */
export async function runCommand(call: CommandCall): Promise<string | undefined> {
  const child = start(call);
  if (typeof child === 'string') return child;
  const endGroup = () => killGroup(child);
  process.once('exit', endGroup);
  const lastWords = listenTo(child);
  const closed = new Promise<void>((resolve) => void child.once('close', () => resolve()));
  try {
    const trouble = await endOf(child, call);
    endGroup();
    if (trouble === undefined) return undefined;
    await Promise.race([closed, delay(drainMs, undefined, { ref: false })]);
    return `${trouble}${lastWords()}`;
  } finally {
    process.off('exit', endGroup);
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy();
    child.unref();
  }
}

function start({ words, input, folder, env }: CommandCall): ChildProcess | string {
  const [program, ...args] = words;
  try {
    const child = spawn(program, args, { cwd: folder, env, detached: true, stdio: 'pipe' });
    child.stdin.on('error', () => undefined); // it need not read what it is told
    child.stdin.end(input);
    return child;
  } catch (error) {
    return notStarted(program, error); // too long a command line, no more descriptors
  }
}

function notStarted(program: string, error: unknown): string {
  return `cannot be started: ${program} (${errno(error) ?? String(error)})`;
}

function endOf(child: ChildProcess, { words, withinMs, cancel }: CommandCall): Promise<string | undefined> {
  return new Promise((resolve) => {
    const late = () => settle(`took longer than ${withinMs / 1000} s and was killed`);
    const cancelled = () => settle('was killed: a signal came');
    const timer = setTimeout(late, withinMs);
    const settle = (trouble: string | undefined) => {
      clearTimeout(timer);
      cancel.removeEventListener('abort', cancelled);
      resolve(trouble);
    };
    child.once('error', (error) => settle(notStarted(words[0], error)));
    child.once('exit', (code, signal) => {
      if (code === 0) settle(undefined);
      else settle(code === null ? `was ended by ${signal}` : `ended with exit code ${code}`);
    });
    if (cancel.aborted) cancelled();
    else cancel.addEventListener('abort', cancelled, { once: true });
  });
}

/** Its end is remembered, the rest read and dropped: a command that prints for ever must not wait for us, nor fill us. */
function listenTo({ stdout, stderr }: ChildProcess): () => string {
  let text = '';
  const keep = (stream: Readable | null) =>
    stream?.setEncoding('utf8').on('data', (more: string) => {
      text = `${text}${more}`.slice(-keptCharacters);
    });
  keep(stdout);
  keep(stderr);
  return () => {
    const last = text.trim().split('\n').at(-1);
    return last ? `: ${last.trim()}` : '';
  };
}

/** The kernel gives the number of a group to no one else while a member is left; without one there is nobody to end. */
function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // nobody is left, or (macOS) only zombies are
  }
}
