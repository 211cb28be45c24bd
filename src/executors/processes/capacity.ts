import { readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { errno } from '../../domain/faults.js';

/** What decides how many workers a machine bears; replaced in tests. */
export interface Machine {
  readonly processors: number;
  /** Where the system does not say what is free. */
  readonly totalBytes: number;
  /** Text of a file of `/proc` or `/sys`; undefined when there is none. */
  read(file: string): string | undefined;
}

/** A worker with a large picture, or with ffmpeg, at its peak. */
const bytesPerWorker = 2 ** 30;

/** One worker for each processor and each gigabyte that this process, inside its container, may use; at least one. */
export function defaultWorkers(machine: Machine = thisMachine): number {
  const processors = Math.min(machine.processors, ...quotas(machine).map(Math.ceil));
  const memory = Math.floor(Math.min(freeBytes(machine), ...allowances(machine)) / bytesPerWorker);
  return Math.max(1, Math.min(processors, memory));
}

const thisMachine: Machine = {
  processors: availableParallelism(),
  totalBytes: totalmem(),
  read: (file) => {
    try {
      return readFileSync(file, 'utf8');
    } catch (error) {
      if (errno(error) === 'ENOENT' || errno(error) === 'EACCES') return undefined;
      throw error;
    }
  },
};

/** Elsewhere than on Linux "free" leaves out what the system would give at once; half of all is the better guess. */
function freeBytes(machine: Machine): number {
  const kilobytes = /^MemAvailable:\s+(\d+) kB$/m.exec(machine.read('/proc/meminfo') ?? '')?.[1];
  return kilobytes ? Number(kilobytes) * 1024 : machine.totalBytes / 2;
}

/** Processors that each control group around us may keep busy. */
function quotas(machine: Machine): readonly number[] {
  const unified = groupFolders(machine, '').map((folder) => machine.read(`${folder}/cpu.max`)?.split(' '));
  const legacy = groupFolders(machine, 'cpu').map((folder) =>
    [machine.read(`${folder}/cpu.cfs_quota_us`), machine.read(`${folder}/cpu.cfs_period_us`)].map((text) => text ?? ''),
  );
  return [...unified, ...legacy].flatMap((limit) => {
    const [quota, period] = (limit ?? []).map(Number); // `max` and -1 stand for no limit
    return quota && period && quota > 0 ? [quota / period] : [];
  });
}

/** Bytes that each control group around us still has; page cache that it would give back counts as free. */
function allowances(machine: Machine): readonly number[] {
  const room = (limit: string | undefined, used: string | undefined, stat: string | undefined, cache: RegExp) => {
    const reclaimable = Number(cache.exec(stat ?? '')?.[1] ?? 0);
    const left = Number(limit ?? Number.NaN) - Number(used ?? 0) + reclaimable;
    return Number.isFinite(left) ? [left] : [];
  };
  const unified = groupFolders(machine, '').flatMap((folder) =>
    room(
      machine.read(`${folder}/memory.max`),
      machine.read(`${folder}/memory.current`),
      machine.read(`${folder}/memory.stat`),
      /^inactive_file (\d+)$/m,
    ),
  );
  const legacy = groupFolders(machine, 'memory').flatMap((folder) =>
    room(
      machine.read(`${folder}/memory.limit_in_bytes`),
      machine.read(`${folder}/memory.usage_in_bytes`),
      machine.read(`${folder}/memory.stat`),
      /^total_inactive_file (\d+)$/m,
    ),
  );
  return [...unified, ...legacy];
}

/**
 * Our control group and all around it, as mounted: version 2 without a controller's name, version 1 with it. Inside a
 * container the named path may not exist; then the folders around it, up to the mount itself, still do.
 */
function groupFolders(machine: Machine, controller: string): readonly string[] {
  const lines = (machine.read('/proc/self/cgroup') ?? '').split('\n');
  const line = lines.find((one) => (one.split(':')[1] ?? '?').split(',').includes(controller));
  if (line === undefined) return [];
  const parts = line.split(':').slice(2).join(':').split('/').filter(Boolean);
  const mount = ['/sys/fs/cgroup', controller].filter(Boolean).join('/');
  return [...parts.keys(), parts.length].map((depth) => [mount, ...parts.slice(0, depth)].join('/'));
}
