import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setPriority } from 'node:os';
import { Duplex, type Readable } from 'node:stream';
import { Fault } from '../../domain/faults.js';
import { markName, newMark } from './mark.js';
import { channelFd } from './protocol.js';

export interface Spawned {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly channel: Duplex;
  readonly stderr: Readable;
  /** In the environment of everything it starts. */
  readonly mark: string;
}

/** JavaScript objects only: pictures live outside this heap, and the order's memory limit covers both. */
export const heapMegabytes = 512;

const niceness = 10;

/**
 * What a worker may know of our environment. Credentials are not in it, nor is HOME: a user's own fonts and presets
 * would change bytes, and tools would write their caches there.
 */
const inherited = ['PATH', 'NIGHTPRESS_FFMPEG', 'NIGHTPRESS_FFPROBE'];

const fixed = {
  LANG: 'C.UTF-8',
  TZ: 'UTC',
  // One item at a time needs one thread to compute and one to read; two malloc arenas keep them from hoarding memory.
  UV_THREADPOOL_SIZE: '2',
  MALLOC_ARENA_MAX: '2',
  VIPS_CONCURRENCY: '1',
  VIPS_BLOCK_UNTRUSTED: '1',
};

/** Starts a process that leads its own session and process group. */
export async function spawnWorker(entry: string): Promise<Spawned> {
  const mark = newMark();
  const child = startProcess(entry, mark);
  const { pid, stderr } = child;
  if (pid === undefined) {
    const [cause] = await once(child, 'error');
    throw notStarted(cause);
  }
  const channel = child.stdio[channelFd];
  if (!stderr || !(channel instanceof Duplex)) throw new Error('a worker was started without its pipes');
  lowerPriority(pid);
  return { child, pid, channel, stderr, mark };
}

export function workerEnvironment(ours: NodeJS.ProcessEnv): Record<string, string> {
  const kept = inherited.flatMap((name) => (ours[name] === undefined ? [] : [[name, ours[name]] as const]));
  return { ...Object.fromEntries(kept), ...fixed };
}

function startProcess(entry: string, mark: string): ChildProcess {
  try {
    return spawn(process.execPath, [`--max-old-space-size=${heapMegabytes}`, entry], {
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
      env: { ...workerEnvironment(process.env), [markName]: mark },
    });
  } catch (cause) {
    throw notStarted(cause);
  }
}

function notStarted(cause: unknown): Fault {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new Fault('executor-failed', `no worker process can be started from ${process.execPath}: ${reason}`, {
    cause,
  });
}

/** Done before the process has threads: on Linux each thread has its own priority and hands it to those it starts. */
function lowerPriority(pid: number): void {
  try {
    setPriority(pid, niceness);
  } catch {
    // Either the process has ended already, which its exit tells, or work merely competes with the rest of the machine.
  }
}
