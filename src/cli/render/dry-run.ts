import type { Hold } from '../../domain/gate.js';
import type { Result } from '../../domain/result.js';
import type { Measured } from '../../engine/measure.js';
import type { Terminal } from '../terminal.js';
import { escaped, findingsMarkdown, page, table } from './markdown.js';
import { renderFindings } from './result.js';
import { bytes, count, duration, printable } from './units.js';

/** The outcome record of a dry run over chosen assets: a result, and what only a dry run knows. `live` is always null. */
export interface DryRunRecord extends Result {
  readonly dryRun: Measured & {
    readonly chosen: {
      readonly assets: number;
      /** Everything in the source. */
      readonly of: number;
      /** Chosen, but matched by no recipe. */
      readonly unmatched: number;
      /** Lines of `--files-from` that lie in the source, but are not there any more; and those that lie elsewhere. */
      readonly gone: number;
      readonly outside: number;
    };
    readonly failOn: string;
    readonly errors: { readonly total: number; readonly new: number };
    readonly holds: readonly Hold[];
    /** The folder with what was made, under its public paths. */
    readonly look: string | null;
    /** The temporary folder, when it was not removed: its log tells the findings' story, or `try` left there what it made. */
    readonly kept: string | null;
  };
}

export function renderDryRun(terminal: Terminal, record: DryRunRecord, isTry = false): void {
  const { dryRun, fault, findings, log } = record;
  terminal.out(
    `${record.job}  ${isTry ? 'try' : 'dry run'}: ${verdict(terminal, record, isTry)}  ${terminal.paint('dim', `in ${duration(record.durationMs)}`)}`,
  );
  if (fault) terminal.out(`  ${terminal.paint('red', 'cause')}     ${printable(fault.message)}`);
  terminal.out(`  chosen    ${chosenLine(dryRun.chosen)}`);
  for (const { recipe, items, bytesIn, bytesOut, ms, formats } of dryRun.recipes) {
    terminal.out(
      `  ${recipe.padEnd(9)} ${count(items, 'item')}, ${bytes(bytesIn)} in, ${bytes(bytesOut)} out${share(bytesIn, bytesOut)}, ${duration(ms)}`,
    );
    for (const { ext, derivatives, bytes: size } of formats)
      terminal.out(`            ${ext || 'no extension'}: ${count(derivatives, 'derivative')}, ${bytes(size)}`);
  }
  dryRun.slowest.forEach(({ key, recipe, ms }, index) => {
    terminal.out(`  ${index === 0 ? 'slowest' : '       '}   ${duration(ms).padEnd(8)} ${printable(key)} (${recipe})`);
  });
  renderFindings(terminal, findings);
  for (const { rule, message } of dryRun.holds)
    terminal.out(`  ${terminal.paint('yellow', 'gate')}      would hold: ${rule}: ${printable(message)}`);
  if (dryRun.look) terminal.out(`  look at   ${printable(dryRun.look)}`);
  if (log) terminal.out(`  log       ${printable(log)}`);
  if (dryRun.kept) {
    const why = log ? ', because of the findings' : '';
    terminal.out(`  kept      ${printable(dryRun.kept)}${why}; delete it when you have seen enough`);
  }
}

function verdict({ paint }: Terminal, record: DryRunRecord, isTry: boolean): string {
  const { errors, failOn } = record.dryRun;
  if (record.fault || record.outcome === 'interrupted') return paint('red', `${record.outcome}, nothing was published`);
  if (record.run === null) return 'no asset was chosen, nothing was processed';
  const known = errors.total - errors.new;
  const found =
    errors.total === 0 ? 'no errors' : `${count(errors.total, 'error')}${known > 0 ? `, ${known} known before` : ''}`;
  const how = isTry ? '' : `--fail-on ${failOn}: `; // which is no option of try
  return `${paint(record.exit === 0 ? 'green' : 'red', found)}, nothing was published (${how}exit ${record.exit})`;
}

function chosenLine({ assets, of, unmatched, gone, outside }: DryRunRecord['dryRun']['chosen']): string {
  const rest = [
    ...(unmatched > 0 ? [`${unmatched} matched by no recipe`] : []),
    ...(gone > 0 ? [`${gone} listed but not there`] : []),
    ...(outside > 0 ? [`${count(outside, 'path')} outside the source ignored`] : []),
  ];
  return [`${assets.toLocaleString('en-US')} of ${count(of, 'asset')}`, ...rest].join('; ');
}

function share(bytesIn: number, bytesOut: number): string {
  return bytesIn > 0 ? ` (${Math.round((bytesOut / bytesIn) * 100)} %)` : '';
}

export function dryRunMarkdown(record: DryRunRecord): string {
  const { dryRun, job } = record;
  const recipes = dryRun.recipes.flatMap(({ recipe, items, bytesIn, bytesOut, ms, formats }) => [
    [escaped(recipe), String(items), bytes(bytesIn), bytes(bytesOut), duration(ms)],
    ...formats.map(({ ext, derivatives, bytes: size }) => [
      `&nbsp;&nbsp;${escaped(ext)}`,
      String(derivatives),
      '',
      bytes(size),
      '',
    ]),
  ]);
  const slowest = dryRun.slowest.map(({ key, recipe, ms }) => [duration(ms), escaped(key), escaped(recipe)]);
  return page(`dry run of ${job}: ${record.exit === 0 ? 'passed' : 'failed'}`, [
    `${chosenLine(dryRun.chosen)}. ${count(dryRun.errors.total, 'error')}, ${dryRun.errors.new} new. Nothing was published.`,
    ...(record.fault ? [`**${escaped(record.fault.message)}**`] : []),
    recipes.length > 0 ? table(recipes, ['recipe', 'count', 'in', 'out', 'time']) : '',
    slowest.length > 0 ? table(slowest, ['slowest', 'asset', 'recipe']) : '',
    ...dryRun.holds.map(({ rule, message }) => `The gate would hold: **${rule}**: ${escaped(message)}`),
    findingsMarkdown(record.findings),
  ]);
}
