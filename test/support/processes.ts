import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { until } from './until.js';

/** A process that can still do something; zombies cannot. */
export interface Left {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/** Processes that work in `folder`: workers and tools inherit it. */
export function processesOf(folder: string): readonly Left[] {
  return processes().filter(({ pid }) => workingFolder(pid)?.startsWith(folder));
}

/** Everything that this process started, and what those started. */
export function descendantsOf(pid: number): readonly Left[] {
  const all = processes();
  const below = (parent: number): Left[] =>
    all.filter((one) => one.parent === parent).flatMap((one) => [one, ...below(one.pid)]);
  return below(pid);
}

/** Resolves when a process that stops itself stands still: continued any earlier, it would stop for ever afterwards. */
export async function standsStill(pid: number): Promise<void> {
  const state = () => execFileSync('ps', ['-o', 'state=', '-p', String(pid)], { encoding: 'utf8' }).trim();
  await until(() => state().startsWith('T') || undefined, `process ${pid} stands still`);
}

/** Kills them by number, and sees them gone. */
export async function endProcesses(folder: string): Promise<void> {
  for (const { pid } of processesOf(folder)) kill(pid);
  await until(() => processesOf(folder).length === 0 || undefined, `the processes of ${folder} are gone`);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // gone meanwhile
  }
}

function processes(): readonly Left[] {
  return process.platform === 'linux' ? processesOfLinux() : processesOfPs();
}

function processesOfLinux(): readonly Left[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      // `pid (name) state ppid …`; the name may hold anything, even brackets.
      const [state = 'Z', parent] = readFileSync(`/proc/${name}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ');
      const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      return 'ZX'.includes(state) ? [] : [{ pid: Number(name), parent: Number(parent), command }];
    } catch {
      return []; // ended between the two looks
    }
  });
}

function processesOfPs(): readonly Left[] {
  const rows = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,stat=,command='], { encoding: 'utf8' }).trim().split('\n');
  return rows.flatMap((row) => {
    const [, pid, parent, state, command = ''] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(row) ?? [];
    return state?.startsWith('Z') ? [] : [{ pid: Number(pid), parent: Number(parent), command }];
  });
}

function workingFolder(pid: number): string | undefined {
  try {
    if (process.platform === 'linux') return readlinkSync(`/proc/${pid}/cwd`);
    const text = execFileSync('lsof', ['-a', '-p', String(pid), '-d', 'cwd', '-Fn'], {
      encoding: 'utf8',
      stdio: 'pipe',
    });
    return /^n(.*)$/m.exec(text)?.[1];
  } catch {
    return undefined; // ended meanwhile, or another user's
  }
}
