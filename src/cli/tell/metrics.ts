import { errno } from '../../domain/faults.js';
import { isSuccess, metricHelp, type RunMemory, type Sample, samplesOf } from '../../domain/metrics.js';
import type { Result } from '../../domain/result.js';
import { openState, stateExists } from '../../state/open.js';
import { replaceFile } from '../replace-file.js';

/** How one job of a command went; no result: the command did not come to it. */
export interface JobEnd {
  readonly job: string;
  /** The job's work folder. */
  readonly folder: string;
  readonly result: Result | undefined;
}

/**
 * Writes the metrics of these jobs for a textfile collector, in Prometheus' text format: the old file or the new one,
 * whole, readable for everybody. Returns why it was not written, if it was not; never throws.
 */
export async function writeMetrics(file: string, now: number, ends: readonly JobEnd[]): Promise<string | undefined> {
  try {
    const samples = ends.map(({ job, folder, result }) => ({ job, samples: samplesOf(now, result, recall(folder)) }));
    await replaceFile(file, await textOf(samples));
    return undefined;
  } catch (error) {
    return `metrics file ${file} was not written: ${errno(error) ?? String(error)}`;
  }
}

/** Rows looked through for the last success. */
const mostRuns = 1000;

/** A state that cannot be read is told by the exit code; here it only means that nothing is remembered. */
function recall(folder: string): RunMemory {
  if (!stateExists(folder)) return {};
  try {
    const state = openState(folder, { readOnly: true });
    try {
      const ended = state.runs(mostRuns).filter(({ outcome }) => outcome !== undefined && outcome !== 'superseded');
      const [newest] = ended;
      return {
        newest: newest && {
          endedAt: newest.endedAt ?? newest.startedAt,
          result: (newest.result ?? {}) as Partial<Result>,
        },
        lastSuccessAt: ended.find(isSuccess)?.endedAt,
      };
    } finally {
      state.close();
    }
  } catch {
    return {};
  }
}

/** prom-client is loaded here only: it is seldom asked for, and would make every command start later. */
async function textOf(jobs: readonly { readonly job: string; readonly samples: readonly Sample[] }[]): Promise<string> {
  const { Gauge, Registry } = await import('prom-client');
  const registry = new Registry();
  for (const [name, help] of Object.entries(metricHelp)) {
    const ours = jobs.flatMap(({ job, samples }) =>
      samples.filter((one) => one.name === name).map((one) => ({ job, ...one })),
    );
    if (ours.length === 0) continue;
    const labelNames = ['job', ...Object.keys(ours[0]?.labels ?? {})];
    const gauge = new Gauge({ name, help, labelNames, registers: [registry] });
    for (const { job, labels, value } of ours) gauge.set({ job, ...labels }, value);
  }
  return await registry.metrics();
}
