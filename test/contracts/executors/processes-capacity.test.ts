import { describe, expect, test } from 'vitest';
import { defaultWorkers } from '../../../src/executors/processes/capacity.js';

const gb = 2 ** 30;
const meminfo = (bytes: number) => `MemTotal: 99 kB\nMemFree: 1 kB\nMemAvailable:   ${Math.round(bytes / 1024)} kB\n`;

const machine = (files: Readonly<Record<string, string>>, processors = 8, totalBytes = 64 * gb) => ({
  processors,
  totalBytes,
  read: (file: string) => files[file],
});

describe('the default number of workers', () => {
  test.each<[string, number, Readonly<Record<string, string>>]>([
    ['is the number of processors where nothing else limits', 8, {}],
    ['is bounded by a gigabyte of available memory each', 3, { '/proc/meminfo': meminfo(3.9 * gb) }],
    ['is never less than one', 1, { '/proc/meminfo': meminfo(0.2 * gb) }],
    [
      'rounds the quota of a version 2 group up',
      3,
      { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': '250000 100000\n' },
    ],
    [
      'takes no quota for none',
      8,
      { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': 'max 100000\n', '/sys/fs/cgroup/memory.max': 'max\n' },
    ],
    [
      'heeds every group around its own',
      2,
      {
        '/proc/self/cgroup': '0::/system.slice/night.service\n',
        '/sys/fs/cgroup/system.slice/cpu.max': '200000 100000\n',
        '/sys/fs/cgroup/system.slice/night.service/cpu.max': '400000 100000\n',
      },
    ],
    [
      'counts page cache of a version 2 group as free',
      4,
      {
        '/proc/self/cgroup': '0::/a\n',
        '/sys/fs/cgroup/a/memory.max': `${6 * gb}\n`,
        '/sys/fs/cgroup/a/memory.current': `${5 * gb}\n`,
        '/sys/fs/cgroup/a/memory.stat': `anon ${2 * gb}\nactive_file 7\ninactive_file ${3 * gb}\n`,
      },
    ],
    [
      'reads version 1 groups, also where a container hides the named path',
      2,
      {
        '/proc/self/cgroup': '4:memory:/docker/0a1b\n2:cpu,cpuacct:/docker/0a1b\n0::/\n',
        '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '150000\n',
        '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
        '/sys/fs/cgroup/memory/memory.limit_in_bytes': `${9 * gb}\n`,
        '/sys/fs/cgroup/memory/memory.usage_in_bytes': `${gb}\n`,
      },
    ],
    [
      'is not limited by the numbers that stand for no limit in version 1',
      8,
      {
        '/proc/self/cgroup': '4:memory:/\n2:cpu:/\n',
        '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n',
        '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
        '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
        '/sys/fs/cgroup/memory/memory.usage_in_bytes': `${gb}\n`,
      },
    ],
  ])('%s', (_, workers, files) => {
    expect(defaultWorkers(machine(files))).toBe(workers);
  });

  test('takes half of the memory where the system does not say what is available', () => {
    expect(defaultWorkers(machine({}, 8, 8 * gb))).toBe(4);
  });

  test('is at least one on this machine', () => {
    expect(defaultWorkers()).toBeGreaterThanOrEqual(1);
  });
});
