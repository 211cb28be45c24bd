import type { Observed } from '../support/readers.js';

export interface Kill {
  readonly round: number;
  readonly victim: 'coordinator' | 'worker';
  readonly afterMs: number;
  /** The last event that the run told before the kill. */
  readonly moment: string;
  /** What became of the run that was hit: `SIGKILL`, or how it ended before the kill or in spite of it. */
  readonly outcome: string;
}

export interface Report {
  readonly seed: number;
  readonly rounds: number;
  readonly seconds: number;
  readonly kills: readonly Kill[];
  /** How often an item of one night was handed out → how many items. */
  readonly executions: Readonly<Record<string, number>>;
  readonly observed: readonly Observed[];
  readonly violations: readonly string[];
}

/** For people: at which moments it was killed and what became of the run, what was made, what readers saw. */
export function reportText(report: Report): string {
  const { seed, kills, rounds, seconds, executions, observed, violations } = report;
  const made = Object.entries(executions).map(([times, items]) => `${items} items ${times}×`);
  const readers = observed.map(
    ({ looks, snapshots, blobs, outrun }) =>
      `  reader   ${looks} looks, ${snapshots} snapshots, ${blobs} blobs hashed, outrun ${outrun}×`,
  );
  return [
    `torture: ${kills.length} kills in ${rounds} nights, seed ${seed}, ${seconds} s`,
    ...momentRows(kills),
    `  handed out in a night: ${made.join(', ') || 'nothing'}`,
    ...readers,
    violations.length === 0 ? '  no violation' : `  ${violations.length} VIOLATIONS`,
    ...violations.map((violation) => `    ${violation}`),
    '',
  ].join('\n');
}

function momentRows(kills: readonly Kill[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const { moment, victim, outcome } of kills) {
    const row = `${victim.padEnd(12)} after ${moment.padEnd(16)} → ${outcome}`;
    counts.set(row, (counts.get(row) ?? 0) + 1);
  }
  return [...counts].sort().map(([row, count]) => `  ${String(count).padStart(4)} ${row}`);
}
