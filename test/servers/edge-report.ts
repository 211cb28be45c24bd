import { table, writeSection } from '../crash/reliability.js';
import type { SeenAtEdge } from './edge-reader.js';

export interface EdgeReport {
  readonly date: string;
  readonly seed: number;
  readonly publishes: number;
  readonly seconds: number;
  /** By how much `seq` grew. */
  readonly commits: number;
  readonly counts: readonly (readonly [what: string, times: number])[];
  readonly readers: readonly (SeenAtEdge & { readonly name: string })[];
  readonly violations: readonly string[];
}

export function edgeText(report: EdgeReport): string {
  const { date, seed, publishes, seconds, commits, counts, readers, violations } = report;
  const end = violations.length === 0 ? 'no violation' : `${violations.length} VIOLATIONS`;
  const header = ['reader', 'looks', 'snapshots', 'nodes', 'blobs hashed', 'older heads refused'];
  return [
    `${date}, seed ${seed}: ${publishes} publishes (${commits} commits) in ${seconds} s; ${end}.`,
    ...violations.map((what) => `  ${what}`),
    '',
    table(['what happened', 'times'], counts),
    '',
    table(
      header,
      readers.map((one) => [one.name, one.looks, one.snapshots, one.nodes, one.blobs, one.refused]),
    ),
  ].join('\n');
}

export async function writeEdges(report: EdgeReport): Promise<void> {
  await writeSection('edges', edgeText(report));
}
