import { readFile } from 'node:fs/promises';

/**
 * Begins to measure the CPU of tools; what it returns tells how much those used that have ended since, in milliseconds.
 *
 * Linux tells a process what its ended children used (`cutime` and `cstime` of `/proc/self/stat`, in ticks of 10 ms); a
 * worker does one item at a time, so the figure is the item's. Elsewhere the wall clock has to stand for it.
 */
export async function meterToolCpu(): Promise<() => Promise<number>> {
  const startedAt = performance.now();
  const before = await childTicks();
  return async () => {
    const after = await childTicks();
    if (before === undefined || after === undefined) return Math.round(performance.now() - startedAt);
    return (after - before) * 10;
  };
}

async function childTicks(): Promise<number | undefined> {
  if (process.platform !== 'linux') return undefined;
  const line = await readFile('/proc/self/stat', 'latin1');
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  return Number(fields[13]) + Number(fields[14]);
}
