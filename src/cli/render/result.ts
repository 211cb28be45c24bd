import { causesOf } from '../../domain/causes.js';
import { type LastSeen, type Result, type ToldCause, toldItems } from '../../domain/result.js';
import type { Finding } from '../../domain/types.js';
import type { Terminal } from '../terminal.js';
import { renderEdges } from './edges.js';
import { bytes, count, duration, leftText, printable, short } from './units.js';

const mostCauses = 10;

/** Told in the lines of the edges. */
const edgeCodes: readonly string[] = ['edge-not-told', 'edge-stale'];

/** The summary a person reads: verdict, what is live, what was done, what is wrong, what to do next. */
export function renderResult(terminal: Terminal, result: Result, where: string | undefined): void {
  const { paint } = terminal;
  terminal.out(`${verdict(terminal, result)}`);
  if (result.fault) terminal.out(`  ${paint('red', 'cause')}     ${printable(result.fault.message)}`);
  if (result.because) terminal.out(`  because   ${result.because}`);
  for (const hold of result.held ?? [])
    terminal.out(`  ${paint('yellow', 'held by')}   ${hold.rule}: ${printable(hold.message)}`);
  terminal.out(`  ${lineName(result.channel)} ${liveLine(result.live, result.lastSeen)}`);
  renderEdges(terminal, result.edges);
  if (result.run) renderCounts(terminal, result);
  renderFindings(
    terminal,
    result.findings.filter(({ code }) => !edgeCodes.includes(code)),
    result.causes,
  );
  if (where && result.live) terminal.out(`  look at   ${where}`);
  if (result.log && result.exit !== 0) terminal.out(`  log       ${result.log}`);
  result.next.forEach((command, index) => {
    terminal.out(`  ${index === 0 ? 'next      ' : '          '}${paint('cyan', command)}`);
  });
}

function verdict({ paint }: Terminal, result: Result): string {
  const window = result.window ? `window ${result.window.label}` : 'no window';
  const head = `${result.job}  ${window}  `;
  if (!result.run && result.outcome === 'unchanged') return `${head}${paint('green', 'nothing to do')}`;
  const words: Record<Result['outcome'], string> = {
    published: paint('green', 'published'),
    unchanged: paint('green', unchangedText(result)),
    incomplete: paint('yellow', 'published with items missing or carried forward'),
    held: paint(
      'yellow',
      result.exit === 5 ? 'held at the deadline; the live snapshot is untouched' : 'held: staged, not live',
    ),
    failed: paint('red', 'failed; the live snapshot is untouched'),
    interrupted: paint('yellow', 'interrupted; finished work is kept'),
    superseded: 'superseded',
    unknown: paint('red', 'publish outcome unknown'),
  };
  return `${head}${words[result.outcome]}  ${paint('dim', `in ${duration(result.durationMs)}`)}`;
}

/** Also what was lost or damaged, and came out as it was, lies at the origin again. */
function unchangedText({ derivatives: { made } }: Result): string {
  return made > 0 ? `snapshot unchanged; ${count(made, 'blob')} made again` : 'unchanged, nothing written';
}

/** The name of a line of snapshots, as wide as every word that opens a line. */
export function lineName(channel: string | undefined): string {
  return (channel ?? 'live').padEnd(9);
}

export function liveLine(live: Result['live'], lastSeen?: Result['lastSeen']): string {
  if (live) return `snapshot ${short(live.snapshot)}  seq ${live.seq}  since ${live.at}`;
  return lastSeen === undefined ? 'nothing yet' : lastSeenText(lastSeen);
}

/** Null: nothing was ever seen by this machine, which proves nothing. */
export function lastSeenText(seen: LastSeen | null): string {
  if (!seen) return 'unknown';
  return `${seen.snapshot ? `snapshot ${short(seen.snapshot)}  ` : ''}seq ${seen.seq} as last seen`;
}

function renderCounts(terminal: Terminal, result: Result): void {
  const { assets, derivatives, freshness } = result;
  const items = toldItems(result);
  const parts = (pairs: readonly (readonly [number, string])[]) =>
    pairs.flatMap(([n, what]) => (n > 0 ? [`${n.toLocaleString('en-US')} ${what}`] : [])).join(', ') || 'none';
  terminal.out(
    `  assets    ${assets.total.toLocaleString('en-US')}: ${parts([
      [assets.added, 'added'],
      [assets.changed, 'changed'],
      [assets.unchanged, 'unchanged'],
      [assets.removed, 'removed'],
      [assets.unmatched, 'matched by no recipe'],
    ])}`,
  );
  terminal.out(
    `  items     ${items.total.toLocaleString('en-US')}: ${parts([
      [items.done, 'done'],
      [items.reused, 'reused'],
      [items.unchanged, 'unchanged'],
      [items.carried, 'carried'],
      [items.failed, 'failed'],
      [items.left, 'left'],
      [items.quarantined, 'quarantined'],
      [items.withheld, 'withheld'],
    ])}`,
  );
  if (result.shed) terminal.out(`  deadline  ${leftText(result.shed)}`);
  if (result.accepted) terminal.out(`  accepted  ${count(result.accepted, 'item')} of these, by quarantine accept`);
  if (derivatives.made + derivatives.reused > 0) {
    terminal.out(
      `  made      ${count(derivatives.made, 'derivative')}, ${bytes(derivatives.bytes)}; ${derivatives.reused} reused`,
    );
  }
  if (freshness)
    terminal.out(
      `  fresh     half live within ${duration(freshness.p50Ms)} of their change, 95 % within ${duration(freshness.p95Ms)}`,
    );
}

/** By cause, one sample each and the command that shows it; `-v` shows every finding. */
export function renderFindings(terminal: Terminal, findings: readonly Finding[], told?: readonly ToldCause[]): void {
  if (terminal.verbose) {
    for (const finding of findings) renderFinding(terminal, finding);
    return;
  }
  const errors = findings.filter((finding) => finding.severity === 'error');
  const causes: readonly ToldCause[] = told ?? causesOf(errors);
  if (errors.length > causes.length)
    terminal.out(
      `  ${terminal.paint('red', 'failed')}    ${count(errors.length, 'finding')}, ${count(causes.length, 'cause')}`,
    );
  for (const { sample, command, count: alike } of causes.slice(0, mostCauses)) {
    renderFinding(terminal, sample);
    if (alike > 1) terminal.out(`            and ${(alike - 1).toLocaleString('en-US')} more like it`);
    if (command && causes.length > 1) terminal.out(`            ${terminal.paint('cyan', command)}`);
  }
  const more = causes.length - mostCauses;
  if (more > 0) terminal.out(`            and ${count(more, 'more cause')}; -v shows all`);
}

function renderFinding(terminal: Terminal, { severity, key, message, code }: Finding): void {
  const mark = severity === 'error' ? terminal.paint('red', 'finding') : terminal.paint('dim', 'notice ');
  terminal.out(`  ${mark}   ${key ? `${printable(key)}: ` : ''}${printable(message)} [${code}]`);
}
