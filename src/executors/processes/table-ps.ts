import { execFileSync } from 'node:child_process';
import type { ProcessTable } from './table.js';

/** Asks `ps`, the one way that every other system knows. Each look starts a process, so looks are rare. */
export const psTable: ProcessTable = {
  lookEveryMs: 2000,
  startTime: (pid) => list().find((row) => row.pid === pid)?.startedAt,
  family: (pid) => live(pid),
  group: (pgid) => live(pgid),
  marked: () => [],
  /** Without its leader a group cannot be recognised here, and strangers must not be killed. */
  isStill: ({ pgid, startedAt }) => list().some((row) => row.pid === pgid && row.startedAt === startedAt),
};

interface Row {
  readonly pid: number;
  readonly pgid: number;
  readonly zombie: boolean;
  readonly memoryBytes: number;
  readonly startedAt: string;
}

/** A worker leads its group, so its family by descent is found by the group's number too. */
function live(pgid: number): readonly Row[] {
  return list().filter((row) => row.pgid === pgid && !row.zombie);
}

function list(): readonly Row[] {
  const columns = 'pid=,pgid=,stat=,rss=,lstart=';
  const env = { ...process.env, LC_ALL: 'C', TZ: 'UTC' }; // start times are compared with those that others wrote down
  const text = execFileSync('ps', ['-A', '-o', columns], { encoding: 'latin1', env });
  return text.split('\n').flatMap((line) => {
    const [, pid, pgid, state, kilobytes, startedAt] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(\d+)\s+(.+?)\s*$/.exec(line) ?? [];
    if (!startedAt) return [];
    const zombie = state?.startsWith('Z') ?? false;
    return [{ pid: Number(pid), pgid: Number(pgid), zombie, memoryBytes: Number(kilobytes) * 1024, startedAt }];
  });
}
