import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { errno } from '../../domain/faults.js';
import { markName } from './mark.js';
import type { LiveProcess, ProcessTable } from './table.js';

/** Reads procfs; formats as in proc(5). Synchronous, because these files are answered from memory. */
export const linuxTable: ProcessTable = {
  lookEveryMs: 250,

  startTime: (pid) => {
    const stat = statOf(pid);
    return stat && `${thisBoot()} ${stat.startTicks}`;
  },

  family: (pid) => (listsChildren ? descendants(pid).flatMap(live) : linuxTable.group(pid)),

  group: (pgid) => members(pgid).flatMap(({ pid }) => live(pid)),

  marked: (mark) => pids().flatMap((pid) => (environmentOf(pid).includes(`${markName}=${mark}`) ? live(pid) : [])),

  isStill: ({ pgid, startedAt }) => {
    const leader = statOf(pgid);
    if (leader) return startedAt === `${thisBoot()} ${leader.startTicks}`;
    // The kernel gives a number to no new process while a group or session bears it, so members without a leader are
    // what the leader left, if the machine is the same since and the session is the leader's own.
    return startedAt.startsWith(`${thisBoot()} `) && members(pgid).every(({ session }) => session === pgid);
  },
};

/** Some kernels are built without these lists. */
const listsChildren = existsSync(`/proc/self/task/${process.pid}/children`);

interface Stat {
  readonly pid: number;
  readonly zombie: boolean;
  readonly pgid: number;
  readonly session: number;
  /** Clock ticks since boot. */
  readonly startTicks: string;
}

/** Start ticks and process numbers mean something within one boot and one pid namespace (container) only. */
function thisBoot(): string {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  return `${boot} ${readlinkSync('/proc/self/ns/pid')}`;
}

function statOf(pid: number): Stat | undefined {
  const text = readIfThere(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  // The name in parentheses may itself hold spaces and parentheses; fields are counted from behind the last one.
  const [state, , pgid, session, ...rest] = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const zombie = state === 'Z' || state === 'X';
  return { pid, zombie, pgid: Number(pgid), session: Number(session), startTicks: rest[15] ?? '' };
}

function pids(): readonly number[] {
  return readdirSync('/proc').flatMap((name) => (/^[0-9]+$/.test(name) ? [Number(name)] : []));
}

/** Of strangers nothing can be read, and of zombies nothing is left. */
function environmentOf(pid: number): readonly string[] {
  try {
    return (readIfThere(`/proc/${pid}/environ`) ?? '').split('\0');
  } catch (error) {
    if (errno(error) !== 'EACCES' && errno(error) !== 'EPERM') throw error;
    return [];
  }
}

function members(pgid: number): readonly Stat[] {
  return pids().flatMap((pid) => {
    const stat = statOf(pid);
    return stat && stat.pgid === pgid && !stat.zombie ? [stat] : [];
  });
}

/** Any thread may have started a process; it is listed under that thread. */
function descendants(pid: number): readonly number[] {
  const children = threadsOf(pid).flatMap((thread) => {
    const list = readIfThere(`/proc/${pid}/task/${thread}/children`)?.trim();
    return list ? list.split(' ').map(Number) : [];
  });
  return [pid, ...children.flatMap(descendants)];
}

function threadsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch (error) {
    return noneIfGone(error) ?? [];
  }
}

function live(pid: number): readonly LiveProcess[] {
  const status = readIfThere(`/proc/${pid}/status`);
  const kilobytes = status && /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  return kilobytes ? [{ pid, memoryBytes: Number(kilobytes) * 1024 }] : []; // a zombie has no memory and no such line
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1');
  } catch (error) {
    return noneIfGone(error);
  }
}

/** Processes end while they are looked at: before the file is opened, or between opening and reading. */
function noneIfGone(error: unknown): undefined {
  if (errno(error) !== 'ENOENT' && errno(error) !== 'ESRCH') throw error;
  return undefined;
}
