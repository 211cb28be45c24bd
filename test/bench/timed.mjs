import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

/**
 * CPU seconds (user and system, children included) and wall seconds of one command, as the shell counts them. `env` is its
 * whole environment when given.
 */
export async function timed(command, { watchMemory = false, env = process.env } = {}) {
  const script = 'TIMEFORMAT="%U %S %R"; time "$@" 2>&3 3>&-';
  const stdio = ['ignore', 'pipe', 'pipe', 'pipe'];
  const child = spawn('bash', ['-c', script, 'bench', ...command], { stdio, env });
  const exit = new Promise((resolve) => child.once('exit', resolve));
  const peaks = { coordinator: 0, worker: 0 };
  const timer = watchMemory ? setInterval(() => notePeaks(child.pid, peaks), 100) : undefined;
  const [stdout, times, stderr] = await Promise.all(child.stdio.slice(1).map(textOf));
  clearInterval(timer);
  const [user, system, wall] = times.trim().split('\n').at(-1).split(' ').map(Number);
  return { cpu: user + system, wall, stdout, stderr, status: await exit, peaks };
}

async function textOf(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** VmHWM of the coordinator (child of the shell) and of its workers. Linux; elsewhere the figures stay 0. */
function notePeaks(shell, peaks) {
  for (const coordinator of childrenOf(shell)) {
    peaks.coordinator = Math.max(peaks.coordinator, peakOf(coordinator));
    for (const worker of childrenOf(coordinator)) peaks.worker = Math.max(peaks.worker, peakOf(worker));
  }
}

function childrenOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
  } catch {
    return []; // ended, or not Linux
  }
}

function peakOf(pid) {
  try {
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    return 0; // ended meanwhile
  }
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
