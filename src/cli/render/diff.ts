import type { AssetDiff, DiffKind, DiffTotals, FileFacts, PathDiff } from '../../domain/snapshot-diff.js';
import type { SnapshotDiff } from '../../engine/compare.js';
import type { Terminal } from '../terminal.js';
import { bytes, count, printable, short } from './units.js';

const mostAssets = 40;
const signs: Readonly<Record<DiffKind, string>> = { added: '+', removed: '-', changed: '~' };
const colours = { added: 'green', removed: 'red', changed: 'yellow' } as const;

export function diffRecord(job: string, { before, after, totals, assets }: SnapshotDiff): object {
  return { type: 'diff', job, before: before ?? null, after, totals, assets };
}

export function renderDiff(terminal: Terminal, job: string, diff: SnapshotDiff): void {
  terminal.out(`${job}  ${diff.before ? short(diff.before) : 'nothing'} → ${short(diff.after)}`);
  renderTotals(terminal, diff.totals);
  const shown = terminal.verbose ? diff.assets : diff.assets.slice(0, mostAssets);
  for (const asset of shown) renderAsset(terminal, asset);
  const more = diff.assets.length - shown.length;
  if (more > 0) terminal.out(`  and ${count(more, 'more asset')}; -v shows all`);
}

/** Two lines: what differs in number and in weight. */
export function renderTotals(terminal: Terminal, { assets, paths, bytes: weight }: DiffTotals): void {
  terminal.out(`  assets    ${tally(assets)}`);
  terminal.out(`  paths     ${tally(paths)}; ${bytes(weight.before)} → ${bytes(weight.after)}`);
}

function tally({ added, removed, changed }: Readonly<Record<DiffKind, number>>): string {
  if (added + removed + changed === 0) return 'none differ';
  return `${added} added, ${removed} removed, ${changed} changed`;
}

function renderAsset({ out, paint }: Terminal, asset: AssetDiff): void {
  const notes = [
    ...(asset.carried ? ['carried forward'] : []),
    ...(asset.paths.length === 0 ? ['same bytes, other facts'] : []),
  ];
  out(
    `  ${paint(colours[asset.kind], signs[asset.kind])} ${printable(asset.key)}${notes.map((note) => `  (${note})`).join('')}`,
  );
  for (const path of asset.paths) out(`      ${signs[path.kind]} ${printable(path.path)}  ${pathFacts(path)}`);
}

function pathFacts({ before, after }: PathDiff): string {
  const sides = [before, after].filter((side) => side !== undefined);
  const facts = [(file: FileFacts) => bytes(file.bytes), pixels, seconds];
  return facts.flatMap((fact) => arrow(sides.map(fact))).join('  ');
}

/** `12 kB`, or `12 kB → 13 kB` where the sides differ; nothing where neither has it. */
function arrow(sides: readonly string[]): readonly string[] {
  const text = [...new Set(sides)].join(' → ');
  return text === '' ? [] : [text];
}

function pixels({ width, height }: FileFacts): string {
  return width === undefined || height === undefined ? '' : `${width}×${height}`;
}

function seconds({ duration }: FileFacts): string {
  return duration === undefined ? '' : `${duration.toFixed(1)} s`;
}
