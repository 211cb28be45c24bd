import { type Result, toldItems } from '../../domain/result.js';
import type { Finding } from '../../domain/types.js';
import { liveLine } from './result.js';
import { bytes, count, duration, printable, short } from './units.js';

const mostFindings = 50;

/** A run as a page for people who did not start it: GitHub's step summary. */
export function resultMarkdown(result: Result): string {
  const { assets, derivatives } = result;
  const live = result.live
    ? `\`${short(result.live.snapshot)}\`, seq ${result.live.seq}`
    : liveLine(null, result.lastSeen);
  return page(`${result.job}: ${result.run || result.fault ? result.outcome : 'nothing to do'}`, [
    table([
      ['window', result.window?.label ?? 'none'],
      [result.channel ?? 'live', live],
      ['assets', counts({ ...assets })],
      ['items', counts({ ...toldItems(result) })],
      ['made', `${count(derivatives.made, 'derivative')}, ${bytes(derivatives.bytes)}; ${derivatives.reused} reused`],
      ['time', duration(result.durationMs)],
    ]),
    ...(result.fault ? [`**${escaped(result.fault.message)}**`] : []),
    ...(result.held ?? []).map(({ rule, message }) => `Held by **${escaped(rule)}**: ${escaped(message)}`),
    findingsMarkdown(result.findings),
  ]);
}

export function page(title: string, parts: readonly string[]): string {
  return [`### nightpress: ${escaped(title)}`, ...parts.filter((part) => part !== '')].join('\n\n').concat('\n');
}

/** The first row is the head where `head` says so; GitHub wants one in any case. */
export function table(rows: readonly (readonly string[])[], head?: readonly string[]): string {
  const columns = head ?? (rows[0] ?? []).map(() => '');
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(columns), line(columns.map(() => '---')), ...rows.map(line)].join('\n');
}

export function findingsMarkdown(findings: readonly Finding[]): string {
  if (findings.length === 0) return '';
  const worst = [...findings.filter(isError), ...findings.filter((finding) => !isError(finding))];
  const rows = worst
    .slice(0, mostFindings)
    .map(({ severity, key = '', message, code }) => [severity, escaped(key), escaped(message), escaped(code)]);
  const more = findings.length - rows.length;
  const rest = more > 0 ? `\n\nand ${count(more, 'more finding')}` : '';
  return `${table(rows, ['', 'asset', 'finding', 'code'])}${rest}`;
}

function isError({ severity }: Finding): boolean {
  return severity === 'error';
}

/** `12 total, 3 done`: what is zero is not said. */
export function counts(numbers: Readonly<Record<string, number>>): string {
  const said = Object.entries(numbers).filter(([, n]) => n > 0);
  return said.map(([word, n]) => `${n.toLocaleString('en-US')} ${word}`).join(', ') || 'none';
}

/** Nothing in a name may become markup, a link or the end of a cell. */
export function escaped(text: string): string {
  return printable(text).replace(/[&<>|`*_~[\]\\#@!()]/g, (char) => `&#${char.charCodeAt(0)};`);
}
