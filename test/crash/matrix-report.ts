import type { Observed } from '../support/readers.js';
import { table, writeSection } from './reliability.js';

/** One disturbance at one point of a night, and what became of that night. */
export interface Cell {
  readonly point: string;
  readonly fault: string;
  /** What the run that was disturbed ended with: an exit code, or the signal that killed it. */
  readonly ended: string;
  /** The head had moved by then. */
  readonly moved: boolean;
  /** Runs until the night was what an undisturbed one is; all but one are called with `--now`. */
  readonly runs: number;
  /** How often an item was handed to a worker in this night → how many items. */
  readonly handedOut: Readonly<Record<string, number>>;
  /** Items handed out although a checkpoint held them. */
  readonly again: number;
  readonly violations: readonly string[];
}

export interface MatrixReport {
  readonly date: string;
  readonly seconds: number;
  readonly points: readonly string[];
  readonly faults: readonly { readonly name: string; readonly how: string }[];
  readonly cells: readonly Cell[];
  readonly observed: readonly Observed[];
  readonly violations: readonly string[];
}

/** Markdown: a row a fault, a column a point, in each cell what the disturbed run ended with. */
export function matrixText(report: MatrixReport): string {
  const { points, faults, cells } = report;
  const cellOf = (fault: string, point: string) => cells.find((cell) => cell.fault === fault && cell.point === point);
  const rows = faults.map(({ name, how }) => [
    name,
    how,
    ...points.map((point) => cellText(cellOf(name, point))),
    handedOut(cells.filter(({ fault }) => fault === name)),
  ]);
  const header = ['fault', 'how', ...points.map((point) => `\`${point}\``), 'items handed out'];
  return table(header, rows);
}

function cellText(cell: Cell | undefined): string {
  if (!cell) return '';
  const marks = `${cell.moved ? '*' : ''}${cell.runs > 1 ? '+' : ''}`;
  return `${cell.ended}${marks}${cell.violations.length > 0 ? ' **VIOLATION**' : ''}`;
}

function handedOut(cells: readonly Cell[]): string {
  const sums = new Map<string, number>();
  for (const cell of cells)
    for (const [times, items] of Object.entries(cell.handedOut)) sums.set(times, (sums.get(times) ?? 0) + items);
  return [...sums]
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([times, items]) => `${items}: ${times}×`)
    .join(', ');
}

export function summaryText({ cells, seconds, observed, violations }: MatrixReport): string {
  const looks = observed.reduce((sum, one) => sum + one.looks, 0);
  const blobs = observed.reduce((sum, one) => sum + one.blobs, 0);
  const again = cells.reduce((sum, cell) => sum + cell.again, 0);
  const wrong = [
    ...violations,
    ...cells.flatMap(({ fault, point, violations: all }) => all.map((what) => `${fault} at ${point}: ${what}`)),
  ];
  return [
    `${cells.length} cells in ${seconds} s; ${again} items made again although a checkpoint held them; readers: ${looks.toLocaleString('en-US')} looks, ${blobs.toLocaleString('en-US')} blobs hashed; ${wrong.length === 0 ? 'no violation' : `${wrong.length} VIOLATIONS`}`,
    ...wrong.map((what) => `  ${what}`),
  ].join('\n');
}

/** Puts the table between the two marks of docs/RELIABILITY.md. */
export async function writeMatrix(report: MatrixReport): Promise<void> {
  await writeSection('matrix', `${report.date}: ${summaryText(report)}.\n\n${matrixText(report)}`);
}
